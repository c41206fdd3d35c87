"""What a key-in would change: its own steps, taken on a computer that only pretends.

Nothing of this reaches a disk: the handlers and the files are a pretended computer's, the journal
forgets, and no action is done. What is read and written on the way is noted.
"""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from keyin.domain.absent import ABSENT, Absent, Value
from keyin.domain.errors import KeyinError
from keyin.session.applying import RUNNING
from keyin.session.records import armoured
from keyin.session.restoring import block_of
from keyin.session.world import Difference, Pretended, World

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from keyin.session.ledger import Ledger
    from keyin.session.ports import Action, Actions, Block, Change, Handlers, SettingsHandler
    from keyin.session.records import Entry, SessionId, Unfinished


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where a value lies. What runs is each solution's own; a store is whoever's that names it."""

    owner: str
    type: str
    options: str
    setting: str


class Noted:
    """The first and the last value of every setting that was seen."""

    def __init__(self) -> None:
        self._values: dict[Place, tuple[Value | Absent, Value | Absent]] = {}
        self._rows: dict[tuple[str, Place], None] = {}

    def note(self, block: Block, values: Mapping[str, Value | Absent]) -> None:
        """Note what the settings of a block are now."""
        for name, value in values.items():
            place = _place(block, name)
            first, _ = self._values.get(place, (value, value))
            self._values[place] = (first, value)
            self._rows[block.solution, place] = None

    def differences(self) -> list[Difference]:
        """Return what is not as it was, in the order in which it was first seen."""
        return [
            Difference(solution=solution, setting=place.setting, now=now, then=then)
            for solution, place in self._rows
            for now, then in (self._values[place],)
            if armoured(now) != armoured(then)
        ]


def _place(block: Block, setting: str) -> Place:
    shared = block.options and setting != RUNNING
    return Place(
        owner="" if shared else block.solution,
        type=block.type,
        options=json.dumps(dict(block.options), sort_keys=True),
        setting=setting,
    )


def rehearsing(world: World, pretended: Pretended, noted: Noted) -> World:
    """Return the world in which everything is only pretended, and noted."""
    return replace(
        world,
        handlers=NotedHandlers(pretended.handlers, noted),
        actions=IdleActions(world.actions),
        files=pretended.files,
        journal=NoJournal(),
    )


async def look(world: World, ledgers: Iterable[Ledger]) -> None:
    """Read what earlier key-ins changed, before it is put back."""
    for ledger in ledgers:
        for solution, changed in ledger.solutions.items():
            for block in changed.blocks.values():
                handler = world.handlers.find(block.type)
                if handler is not None:
                    with suppress(KeyinError):  # a key-out finds it stuck, and goes on
                        await handler.read(block_of(solution, block, block.old))


class NotedHandlers(msgspec.Struct, frozen=True):
    """See `Handlers`; what each reads and writes is noted."""

    _handlers: Handlers
    _noted: Noted

    def find(self, type: str) -> SettingsHandler | None:  # noqa: A002 - the port's word
        """Find through."""
        found = self._handlers.find(type)
        return None if found is None else NotedHandler(found, self._noted)


class NotedHandler(msgspec.Struct, frozen=True):
    """See `SettingsHandler`."""

    _handler: SettingsHandler
    _noted: Noted

    async def read(self, block: Block) -> Mapping[str, Value | Absent]:
        """Read through, and note the values."""
        values = await self._handler.read(block)
        self._noted.note(block, {name: values.get(name, ABSENT) for name in block.settings})
        return values

    async def write(self, block: Block) -> list[Change]:
        """Write through, and note what came of it."""
        changes = await self._handler.write(block)
        self._noted.note(block, {change.setting: change.old for change in changes})
        self._noted.note(block, {change.setting: change.new for change in changes})
        return changes

    def footprint(self, block: Block) -> tuple[Path, ...]:
        """Ask through."""
        return self._handler.footprint(block)

    async def foresee(self, block: Block) -> Mapping[Path, bytes]:
        """Ask through."""
        return await self._handler.foresee(block)


class IdleActions(msgspec.Struct, frozen=True):
    """See `Actions`: the same are there, and none does anything."""

    _actions: Actions

    def find(self, type: str) -> Action | None:  # noqa: A002 - the port's word
        """Find what would be found."""
        return None if self._actions.find(type) is None else IdleAction()


class IdleAction:
    """See `Action`."""

    async def invoke(self, action: Mapping[str, Value]) -> Value | Absent:  # noqa: ARG002 - the port's shape
        """Do nothing."""
        return ABSENT


class NoJournal:
    """See `Journal`: there is nothing to put back after a pretence."""

    async def append(self, session: SessionId, *entries: Entry) -> None:
        """Forget."""

    async def close(self, session: SessionId) -> None:
        """Forget."""

    async def unfinished(self) -> Sequence[Unfinished]:
        """Return nothing."""
        return ()
