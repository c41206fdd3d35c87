"""A computer that pretends: it records what would change, and changes nothing.

Later reads see what was pretended, so that a whole key-in can be tried: two blocks that write one
file, or a program that is started and then asked about, give the difference that they really would.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeVar

import msgspec

from keyin.domain.absent import ABSENT, Absent

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

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
        self.files: Files = DryRunFiles(system.files, self.differences)
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
        self._pretended: dict[Path, bytes] = {}

    def read(self, path: Path) -> bytes | None:
        """Return what was pretended, else what is there."""
        target = path.resolve()
        return self._pretended[target] if target in self._pretended else self._files.read(path)

    def write(self, path: Path, content: bytes) -> None:
        """Record the write. That the disk would refuse it is found out by writing only."""
        old, new = _text(self.read(path)), _text(content)
        self._differences.append(Difference(kind="file", target=str(path), old=old, new=new))
        self._pretended[path.resolve()] = content


class DryRunProcesses:
    """See `Processes`."""

    def __init__(self, processes: Processes, differences: list[Difference]) -> None:
        self._processes = processes
        self._differences = differences
        self._pretended: dict[str, bool] = {}

    def running(self, name: str) -> bool:
        """Look through: what a pretended program is called once it runs, nobody knows."""
        return self._processes.running(name)

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
