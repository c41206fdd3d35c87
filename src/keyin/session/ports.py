"""What a key-in asks of the world: settings handlers, files, the journal, the other two processes.

Ports only; who implements them is decided where the process is wired. Everything here is async
because it may take long; an implementation must not block the event loop for more than a moment.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from keyin.domain.absent import Absent, Value
    from keyin.domain.secret import AccessToken, GpiiKey, Pin
    from keyin.session.records import Entry, FileState, SessionId, Unfinished
    from keyin.session.sender import Sender


class Block(msgspec.Struct, frozen=True, kw_only=True):
    """One settings handler block of one solution, its variables resolved."""

    solution: str
    type: str
    options: Mapping[str, Value]
    settings: Mapping[str, Value | Absent]
    """For `read` only the names count; for `write` ABSENT removes a value or resets it."""


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """What one write did to one setting; `new` as the mechanism now holds it."""

    setting: str
    old: Value | Absent
    new: Value | Absent


class SettingsHandler(Protocol):
    """Reads and writes one kind of settings store. Launch handlers have one setting, `running`."""

    async def read(self, block: Block) -> Mapping[str, Value | Absent]:
        """Return the current values of the settings named in the block. Raises HandlerFailed."""
        ...

    async def write(self, block: Block) -> list[Change]:
        """Write the block's settings. A file is replaced as a whole. Raises HandlerFailed."""
        ...

    def footprint(self, block: Block) -> tuple[Path, ...]:
        """Name the files that `write` may touch; () where the store is no file of the person's."""
        ...

    async def foresee(self, block: Block) -> Mapping[Path, bytes]:
        """Return the bytes that `write` would now leave in the files of the footprint.

        Changes nothing. The journal holds their digests before the write, so that after a crash
        "the file is as key-in wrote it" can be told from "somebody else changed it".
        Empty where the footprint is. Raises HandlerFailed.
        """
        ...


class Handlers(Protocol):
    """Every handler that this computer has."""

    def find(self, type: str) -> SettingsHandler | None:  # noqa: A002 - the registries' word
        """Return the handler of this type name, or None where nothing takes it."""
        ...


class FileKeeper(Protocol):
    """Takes and gives back files as they were: bytes, mode, owner and times."""

    async def capture(self, path: Path) -> FileState:
        """Remember a file, or that there is none. Raises StoreUnavailable."""
        ...

    async def digest(self, path: Path) -> str | None:
        """Return the SHA-256 of the file's bytes in hex; None where there is no file."""
        ...

    async def restore(self, state: FileState) -> None:
        """Make the file as it was captured; remove it where there was none. Durable on return."""
        ...

    async def tidy(self, path: Path) -> None:
        """Remove what an interrupted write of this file may have left beside it."""
        ...


class Journal(Protocol):
    """The write-ahead journal: what is in it survives a power cut at any moment."""

    async def append(self, session: SessionId, *entries: Entry) -> None:
        """Add entries; all are durable on return. The first one opens the session."""
        ...

    async def close(self, session: SessionId) -> None:
        """Everything of this session is back as it was: its record is no longer needed."""
        ...

    async def unfinished(self) -> Sequence[Unfinished]:
        """Return the sessions that were not closed, oldest first."""
        ...


class Action(Protocol):
    """Something that a solution's step list does besides settings, such as starting a program."""

    async def invoke(self, action: Mapping[str, Value]) -> Value | Absent:
        """Do it; the result may be named by later steps. Raises HandlerFailed."""
        ...


class Actions(Protocol):
    """Every action that this computer can do."""

    def find(self, type: str) -> Action | None:  # noqa: A002 - as Handlers
        """Return the action of this type name, or None."""
        ...


class TokenSource(Protocol):
    """The access requester, seen from here: it turns a key into a token, and nothing else."""

    async def token(
        self, key: GpiiKey, sender: Sender, *, pin: Pin | None, request_id: str
    ) -> AccessToken:
        """Return a token for this sender alone.

        Raises Refused, RequesterUnreachable or CloudUnreachable.
        """
        ...

    async def forget(self, key: GpiiKey | None, *, request_id: str) -> None:
        """Drop the token of this key; without a key, every token of ours. Raises as `token`."""
        ...


class SettingsSource(Protocol):
    """The cloud's settings endpoint, seen from here."""

    async def settings(
        self, token: AccessToken, sender: Sender, device: Mapping[str, Value], *, request_id: str
    ) -> Mapping[str, Value]:
        """Return `matchMakerOutput` and `solutionsRegistryEntries` for this device.

        Raises Refused (code `unauthorized` where the token is not accepted) or CloudUnreachable.
        """
        ...


class DeviceReporter(Protocol):
    """Knows what this computer is and which of the registry's solutions are installed."""

    async def report(self) -> Mapping[str, Value]:
        """Return `{"OS": {"id", "version"}, "solutions": [{"id"}, ...]}`. Raises HandlerFailed."""
        ...
