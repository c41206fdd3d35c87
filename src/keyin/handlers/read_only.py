"""A computer that may be looked at but not changed: every change raises."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn, TypeVar

import msgspec

from keyin.domain.errors import HandlerFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from pathlib import Path

    from keyin.domain.absent import Absent, Value
    from keyin.handlers.system import Files, GSettings, Processes, Programs, System

T = TypeVar("T")


class ReadOnlySystem:
    """See `keyin.handlers.system.System`; reads go through to another system."""

    def __init__(self, system: System) -> None:
        self._system = system
        self.files: Files = ReadOnlyFiles(system.files)
        self.programs: Programs = system.programs
        self.processes: Processes = ReadOnlyProcesses(system.processes)
        self.gsettings: GSettings = ReadOnlyGSettings(system.gsettings)

    async def call(self, work: Callable[[], T]) -> T:
        """See `System.call`."""
        return await self._system.call(work)


class ReadOnlyFiles(msgspec.Struct, frozen=True):
    """See `Files`."""

    _files: Files

    def read(self, path: Path) -> bytes | None:
        """Read through."""
        return self._files.read(path)

    def write(self, path: Path, content: bytes) -> None:  # noqa: ARG002 - the port's shape
        """Refuse."""
        _refuse(str(path))


class ReadOnlyProcesses(msgspec.Struct, frozen=True):
    """See `Processes`."""

    _processes: Processes

    def running(self, name: str, *, apart_from: Collection[str] = ()) -> bool:
        """Look through."""
        return self._processes.running(name, apart_from=apart_from)

    def start(self, command: Sequence[str], *, mark: str) -> None:  # noqa: ARG002 - the port's shape
        """Refuse."""
        _refuse(mark)

    def started(self, mark: str) -> bool:
        """Look through."""
        return self._processes.started(mark)

    def stop(self, mark: str) -> None:
        """Refuse where there is something to stop."""
        if self._processes.started(mark):
            _refuse(mark)


class ReadOnlyGSettings(msgspec.Struct, frozen=True):
    """See `GSettings`."""

    _gsettings: GSettings

    def keys(self, schema: str) -> frozenset[str] | None:
        """Read through."""
        return self._gsettings.keys(schema)

    def read(self, schema: str, key: str) -> Value | Absent:
        """Read through."""
        return self._gsettings.read(schema, key)

    def fit(self, schema: str, key: str, value: Value) -> Value | Absent:
        """Ask through."""
        return self._gsettings.fit(schema, key, value)

    def write(self, schema: str, values: Mapping[str, Value | Absent]) -> None:
        """Refuse where there is something to write."""
        if values:
            _refuse(schema)


def _refuse(what: str) -> NoReturn:
    raise HandlerFailed(
        "%(what)s may be looked at here, but not changed.",
        next_step="Start the flow manager without its read-only form to change settings.",
        what=what,
    )
