"""Lookups, many in one: what the event loop's tasks ask for in one turn is one query.

A lookup is a statement with one parameter, an array; its first column says which of its members a
row is for. Whoever asks gets the rows of what they asked for, in their order, and nobody another's
failure: where one member spoils a query, each is asked for alone. While all connections are at work
more gathers, so the batch grows with the load. A request that has no company asks at once.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

import msgspec

from keyin.domain.errors import StoreUnavailable
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


class Lookup(msgspec.Struct, frozen=True):
    """A statement such as `SELECT digest, sealed FROM keys WHERE digest = any($1)`."""

    sql: str


class _Asked:
    """One caller's keys, and where the rows go."""

    __slots__ = ("at", "keys", "rows")

    def __init__(self, keys: Sequence[str | int], loop: asyncio.AbstractEventLoop) -> None:
        self.keys = keys
        self.rows: asyncio.Future[list[Row]] = loop.create_future()
        self.at = loop.time()


class _Alone(msgspec.Struct):
    """A query with parameters of its own."""

    sql: str
    args: tuple[object, ...]
    asked: _Asked


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
        self._waiting: dict[Lookup, list[_Asked]] = {}
        self._alone: list[_Alone] = []
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
        asked = _Asked(kept, asyncio.get_running_loop())
        self._waiting.setdefault(lookup, []).append(asked)
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
        return _in_order(keys, found)

    async def row(self, lookup: Lookup, keys: Sequence[str | int]) -> Row | None:
        """Return the first of the rows; None where there is none. Raises StoreUnavailable."""
        rows = await self.rows(lookup, keys)
        return rows[0] if rows else None

    async def fetch(self, sql: str, *args: object) -> list[Row]:
        """Return the rows of a query with parameters of its own. Raises StoreUnavailable."""
        if not all(storable(arg) for arg in args if isinstance(arg, str)):
            return []
        asked = _Asked((), asyncio.get_running_loop())
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
        """Let connections go to work once the turn is over, one for each query that waits."""
        if not self._open:
            raise StoreUnavailable("the store is closed")
        if self._idle and self._due < len(self._waiting) + len(self._alone):
            self._due += 1
            lane = self._idle.pop()
            self._tasks[lane] = asyncio.get_running_loop().create_task(self._work(lane))

    async def _work(self, lane: Lane) -> None:
        self._due -= 1
        try:
            while self._waiting or self._may_fetch():
                if self._may_fetch():
                    await self._fetch(lane, self._alone.pop(0))
                if self._waiting:
                    await self._look_up(lane, *self._next())
        finally:
            del self._tasks[lane]
            self._give_back(lane)

    def _give_back(self, lane: Lane) -> None:
        if lane in self._lanes:  # else all is looked up on another from now on
            self._idle.append(lane)

    def _may_fetch(self) -> bool:
        """Tell whether a query of its own is due; one connection is left to what requests ask."""
        return bool(self._alone) and self._fetching < max(1, len(self._lanes) - 1)

    def _next(self) -> tuple[Lookup, list[_Asked]]:
        """Take what was first asked for, and all that can be answered with it."""
        lookup = next(iter(self._waiting))
        asked = self._waiting.pop(lookup)
        if len(asked) > MOST:
            self._waiting[lookup] = asked[MOST:]
        return lookup, asked[:MOST]

    async def _fetch(self, lane: Lane, alone: _Alone) -> None:
        if _too_late([alone.asked]):
            return
        self._fetching += 1
        run = lambda connection: connection.fetch(alone.sql, *alone.args)  # noqa: E731
        try:
            found = await _bounded(lane, run)
        except Exception as error:  # noqa: BLE001 - it reaches who asked
            _fail([alone.asked], error)
        else:
            _answer(alone.asked, [tuple(row) for row in found])
        finally:
            self._fetching -= 1

    async def _look_up(self, lane: Lane, lookup: Lookup, asked: list[_Asked]) -> None:
        if _too_late(asked):
            return
        keys = list({key for one in asked for key in one.keys})
        try:
            found = await _bounded(lane, lambda connection: connection.fetch(lookup.sql, keys))
        except Exception as error:  # noqa: BLE001 - it reaches who asked
            if len(asked) > 1 and error.__cause__ and not ended(error.__cause__):
                for one in asked:
                    await self._look_up(lane, lookup, [one])
            else:
                _fail(asked, error)
            return
        _share(asked, found)

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


def _too_late(asked: list[_Asked]) -> bool:
    """Refuse those who have waited too long; say whether nobody is left."""
    latest = asyncio.get_running_loop().time() - ANSWER_S
    late = [one for one in asked if one.at < latest]
    if late:
        _fail(late, StoreUnavailable("the store cannot answer (%(name)s)", name="TimeoutError"))
        asked[:] = [one for one in asked if one.at >= latest]
    return not asked


def _share(asked: list[_Asked], found: list[Any]) -> None:
    if len(asked) == 1:
        _answer(asked[0], _in_order(asked[0].keys, found))
        return
    by_key = _by_key(found)
    for one in asked:
        _answer(one, [row for key in one.keys for row in by_key.get(key, ())])


def _in_order(keys: Sequence[str | int], found: list[Any]) -> list[Row]:
    if len(keys) == 1:
        return [tuple(row)[1:] for row in found]
    by_key = _by_key(found)
    return [row for key in keys for row in by_key.get(key, ())]


def _by_key(found: list[Any]) -> dict[str | int, list[Row]]:
    by_key: dict[str | int, list[Row]] = {}
    for row in found:
        by_key.setdefault(row[0], []).append(tuple(row)[1:])
    return by_key


def _answer(asked: _Asked, rows: list[Row]) -> None:
    if not asked.rows.done():  # cancelled: the caller went away
        asked.rows.set_result(rows)


def _fail(asked: list[_Asked], error: Exception) -> None:
    for one in asked:
        if not one.rows.done():
            one.rows.set_exception(error)
