"""The one thread that writes: many units of work, one commit, each answered only after it.

Whatever waits when a commit ends makes the next batch, so the batch grows with the load and a
lone write waits for nobody. A unit that fails undoes itself alone (SAVEPOINT); a commit that
fails fails all of its units. A caller that went away changes nothing for the others.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Final, TypeVar

from keyin.domain.errors import StoreUnavailable
from keyin.stores.sqlite import writes
from keyin.stores.sqlite.connection import translated

if TYPE_CHECKING:
    from collections.abc import Callable

    from keyin.stores.sqlite.rows import Row

Result = TypeVar("Result")

LARGEST_BATCH: Final = 128


@dataclass(slots=True)
class _Work:
    """A unit, who waits for it, and what came of it; a token's row is a unit of its own kind."""

    run: Callable[[sqlite3.Connection], Any] | None
    token: Row | None
    loop: asyncio.AbstractEventLoop
    waiting: asyncio.Future[Any]
    result: Any = None
    error: BaseException | None = None


class Writer:
    """Owns the writing connection from its start to `close()`."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._queue: SimpleQueue[_Work | None] = SimpleQueue()
        self._open = True
        self._thread = threading.Thread(target=self._serve, name="keyin-writer", daemon=True)
        self._thread.start()

    async def run(self, unit: Callable[[sqlite3.Connection], Result]) -> Result:
        """Run a unit of work; returns when its commit is on the disk. Raises StoreUnavailable."""
        result: Result = await self._put(unit, None)
        return result

    async def add_token(self, row: Row) -> None:
        """Insert a token: as `run`, and many waiting ones in one statement."""
        await self._put(None, row)

    def close(self) -> None:
        """Finish what waits, then end the thread and the connection. May be repeated."""
        if self._open:
            self._open = False
            self._queue.put(None)
            self._thread.join()
            self._connection.close()

    def _put(
        self, unit: Callable[[sqlite3.Connection], Any] | None, token: Row | None
    ) -> asyncio.Future[Any]:
        if not self._open:
            raise StoreUnavailable("the store is closed")
        loop = asyncio.get_running_loop()
        work = _Work(unit, token, loop, loop.create_future())
        self._queue.put(work)
        return work.waiting

    def _serve(self) -> None:
        going_on = True
        while going_on:
            batch, going_on = self._next_batch()
            if batch:
                self._write(batch)
                _answer(batch)

    def _next_batch(self) -> tuple[list[_Work], bool]:
        """Wait for one unit, then take what else is there; False when the end was announced."""
        batch: list[_Work] = []
        work = self._queue.get()
        try:
            while work is not None:
                batch.append(work)
                if len(batch) == LARGEST_BATCH:
                    break
                work = self._queue.get_nowait()
        except Empty:
            return batch, True
        return batch, work is not None

    def _write(self, batch: list[_Work]) -> None:
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            self._add_tokens([work for work in batch if work.token is not None])
            for work in batch:
                if work.run is not None:
                    self._run_one(work, work.run)
            self._connection.execute("COMMIT")
        except BaseException as error:  # noqa: BLE001 - every waiting caller is told, the thread goes on
            self._give_up(batch, error)

    def _add_tokens(self, works: list[_Work]) -> None:
        """Insert all at once; where that fails, one by one, so that only the culprit is told."""
        if not works:
            return
        try:
            writes.add_tokens(self._connection, [work.token for work in works if work.token])
        except Exception:
            if not self._connection.in_transaction:
                raise
            for work in works:
                self._run_one(work, partial(writes.add_tokens, tokens=[work.token or ()]))

    def _run_one(self, work: _Work, run: Callable[[sqlite3.Connection], Any]) -> None:
        connection = self._connection
        connection.execute("SAVEPOINT unit")
        try:
            work.result = run(connection)
        except BaseException as error:  # the caller's own: it reaches the caller
            if not connection.in_transaction:  # a full disk ends the whole transaction
                raise
            work.error = error
            connection.execute("ROLLBACK TO unit")
        connection.execute("RELEASE unit")

    def _give_up(self, batch: list[_Work], error: BaseException) -> None:
        for work in batch:
            work.error = work.error or error
        with suppress(sqlite3.Error):  # the next BEGIN reports it to its callers
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")


def _answer(batch: list[_Work]) -> None:
    """Wake each event loop once, with all of its answers."""
    for loop in {work.loop for work in batch}:
        with suppress(RuntimeError):  # that loop is closed: nobody waits there any more
            loop.call_soon_threadsafe(_deliver, [work for work in batch if work.loop is loop])


def _deliver(batch: list[_Work]) -> None:
    for work in batch:
        if work.waiting.done():  # cancelled: the caller went away
            continue
        if work.error is None:
            work.waiting.set_result(work.result)
        elif isinstance(work.error, sqlite3.Error):
            work.waiting.set_exception(translated(work.error))
        else:
            work.waiting.set_exception(work.error)
