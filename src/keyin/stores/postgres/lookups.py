"""Lookups, many in one: what the event loop's tasks ask for in one turn is one query.

A lookup is a statement with one parameter, an array; its first column says which of its members a
row is for. Whoever asks gets the rows of what they asked for, in their order, and nobody another's
failure: where one member spoils a query, each is asked for alone. While a query of a kind is on its
way more of that kind gathers, so the batch grows with the load. A request that has no company asks
at once.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

import msgspec

from keyin.domain.errors import StoreUnavailable
from keyin.stores.postgres.asked import Asked, answer, fail, in_order, share, too_late
from keyin.stores.postgres.connection import ANSWER_S, FOREIGN, Lane, ended, translated

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from keyin.stores.postgres.connection import Connection, Server
    from keyin.stores.rows import Row

LANES: Final = 3
"""Connections of one process that only look up."""
_HOLD: Final = """
SET idle_in_transaction_session_timeout = 0; SET statement_timeout = 0;
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY
"""
MOST: Final = 256
"""Lookups in one query."""
LATE_S: Final = 0.05
"""Where a query has not come back by then, the next of its kind does not wait for it."""


class Lookup(msgspec.Struct, frozen=True):
    """A statement such as `SELECT digest, sealed FROM keys WHERE digest = any($1)`."""

    sql: str


class _Alone(msgspec.Struct):
    """A query with parameters of its own."""

    sql: str
    args: tuple[object, ...]
    asked: Asked


class _StillLane(Lane):
    """A connection that sees one moment; once it is lost, so is the moment."""

    _begun = False

    async def begun(self, connection: Connection) -> Connection:
        """Begin the transaction whose view stays. Raises StoreUnavailable the second time."""
        if self._begun:
            raise StoreUnavailable("the store cannot answer (%(name)s)", name="moment lost")
        self._begun = True
        async with asyncio.timeout(ANSWER_S):
            await connection.execute(_HOLD)
        return connection


class Lookups:
    """Belongs to one event loop at a time; connects when it is first asked."""

    def __init__(self, server: Server, lanes: int = LANES) -> None:
        self.in_company: Callable[[], bool] = lambda: True
        """Says whether other requests are at work, which may look something up in this turn."""
        self.server = server
        self._idle = [Lane(server) for _ in range(lanes)]
        self._lanes = tuple(self._idle)
        self._given_up: tuple[Lane, ...] = ()
        self._fetching = 0
        self._waiting: dict[Lookup, list[Asked]] = {}
        self._alone: list[_Alone] = []
        self._under_way: dict[Lookup, float] = {}
        """Since when."""
        self._tasks: dict[Lane, asyncio.Task[None]] = {}
        self._due = 0
        """Tasks that have not begun yet."""
        self._open = True

    async def rows(self, lookup: Lookup, keys: Sequence[str | int]) -> list[Row]:
        """Return the rows of these keys, without the column that says which. StoreUnavailable."""
        kept = [key for key in keys if isinstance(key, int) or storable(key)]
        if not kept:
            return []
        if self._idle and self._open and not (self._tasks or self.in_company()):
            return await self._at_once(lookup, kept)
        asked = Asked(kept, asyncio.get_running_loop())
        waiting = self._waiting.setdefault(lookup, [])
        waiting.append(asked)
        if len(waiting) == 1 or not self._due:  # else who came first in this turn has seen to it
            self._begin_soon()
        return await asked.rows

    async def _at_once(self, lookup: Lookup, keys: Sequence[str | int]) -> list[Row]:
        """Ask for one caller, without a task or a future around it."""
        lane = self._idle.pop()
        try:
            found = await _bounded(lane, lambda connection: connection.fetch(lookup.sql, keys))
        finally:
            self._give_back(lane)
            if self._open and (self._waiting or self._alone):
                self._begin_soon()
        return in_order(keys, found)

    async def row(self, lookup: Lookup, keys: Sequence[str | int]) -> Row | None:
        """Return the first of the rows; None where there is none. Raises StoreUnavailable."""
        rows = await self.rows(lookup, keys)
        return rows[0] if rows else None

    async def fetch(self, sql: str, *args: object) -> list[Row]:
        """Return the rows of a query with parameters of its own. Raises StoreUnavailable."""
        if not all(storable(arg) for arg in args if isinstance(arg, str)):
            return []
        asked = Asked((), asyncio.get_running_loop())
        self._alone.append(_Alone(sql, args, asked))
        self._begin_soon()
        return await asked.rows

    async def fetchrow(self, sql: str, *args: object) -> Row | None:
        """Return the first row of a query with parameters of its own. Raises StoreUnavailable."""
        rows = await self.fetch(sql, *args)
        return rows[0] if rows else None

    async def hold_still(self) -> None:
        """Let every lookup from now on see the database as it is now. Raises StoreUnavailable."""
        lane = _StillLane(self.server)
        await _bounded(lane, lambda connection: connection.fetch("SELECT 1"))
        self._idle = [lane]
        self._lanes, self._given_up = (lane,), self._lanes

    def _begin_soon(self) -> None:
        """Let connections go to work once the turn is over, one for each query that may go."""
        if not self._open:
            raise StoreUnavailable("the store is closed")
        loop = asyncio.get_running_loop()
        if self._idle and self._due < len(self._kinds(loop)) + len(self._alone):
            self._due += 1
            lane = self._idle.pop()
            self._tasks[lane] = loop.create_task(self._work(lane, loop))

    def _kinds(self, loop: asyncio.AbstractEventLoop) -> list[Lookup]:
        """Return what waits and need not wait for a query of its own kind, the oldest first."""
        if not self._under_way:
            return list(self._waiting)
        late = loop.time() - LATE_S
        return [one for one in self._waiting if self._under_way.get(one, late) <= late]

    async def _work(self, lane: Lane, loop: asyncio.AbstractEventLoop) -> None:
        self._due -= 1
        try:
            while self._may_fetch() or self._kinds(loop):
                if self._may_fetch():
                    await self._fetch(lane, self._alone.pop(0))
                if kinds := self._kinds(loop):
                    await self._look_up_all(lane, kinds[0], loop)
        finally:
            del self._tasks[lane]
            self._give_back(lane)

    def _give_back(self, lane: Lane) -> None:
        if lane in self._lanes:  # else all is looked up on another from now on
            self._idle.append(lane)

    def _may_fetch(self) -> bool:
        """Tell whether a query of its own is due; one connection is left to what requests ask."""
        return bool(self._alone) and self._fetching < max(1, len(self._lanes) - 1)

    async def _look_up_all(
        self, lane: Lane, lookup: Lookup, loop: asyncio.AbstractEventLoop
    ) -> None:
        """Ask for all that waits for one kind, as far as one query holds it."""
        asked = self._waiting.pop(lookup)
        if len(asked) > MOST:
            self._waiting[lookup] = asked[MOST:]
        self._under_way[lookup] = loop.time()
        try:
            await self._look_up(lane, lookup, asked[:MOST])
        finally:
            self._under_way.pop(lookup, None)

    async def _fetch(self, lane: Lane, alone: _Alone) -> None:
        if too_late([alone.asked]):
            return
        self._fetching += 1
        run = lambda connection: connection.fetch(alone.sql, *alone.args)  # noqa: E731
        try:
            found = await _bounded(lane, run)
        except Exception as error:  # noqa: BLE001 - it reaches who asked
            fail([alone.asked], error)
        else:
            answer(alone.asked, [tuple(row) for row in found])
        finally:
            self._fetching -= 1

    async def _look_up(self, lane: Lane, lookup: Lookup, asked: list[Asked]) -> None:
        if too_late(asked):
            return
        keys = list({key for one in asked for key in one.keys})
        try:
            found = await _bounded(lane, lambda connection: connection.fetch(lookup.sql, keys))
        except Exception as error:  # noqa: BLE001 - it reaches who asked
            if len(asked) > 1 and error.__cause__ and not ended(error.__cause__):
                for one in asked:
                    await self._look_up(lane, lookup, [one])
            else:
                fail(asked, error)
            return
        share(asked, found)

    async def close(self) -> None:
        """End the work and the connections."""
        self._open = False
        tasks = tuple(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for lane in (*self._lanes, *self._given_up):
            await lane.close()

    def drop(self) -> None:
        """Let go of all connections."""
        self._open = False
        for lane in (*self._lanes, *self._given_up):
            lane.drop()


def storable(text: str) -> bool:
    """Tell whether PostgreSQL can have this text: no NUL, no half of a surrogate pair."""
    if text.isascii():
        return "\0" not in text
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in text


async def _bounded(lane: Lane, run: Callable[[Connection], Awaitable[list[Any]]]) -> list[Any]:
    """Run a query; one that has not come back in time costs its connection."""
    late = asyncio.get_running_loop().call_later(ANSWER_S, lane.drop)
    try:
        return await run(await lane.connection())
    except FOREIGN as error:
        if ended(error):
            lane.drop()
        raise translated(error) from error
    except asyncio.CancelledError:
        lane.drop()
        raise
    finally:
        late.cancel()
