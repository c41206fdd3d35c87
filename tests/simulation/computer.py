"""One simulated computer: real handlers, real session, real requester; a mortal flow manager.

Its settings, its journal and its kernel outlive the flow manager, which may die at every moment
in which it touches one of them.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from keyin.domain.absent import ABSENT
from keyin.handlers.memory import MemoryFiles, MemoryGSettings, MemoryProcesses, MemoryPrograms
from keyin.session.records import FileState
from tests.fakes.session import MemoryJournal
from tests.simulation.world import FILE, IN_FILE, SCHEMA, SETTINGS, desktop

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path
    from random import Random

    from keyin.domain.absent import Absent, Value
    from keyin.domain.environment import Clock
    from keyin.session.records import Entry, SessionId, Unfinished

T = TypeVar("T")
OWN_FILE = {"note": "as-it-was", "unrelated": [1, 2]}


class Dead(BaseException):
    """The flow manager's process is no more; whatever of it still runs, ends here."""


@dataclass
class Life:
    """One life of a flow manager. It ends by chance at a point, or never."""

    random: Random
    ends_at: int | None = None
    """The number of the point at which it ends."""
    died: Callable[[], None] = lambda: None
    dead: bool = False
    _points: int = 0

    def point(self) -> None:
        """Come to a moment at which a process may be killed. Raises Dead."""
        self._points += 1
        if not self.dead and self._points == self.ends_at:
            self.dead = True
            self.died()
        if self.dead:
            raise Dead


@dataclass
class Hardware:
    """What stays when a process dies, with a look at every write."""

    written: Callable[[str, Any], None]
    """Told each setting that gets a new value."""
    files: MemoryFiles = field(default_factory=MemoryFiles)
    gsettings: MemoryGSettings = field(default_factory=desktop)
    journal: MemoryJournal = field(default_factory=MemoryJournal)

    def __post_init__(self) -> None:
        self.files.content[FILE] = json.dumps(OWN_FILE).encode()
        self.before = self.state()

    def state(self) -> tuple[bytes | None, dict[tuple[str, str], Any]]:
        """Return everything that must be as it was, to the byte."""
        return self.files.content.get(FILE), dict(self.gsettings.values)

    def settings(self) -> dict[str, Any]:
        """Return the five settings' values; what is not set is left out."""
        file = json.loads(self.files.content.get(FILE) or b"{}")
        both = {**file, **{key: value for (_, key), value in self.gsettings.values.items()}}
        return {name: both[name] for name in SETTINGS if name in both}


class MortalFiles:
    """See `handlers.system.Files`."""

    def __init__(self, hardware: Hardware, life: Life) -> None:
        self._hardware, self._life = hardware, life

    def read(self, path: Path) -> bytes | None:
        return self._hardware.files.read(path)

    def write(self, path: Path, content: bytes) -> None:
        self._life.point()
        self._hardware.files.write(path, content)
        for name in IN_FILE:
            self._hardware.written(name, json.loads(content).get(name, ABSENT))
        self._life.point()


class MortalGSettings:
    """See `handlers.system.GSettings`: each key is a write of its own, with a death between."""

    def __init__(self, hardware: Hardware, life: Life) -> None:
        self._hardware, self._life = hardware, life

    def keys(self, schema: str) -> frozenset[str] | None:
        return self._hardware.gsettings.keys(schema)

    def read(self, schema: str, key: str) -> Value | Absent:
        return self._hardware.gsettings.read(schema, key)

    def fit(self, schema: str, key: str, value: Value) -> Value | Absent:
        return self._hardware.gsettings.fit(schema, key, value)

    def write(self, schema: str, values: Mapping[str, Value | Absent]) -> None:
        assert schema == SCHEMA
        for key, value in values.items():
            self._life.point()
            self._hardware.gsettings.write(schema, {key: value})
            self._hardware.written(key, value)
        self._life.point()


@dataclass(frozen=True, kw_only=True)
class MortalSystem:
    """See `handlers.system.System`; work takes its time."""

    files: MortalFiles
    gsettings: MortalGSettings
    clock: Clock
    life: Life
    programs: MemoryPrograms = field(default_factory=MemoryPrograms)
    processes: MemoryProcesses = field(default_factory=MemoryProcesses)

    async def call(self, work: Callable[[], T]) -> T:
        if self.life.random.random() < 0.2:
            await self.clock.sleep(self.life.random.choice((0.001, 0.02, 0.3)))
        self.life.point()
        return work()


class MortalJournal:
    """See `session.ports.Journal`: dying before an entry is durable, or just after."""

    def __init__(self, hardware: Hardware, life: Life) -> None:
        self._journal, self._life = hardware.journal, life

    async def append(self, session: SessionId, *entries: Entry) -> None:
        self._life.point()
        await self._journal.append(session, *entries)
        self._life.point()

    async def close(self, session: SessionId) -> None:
        self._life.point()
        await self._journal.close(session)
        self._life.point()

    async def unfinished(self) -> Sequence[Unfinished]:
        return await self._journal.unfinished()


class MortalFileKeeper:
    """See `session.ports.FileKeeper`."""

    def __init__(self, hardware: Hardware, life: Life) -> None:
        self._content, self._life = hardware.files.content, life

    async def capture(self, path: Path) -> FileState:
        return FileState(path=str(path), content=self._content.get(path))

    async def digest(self, path: Path) -> str | None:
        content = self._content.get(path)
        return None if content is None else hashlib.sha256(content).hexdigest()

    async def restore(self, state: FileState) -> None:
        self._life.point()
        assert str(FILE) == state.path
        assert state.content is not None
        self._content[FILE] = state.content
        self._life.point()

    async def tidy(self, path: Path) -> None:
        """Find nothing: writes to memory leave no drafts."""
