"""A computer in memory for sessions: stores, a journal, no files. Every write is on a list."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import msgspec

from keyin.domain.absent import ABSENT, Absent, Value
from keyin.domain.environment import Millis
from keyin.domain.errors import HandlerFailed
from keyin.domain.variables import resolve
from keyin.session.ports import Action, Block, Change, SettingsHandler
from keyin.session.records import Entry, FileState, SessionId, Unfinished
from keyin.session.world import World
from tests.mocked_key_in import _store_ids

if TYPE_CHECKING:
    from pathlib import Path

Fails = Callable[[Block], bool]


@dataclass
class FakeClock:
    """Time that passes only when told to."""

    time: int = 1_700_000_000_000

    def now(self) -> Millis:
        return Millis(self.time)

    def monotonic(self) -> float:
        return self.time / 1000

    async def sleep(self, seconds: float) -> None:
        self.time += int(seconds * 1000)


class FakeEntropy:
    """Counts instead of drawing."""

    def __init__(self) -> None:
        self._drawn = 0

    def token_bytes(self, count: int) -> bytes:
        self._drawn += 1
        return self._drawn.to_bytes(count, "big")


@dataclass
class Stores:
    """The mock world of cases/local.json: stores of settings by handler type and store id."""

    state: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    calls: list[dict[str, Any]] = field(default_factory=list)
    fails: Fails = lambda _block: False
    message: str = ""
    without: frozenset[str] = frozenset()
    """Types that nothing takes."""

    def find(self, type: str) -> SettingsHandler | None:  # noqa: A002 - the port's word
        return None if type in self.without else StoreHandler(self, type)

    def pretended(self) -> Stores:
        """Return stores that hold the same, and that nobody looks at afterwards."""
        return replace(self, state=deepcopy(self.state), calls=[])


@dataclass
class StoreHandler:
    """One type's handler."""

    stores: Stores
    type: str

    def _store(self, block: Block) -> tuple[str, dict[str, Any]]:
        name = next(iter(_store_ids(self.type, dict(block.options))), block.solution)
        return name, self.stores.state.setdefault((self.type, name), {})

    async def read(self, block: Block) -> Mapping[str, Value | Absent]:
        _, settings = self._store(block)
        return {name: settings.get(name, ABSENT) for name in block.settings}

    async def write(self, block: Block) -> list[Change]:
        call: dict[str, Any] = {"handler": self.type, "solution": block.solution}
        if self.stores.fails(block):
            self.stores.calls.append({"op": "set-failed", **call})
            raise HandlerFailed(self.stores.message)
        name, settings = self._store(block)
        wanted = dict(block.settings)
        self.stores.calls.append({"op": "set", **call, "settings": wanted, "store": name})
        changes = []
        for setting, value in wanted.items():
            old = settings.pop(setting, ABSENT)
            if not isinstance(value, Absent):
                settings[setting] = value
            changes.append(Change(setting=setting, old=old, new=value))
        return changes

    def footprint(self, block: Block) -> tuple[Path, ...]:  # noqa: ARG002 - the port's shape
        return ()

    async def foresee(self, block: Block) -> Mapping[Path, bytes]:  # noqa: ARG002 - as above
        return {}


@dataclass
class RecordedActions:
    """Every action exists and does nothing."""

    calls: list[dict[str, Any]]

    def find(self, type: str) -> Action | None:  # noqa: A002, ARG002 - the port's shape
        return self

    async def invoke(self, action: Mapping[str, Value]) -> Value | Absent:
        self.calls.append({"op": "action", "action": dict(action)})
        return ABSENT


class MemoryJournal:
    """Keeps what it is given as the bytes that a disk would get."""

    def __init__(self) -> None:
        self.sessions: dict[SessionId, list[bytes]] = {}
        self.appended = 0

    async def append(self, session: SessionId, *entries: Entry) -> None:
        self.appended += 1
        self.sessions.setdefault(session, []).extend(map(msgspec.json.encode, entries))

    async def close(self, session: SessionId) -> None:
        self.sessions.pop(session, None)

    async def unfinished(self) -> Sequence[Unfinished]:
        decoder = msgspec.json.Decoder(Entry)
        return [
            Unfinished(session=session, entries=tuple(map(decoder.decode, lines)))
            for session, lines in sorted(self.sessions.items())
        ]


class NoFiles:
    """For worlds without files: none may be asked for."""

    async def capture(self, path: Path) -> FileState:
        raise AssertionError(path)

    async def digest(self, path: Path) -> str | None:
        raise AssertionError(path)

    async def restore(self, state: FileState) -> None:
        raise AssertionError(state.path)

    async def tidy(self, path: Path) -> None:
        raise AssertionError(path)


def variables(key: str = "") -> Callable[[Any], Any]:
    """Return the cases' way to resolve: `%NAME%`, and the key."""

    def lookup(context: str, path: str) -> Value | Absent:
        return key if context == "gpiiKey" else f"%{path}%"

    return lambda material: resolve(material, lookup)


def world_of(
    stores: Stores, journal: MemoryJournal | None = None, *, key: str = "", clock: Any = None
) -> World:
    """Return a world of stores."""
    return World(
        handlers=stores,
        actions=RecordedActions(stores.calls),
        files=NoFiles(),
        journal=journal or MemoryJournal(),
        clock=clock or FakeClock(),
        entropy=FakeEntropy(),
        resolve=variables(key),
    )
