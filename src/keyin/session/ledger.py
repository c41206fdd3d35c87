"""What one session has changed so far: the journal's entries, added up.

The same sum serves the running session and one that is found open after a crash, so what a restart
knows is what the running process knew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from keyin.session.fingerprints import fingerprint
from keyin.session.records import (
    Entry,
    FileForeseen,
    FileKept,
    FileMixed,
    FileState,
    Intended,
    SessionId,
    Settled,
    Touched,
    Undone,
    bare,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from keyin.domain.absent import Absent, Value
    from keyin.session.ports import Journal


class ChangedBlock(msgspec.Struct, kw_only=True):
    """One block's first old values and the fingerprints of everything key-in put there."""

    type: str
    options: dict[str, Any]
    old: dict[str, Value | Absent]
    new: dict[str, set[str]]


class ChangedSolution(msgspec.Struct, kw_only=True):
    """A solution's record and its changed blocks, in the order of their first change."""

    record: dict[str, Any]
    blocks: dict[str, ChangedBlock] = msgspec.field(default_factory=dict)


class ChangedFile(msgspec.Struct, kw_only=True):
    """A file as it was, and the digests of every state that key-in gave it."""

    state: FileState
    ours: set[str] = msgspec.field(default_factory=set)
    mixed: bool = False


class Ledger:
    """The sum of a session's entries."""

    def __init__(self, session: SessionId, entries: Iterable[Entry] = ()) -> None:
        self.session = session
        self.solutions: dict[str, ChangedSolution] = {}
        self.files: dict[str, ChangedFile] = {}
        for entry in entries:
            self.add(entry)

    def add(self, entry: Entry) -> None:
        """Count one entry in."""
        match entry:
            case Touched():
                self.solutions.setdefault(entry.solution, ChangedSolution(record=entry.record))
            case FileKept():
                self.files.setdefault(entry.state.path, ChangedFile(state=entry.state))
            case FileForeseen():
                self.files[entry.path].ours.add(entry.digest)
            case FileMixed():
                self.files[entry.path].mixed = True
            case Intended():
                self._intended(entry)
            case Settled():
                changed = self.solutions[entry.solution].blocks[entry.block]
                _add_all(changed.new, entry.new)
            case Undone():
                self.solutions.pop(entry.solution, None)

    def is_ours(self, value: Value | Absent, among: set[str]) -> bool:
        """Tell whether a value is one that key-in wrote."""
        return fingerprint(self.session, value) in among

    def _intended(self, entry: Intended) -> None:
        blocks = self.solutions[entry.solution].blocks
        changed = blocks.setdefault(
            entry.block, ChangedBlock(type=entry.type, options=entry.options, old={}, new={})
        )
        for name, value in entry.old.items():
            changed.old.setdefault(name, bare(value))
        _add_all(changed.new, entry.new)


def _add_all(into: dict[str, set[str]], new: dict[str, str]) -> None:
    for name, mark in new.items():
        into.setdefault(name, set()).add(mark)


class Recorder:
    """Writes entries to the journal first and counts them in afterwards, never the other way."""

    def __init__(self, journal: Journal, ledger: Ledger) -> None:
        self.ledger = ledger
        self._journal = journal

    async def record(self, *entries: Entry) -> None:
        """Return when the entries would survive a power cut."""
        if not entries:
            return
        await self._journal.append(self.ledger.session, *entries)
        for entry in entries:
            self.ledger.add(entry)

    async def close(self) -> None:
        """Say that everything is back."""
        await self._journal.close(self.ledger.session)
