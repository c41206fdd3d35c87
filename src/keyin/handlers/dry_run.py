"""A computer that pretends: it records what would change, and changes nothing.

Later reads see what was pretended, so that a whole key-in can be tried: two blocks that write one
file, or a program that is started and then asked about, give the difference that they really would.
"""

from __future__ import annotations

import hashlib
import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar

import msgspec

from keyin.domain.absent import ABSENT, Absent
from keyin.session.records import FileState

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from keyin.domain.absent import Value
    from keyin.handlers.system import Files, GSettings, Processes, Programs, System

T = TypeVar("T")


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that would be different. `old` and `new` of a file are its text or ABSENT."""

    kind: Literal["file", "gsettings", "start", "stop"]
    target: str
    """The path, `schema key`, the command line, or the solution whose programs would end."""
    old: Value | Absent = ABSENT
    new: Value | Absent = ABSENT


class DryRunSystem:
    """See `keyin.handlers.system.System`; `differences` holds what would have been done."""

    def __init__(self, system: System) -> None:
        self._system = system
        self.differences: list[Difference] = []
        self.files = DryRunFiles(system.files, self.differences)
        self.programs: Programs = system.programs
        self.processes: Processes = DryRunProcesses(system.processes, self.differences)
        self.gsettings: GSettings = DryRunGSettings(system.gsettings, self.differences)

    async def call(self, work: Callable[[], T]) -> T:
        """See `System.call`."""
        return await self._system.call(work)


class DryRunFiles:
    """See `Files`."""

    def __init__(self, files: Files, differences: list[Difference]) -> None:
        self._files = files
        self._differences = differences
        self._pretended: dict[str, bytes | None] = {}

    def read(self, path: Path) -> bytes | None:
        """Return what was pretended, else what is there."""
        target = os.path.realpath(path)
        return self._pretended[target] if target in self._pretended else self._files.read(path)

    def write(self, path: Path, content: bytes) -> None:
        """Record the write. That the disk would refuse it is found out by writing only."""
        self.put(path, content)

    def put(self, path: Path, content: bytes | None) -> None:
        """Record that the file holds this, or that there is none."""
        old, new = _text(self.read(path)), _text(content)
        self._differences.append(Difference(kind="file", target=str(path), old=old, new=new))
        self._pretended[os.path.realpath(path)] = content


class DryRunFileKeeper(msgspec.Struct, frozen=True):
    """See `keyin.session.ports.FileKeeper`: keeps and gives back what is pretended."""

    _system: DryRunSystem

    async def capture(self, path: Path) -> FileState:
        """See `FileKeeper.capture`; of a file that nobody will miss the bytes are enough."""
        return FileState(path=str(path), content=await self._read(path))

    async def digest(self, path: Path) -> str | None:
        """See `FileKeeper.digest`."""
        content = await self._read(path)
        return None if content is None else hashlib.sha256(content).hexdigest()

    async def restore(self, state: FileState) -> None:
        """Pretend to give a file back."""
        put = partial(self._system.files.put, Path(state.path), state.content)
        await self._system.call(put)

    async def tidy(self, path: Path) -> None:
        """Leave what lies there."""

    async def _read(self, path: Path) -> bytes | None:
        return await self._system.call(partial(self._system.files.read, path))


class DryRunProcesses:
    """See `Processes`."""

    def __init__(self, processes: Processes, differences: list[Difference]) -> None:
        self._processes = processes
        self._differences = differences
        self._pretended: dict[str, bool] = {}

    def running(self, name: str, *, apart_from: Collection[str] = ()) -> bool:
        """Look through, past what was ended; what a pretended program is called, nobody knows."""
        ended = {mark for mark, runs in self._pretended.items() if not runs}
        return self._processes.running(name, apart_from=ended.union(apart_from))

    def start(self, command: Sequence[str], *, mark: str) -> None:
        """Record the start."""
        self._differences.append(Difference(kind="start", target=" ".join(command)))
        self._pretended[mark] = True

    def started(self, mark: str) -> bool:
        """Answer what was pretended, else what is so."""
        return self._pretended.get(mark, self._processes.started(mark))

    def stop(self, mark: str) -> None:
        """Record the end of what runs."""
        if self.started(mark):
            self._differences.append(Difference(kind="stop", target=mark))
            self._pretended[mark] = False


class DryRunGSettings:
    """See `GSettings`."""

    def __init__(self, gsettings: GSettings, differences: list[Difference]) -> None:
        self._gsettings = gsettings
        self._differences = differences
        self._pretended: dict[tuple[str, str], Value | Absent] = {}

    def keys(self, schema: str) -> frozenset[str] | None:
        """Read through."""
        return self._gsettings.keys(schema)

    def read(self, schema: str, key: str) -> Value | Absent:
        """Return what was pretended, else what is set."""
        if (schema, key) in self._pretended:
            return self._pretended[schema, key]
        return self._gsettings.read(schema, key)

    def fit(self, schema: str, key: str, value: Value) -> Value | Absent:
        """Ask through."""
        return self._gsettings.fit(schema, key, value)

    def write(self, schema: str, values: Mapping[str, Value | Absent]) -> None:
        """Record the writes."""
        for key, value in values.items():
            new = value if isinstance(value, Absent) else self.fit(schema, key, value)
            self._differences.append(
                Difference(
                    kind="gsettings",
                    target=f"{schema} {key}",
                    old=self.read(schema, key),
                    new=new,
                )
            )
            self._pretended[schema, key] = new


def _text(content: bytes | None) -> str | Absent:
    return ABSENT if content is None else content.decode(errors="replace")
