"""What the settings handlers ask of a computer, in four small roles behind one `System`.

    Files       read and replace one file
    Programs    ask a program and read its answer; changes nothing
    Processes   start and end what a person sees running
    GSettings   the desktop's settings database

Four systems exist: `host.RealSystem`, `dry_run.DryRunSystem` (records what would change: for
`keyin login --dry-run`), `read_only.ReadOnlySystem` (refuses to change: for who only reports) and
`memory.MemorySystem` (for tests).
The roles are synchronous; `System.call` runs work where it may block without stopping the process.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from pathlib import Path

    from keyin.domain.absent import Absent, Value

T = TypeVar("T")


class Files(Protocol):
    """Files as wholes: what a reader sees is the old content or the new, never a part."""

    def read(self, path: Path) -> bytes | None:
        """Return the file's bytes, None where there is no file. Raises HandlerFailed."""
        ...

    def write(self, path: Path, content: bytes) -> None:
        """Replace the file's bytes; durable on return. Raises HandlerFailed.

        Mode, owner and extended attributes stay; a symbolic link stays and its target is replaced.
        A file that was not there gets mode 0600. Folders are not made.
        """
        ...


class Programs(Protocol):
    """Programs that only answer questions."""

    def find(self, name: str) -> bool:
        """Tell whether a command of this name would be found."""
        ...

    def ask(self, command: Sequence[str]) -> str | None:
        """Return what the command prints; None where it is missing, fails or takes too long."""
        ...


class Processes(Protocol):
    """Processes of this person. What we start carries a mark in its environment.

    The mark survives us: after a crash the next flow manager still knows what the last one started.
    """

    def running(self, name: str, *, apart_from: Collection[str] = ()) -> bool:
        """Tell whether a process with this program name runs, started with none of these marks."""
        ...

    def start(self, command: Sequence[str], *, mark: str) -> None:
        """Start a program without a shell and without waiting. Raises HandlerFailed."""
        ...

    def started(self, mark: str) -> bool:
        """Tell whether something that was started with this mark still runs."""
        ...

    def stop(self, mark: str) -> None:
        """Ask everything started with this mark to end, and wait a moment. Raises HandlerFailed."""
        ...


class GSettings(Protocol):
    """The desktop's settings: typed keys in schemas, each with a default under the user's value."""

    def keys(self, schema: str) -> frozenset[str] | None:
        """Return the schema's key names; None where the schema is not installed."""
        ...

    def read(self, schema: str, key: str) -> Value | Absent:
        """Return what the user (or key-in) set; ABSENT where the default holds or no such key."""
        ...

    def fit(self, schema: str, key: str, value: Value) -> Value | Absent:
        """Return the value as the key would hold it; ABSENT where its type or range refuses it."""
        ...

    def write(self, schema: str, values: Mapping[str, Value | Absent]) -> None:
        """Set keys, ABSENT resets. Stored on return. Give only keys that exist and values that fit.

        Raises HandlerFailed where a key is locked or the database did not take it.
        """
        ...


class System(Protocol):
    """One computer."""

    @property
    def files(self) -> Files:
        """The person's files."""
        ...

    @property
    def programs(self) -> Programs:
        """Programs that answer questions."""
        ...

    @property
    def processes(self) -> Processes:
        """What runs."""
        ...

    @property
    def gsettings(self) -> GSettings:
        """The desktop's settings."""
        ...

    async def call(self, work: Callable[[], T]) -> T:
        """Run work that blocks: one piece at a time, in the order of the calls."""
        ...
