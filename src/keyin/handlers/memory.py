"""A computer in memory: for tests and simulations, held to the real one's conformance suite.

Nothing of the computer it runs on is seen or touched.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import msgspec

from keyin.domain.absent import ABSENT, Absent
from keyin.domain.errors import HandlerFailed
from keyin.handlers.gsettings_values import convert

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from pathlib import Path

    from keyin.domain.absent import Value

T = TypeVar("T")


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """A key of a schema: its GVariant type, and what limits it."""

    kind: str
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    locked: bool = False


class MemoryGSettings:
    """See `GSettings`: schemas given at the start, values in a dictionary."""

    def __init__(self, schemas: Mapping[str, Mapping[str, Key]] | None = None) -> None:
        self._schemas = {name: dict(keys) for name, keys in (schemas or {}).items()}
        self.values: dict[tuple[str, str], Value] = {}

    def keys(self, schema: str) -> frozenset[str] | None:
        """See `GSettings.keys`."""
        return frozenset(self._schemas[schema]) if schema in self._schemas else None

    def read(self, schema: str, key: str) -> Value | Absent:
        """See `GSettings.read`."""
        return self.values.get((schema, key), ABSENT)

    def fit(self, schema: str, key: str, value: Value) -> Value | Absent:
        """See `GSettings.fit`."""
        wanted = self._schemas.get(schema, {}).get(key)
        if wanted is None:
            return ABSENT
        plain = convert(wanted.kind, value)
        return plain if _admits(wanted, plain) else ABSENT

    def write(self, schema: str, values: Mapping[str, Value | Absent]) -> None:
        """See `GSettings.write`."""
        keys = self._schemas.get(schema, {})
        taken = {
            name: value if isinstance(value, Absent) else self.fit(schema, name, value)
            for name, value in values.items()
        }
        for name, value in values.items():
            refused = taken[name] is ABSENT and value is not ABSENT
            if name not in keys or keys[name].locked or refused:
                raise HandlerFailed("The setting %(key)s cannot be changed.", key=name)
        for name, value in taken.items():
            if isinstance(value, Absent):
                self.values.pop((schema, name), None)
            else:
                self.values[schema, name] = value


def _admits(key: Key, value: bool | float | str | list[str] | Absent) -> bool:  # noqa: FBT001 - a value of any kind
    if isinstance(value, str) and key.choices:
        return value in key.choices
    if isinstance(value, int | float) and not isinstance(value, bool):
        above = key.low is None or value >= key.low
        return above and (key.high is None or value <= key.high)
    return True


class MemoryFiles(msgspec.Struct):
    """See `Files`; folders are not modelled."""

    content: dict[Path, bytes] = msgspec.field(default_factory=dict)

    def read(self, path: Path) -> bytes | None:
        """See `Files.read`."""
        return self.content.get(path)

    def write(self, path: Path, content: bytes) -> None:
        """See `Files.write`."""
        self.content[path] = content


class MemoryPrograms(msgspec.Struct):
    """See `Programs`: commands by their first word, with what they print."""

    answers: dict[str, str] = msgspec.field(default_factory=dict)
    asked: list[Sequence[str]] = msgspec.field(default_factory=list)

    def find(self, name: str) -> bool:
        """See `Programs.find`."""
        return name in self.answers

    def ask(self, command: Sequence[str]) -> str | None:
        """See `Programs.ask`."""
        self.asked.append(tuple(command))
        return self.answers.get(command[0])


class MemoryProcesses(msgspec.Struct):
    """See `Processes`: a started program runs under its first word until it is stopped."""

    names: set[str] = msgspec.field(default_factory=set)
    """What runs without having been started here."""
    commands: list[tuple[str, ...]] = msgspec.field(default_factory=list)
    """Every command that was started, in order."""
    marked: dict[str, list[str]] = msgspec.field(default_factory=dict)

    def running(self, name: str, *, apart_from: Collection[str] = ()) -> bool:
        """See `Processes.running`."""
        return name in self.names or any(
            name in started for mark, started in self.marked.items() if mark not in apart_from
        )

    def start(self, command: Sequence[str], *, mark: str) -> None:
        """See `Processes.start`."""
        self.commands.append(tuple(command))
        self.marked.setdefault(mark, []).append(command[0])

    def started(self, mark: str) -> bool:
        """See `Processes.started`."""
        return mark in self.marked

    def stop(self, mark: str) -> None:
        """See `Processes.stop`."""
        self.marked.pop(mark, None)


class MemorySystem(msgspec.Struct, frozen=True, kw_only=True):
    """See `keyin.handlers.system.System`; work runs where it is called, in order."""

    files: MemoryFiles = msgspec.field(default_factory=MemoryFiles)
    programs: MemoryPrograms = msgspec.field(default_factory=MemoryPrograms)
    processes: MemoryProcesses = msgspec.field(default_factory=MemoryProcesses)
    gsettings: MemoryGSettings = msgspec.field(default_factory=MemoryGSettings)

    async def call(self, work: Callable[[], T]) -> T:
        """Run the work at once."""
        return work()
