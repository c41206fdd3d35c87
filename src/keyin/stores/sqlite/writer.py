"""Group commit: many units of work, one commit, each answered only after it.

What the event loop's other tasks ask for in one turn makes a batch, so the batch grows with the
load and a lone write waits for nobody. The statements run in the loop's own thread: two threads
that hand the interpreter's lock to and fro at every statement cost more than the statements. The
commit, which waits for the disk, runs there too while the disk is quick; on a slow disk it moves
to a thread of its own, so that lookups go on meanwhile.

A unit that fails undoes itself alone (SAVEPOINT); a commit that fails fails all of its units.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final, TypeVar

from keyin.domain.errors import StoreUnavailable
from keyin.stores.sqlite import writes
from keyin.stores.sqlite.connection import forget_head, translated
from keyin.stores.sqlite.work import Work, deliver, undoing

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from keyin.domain.events import Event
    from keyin.stores.rows import Row
    from keyin.stores.sqlite.writes import Told

Result = TypeVar("Result")

LARGEST_BATCH: Final = 128
SLOW_COMMIT_S: Final = 0.002
"""Where even the quickest of the last commits took so long, the loop does not wait itself."""
QUIET_TURNS: Final = 2
"""A batch is written once so many turns of the loop in a row brought nothing new."""
LONE_S: Final = 0.0002
"""A write that comes so long after the last one, which was alone too, waits for nobody."""
_LAST_COMMITS: Final = 16


class Writer:
    """Owns the writing connection until `close()`. Belongs to one event loop at a time."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.at_end: Callable[[sqlite3.Connection], None] | None = None
        """A last unit of work, run by `close()`."""
        self.changed: Callable[[], None] = lambda: None
        """Called after each commit of more than grants and events, before anybody is answered."""
        self.in_company: Callable[[], bool] = lambda: False
        """Says whether others are at work that may want to write in this turn of the loop."""
        self._connection = connection
        self._waiting: list[Work] = []
        self._busy = False
        self._beside_loop = False
        self._open = True
        self._gathered = self._quiet_turns = self._last_batch = 0
        self._ended = 0.0
        self._commits_s: deque[float] = deque([0.0], maxlen=_LAST_COMMITS)
        self._disk = ThreadPoolExecutor(max_workers=1, thread_name_prefix="keyin-commit")

    @property
    def quiet(self) -> bool:
        """Say whether nobody waits for a commit."""
        return not self._busy

    @property
    def idle_connection(self) -> sqlite3.Connection | None:
        """Return the connection while no transaction is open on it; None during a slow commit.

        A lookup on it finds its pages in memory. A second connection must forget all pages at each
        commit of the first, and costs four times as much under load.
        """
        return None if self._beside_loop or not self._open else self._connection

    async def run(
        self,
        unit: Callable[[sqlite3.Connection], Result],
        *,
        then: Callable[[], None] | None = None,
    ) -> Result:
        """Run a unit of work; returns when its commit is on the disk. Raises StoreUnavailable.

        `then` is called after the commit and before anybody is answered, also where the caller
        went away meanwhile: there the owner forgets what it remembered of the old state.
        """
        return await self._put(unit, None, then)  # type: ignore[no-any-return]  # the unit's own

    async def tell(
        self, event: Event | None, token: Row | None = None, proofs: Sequence[Row] = ()
    ) -> None:
        """Insert an event and what belongs to it: as `run`, many in a few statements."""
        if self._open and not self._busy and self._alone() and self._quick():
            self._tell_alone((event, token, proofs))
        else:
            await self._put(None, (event, token, proofs))

    def _tell_alone(self, told: Told) -> None:
        """Insert in a transaction of its own, without a future or a batch around it."""
        began = perf_counter()
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            writes.tell(self._connection, [told])
            self._connection.execute("COMMIT")
        except BaseException as error:
            self._roll_back()
            if isinstance(error, sqlite3.Error):
                raise translated(error) from error
            raise
        finally:
            self._ended = perf_counter()
            self._commits_s.append(self._ended - began)
            self._last_batch = 1

    def close(self) -> None:
        """Finish what waits, then end the connection. May be repeated."""
        if self._open:
            self._open = False
            self._disk.shutdown(wait=True)
            while self._waiting:
                batch = self._next_batch()
                self._write(batch)
                self._commit(batch)
                with suppress(RuntimeError):  # that loop is closed: nobody waits there any more
                    deliver(batch, self.changed)
            if self.at_end is not None:
                self._end(self.at_end)
            self._connection.close()

    def _end(self, last: Callable[[sqlite3.Connection], None]) -> None:
        with suppress(sqlite3.Error):
            self._connection.execute("BEGIN IMMEDIATE")
            last(self._connection)
            self._connection.execute("COMMIT")

    def _put(
        self,
        unit: Callable[[sqlite3.Connection], Any] | None,
        told: Told | None,
        then: Callable[[], None] | None = None,
    ) -> asyncio.Future[Any]:
        if not self._open:
            raise StoreUnavailable("the store is closed")
        loop = asyncio.get_running_loop()
        waiting: asyncio.Future[Any] = loop.create_future()
        self._waiting.append(Work(unit, told, waiting, then))
        if not self._busy:
            self._busy = True
            if self._alone():
                self._finish_batch(loop)
            else:
                loop.call_soon(self._turn, loop)
        return waiting

    def _alone(self) -> bool:
        """Tell whether nobody else is writing just now: then nothing will gather."""
        if self.in_company():
            return False
        return self._last_batch <= 1 and perf_counter() - self._ended > LONE_S

    def _quick(self) -> bool:
        return min(self._commits_s) < SLOW_COMMIT_S

    def _turn(self, loop: asyncio.AbstractEventLoop) -> None:
        """Let units gather while the loop's turns bring more."""
        if self._still_gathering():
            loop.call_soon(self._turn, loop)
        else:
            self._finish_batch(loop)

    def _finish_batch(self, loop: asyncio.AbstractEventLoop) -> None:
        """Write what has gathered; commit here, or beside the loop where the disk is slow."""
        batch = self._next_batch()
        if not batch or not self._open:
            self._busy = False
            return
        self._write(batch)
        if self._quick():
            self._commit(batch)
            self._end_turn(batch, loop)
        else:
            self._beside_loop = True
            committing = loop.run_in_executor(self._disk, self._commit, batch)
            committing.add_done_callback(lambda _: self._end_turn(batch, loop))

    def _still_gathering(self) -> bool:
        """Tell whether the loop's last turns brought more: a commit costs as much as ten units."""
        count = len(self._waiting)
        if count != self._gathered:
            self._gathered, self._quiet_turns = count, 0
        else:
            self._quiet_turns += 1
        patience = QUIET_TURNS if self._last_batch > 1 else 0  # nobody else is writing just now
        return count < LARGEST_BATCH and self._quiet_turns < patience

    def _end_turn(self, batch: list[Work], loop: asyncio.AbstractEventLoop) -> None:
        self._beside_loop = False
        self._ended = perf_counter()
        deliver(batch, self.changed)
        self._busy = bool(self._waiting)
        if self._busy:
            loop.call_soon(self._turn, loop)

    def _next_batch(self) -> list[Work]:
        batch, self._waiting = self._waiting[:LARGEST_BATCH], self._waiting[LARGEST_BATCH:]
        self._gathered = self._quiet_turns = 0
        self._last_batch = len(batch)
        return batch

    def _write(self, batch: list[Work]) -> None:
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            self._tell_all([work for work in batch if work.told is not None])
            for work in batch:
                if work.run is not None:
                    self._run_one(work, work.run)
        except BaseException as error:  # noqa: BLE001 - every waiting caller is told, the writer goes on
            self._give_up(batch, error)

    def _commit(self, batch: list[Work]) -> None:
        """Put the batch on the disk, unless it was given up, and remember how long that took."""
        if not self._connection.in_transaction:
            return
        began = perf_counter()
        try:
            self._connection.execute("COMMIT")
        except BaseException as error:  # noqa: BLE001 - as above
            self._give_up(batch, error)
        self._commits_s.append(perf_counter() - began)

    def _tell_all(self, works: list[Work]) -> None:
        """Insert all at once; where that fails, one by one, so that only the culprit is told."""
        if not works:
            return
        told = [work.told for work in works if work.told is not None]
        try:
            undoing(self._connection, partial(writes.tell, told=told))
        except Exception:
            if not self._connection.in_transaction:
                raise
            for work, one in zip(works, told, strict=True):
                self._run_one(work, partial(writes.tell, told=[one]))

    def _run_one(self, work: Work, run: Callable[[sqlite3.Connection], Any]) -> None:
        try:
            work.result = undoing(self._connection, run)
        except BaseException as error:  # the caller's own: it reaches the caller
            if not self._connection.in_transaction:  # a full disk ends the whole transaction
                raise
            work.error = error

    def _give_up(self, batch: list[Work], error: BaseException) -> None:
        for work in batch:
            work.error = work.error or error
        self._roll_back()

    def _roll_back(self) -> None:
        forget_head(self._connection)
        with suppress(sqlite3.Error):  # the next BEGIN reports it to its callers
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
