"""Group commit: what the event loop's tasks want written in one turn is one transaction.

One connection of a process writes, and continues one audit chain. While a transaction is on its
way more gathers, so the batch grows with the load and a lone write waits for nobody. Work is of
two sorts: a unit, a function that is given the transaction; and an item of a `Group`, which
writes many of its kind in a few statements, and may do without a transaction (`Group.quick`).

A batch never mixes one caller's failure into another's answer: where a statement fails, all is
rolled back and each is tried in a transaction of its own, so that only the culprit is told. So a
unit may run more than once; what it did before is undone then. A commit of which nobody knows how
it ended is told as a failure to those who wait for it.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

from keyin.domain.errors import StoreUnavailable
from keyin.stores.postgres.chain import Chain
from keyin.stores.postgres.connection import (
    ANSWER_S,
    FOREIGN,
    RETRIED,
    Lane,
    ended,
)
from keyin.stores.postgres.running import Undone, roll_back, run, run_quickly
from keyin.stores.postgres.told import Told, statement
from keyin.stores.postgres.transaction import Transaction
from keyin.stores.postgres.work import AGAIN, Group, Work, deliver, fail

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from keyin.domain.events import Event
    from keyin.domain.records import ProofUse
    from keyin.stores.postgres.connection import Connection, Server
    from keyin.stores.rows import Row
    from keyin.wire.audit_chain import Head

Item = TypeVar("Item")
Result = TypeVar("Result")

LARGEST_BATCH: Final = 128
PATIENCE_S: Final = 2 * ANSWER_S
"""Who has waited so long for their turn is told that the store cannot answer."""
ATTEMPTS: Final = 5
"""Times that a unit is tried which another worker got in the way of."""


class _WritingLane(Lane):
    """The connection that writes, and the chain that is its own."""

    chain: Chain

    async def begun(self, connection: Connection) -> Connection:
        """Take a chain that nobody has."""
        self.chain = await Chain.take(connection)
        return connection


class Writer:
    """Belongs to one event loop at a time; connects when it is first asked."""

    def __init__(self, server: Server) -> None:
        self._lane = _WritingLane(server)
        self._waiting: list[Work] = []
        self._task: asyncio.Task[None] | None = None
        self._open = True

    @property
    def quiet(self) -> bool:
        """Say whether nobody waits for a commit."""
        return self._task is None

    async def run(self, unit: Callable[[Transaction], Awaitable[Result]]) -> Result:
        """Run a unit of work; returns when it is committed. Raises StoreUnavailable."""
        return await self._put(partial(Work, unit=unit))  # type: ignore[no-any-return]  # the unit's own

    async def join(self, group: Group[Item, Result], item: Item) -> Result:
        """Let an item be written with others of its kind, as `run`."""
        return await self._put(partial(Work, group=group, item=item))  # type: ignore[no-any-return]  # as above

    async def tell(
        self, event: Event | None, token: Row | None = None, proofs: Sequence[ProofUse] = ()
    ) -> ProofUse | None:
        """Write an event and what belongs to it, unless a proof came before: that is returned."""
        told = Told(event, token, proofs)
        return await self._put(partial(Work, told=told))  # type: ignore[no-any-return]  # as above

    def went_on(self, head: Head) -> None:
        """Take note that rows were added to a chain as they are, by a unit of its own."""
        if self._lane.chain.head.chain == head.chain:
            self._lane.chain.head = head

    def _put(self, make: Callable[..., Work]) -> asyncio.Future[Any]:
        if not self._open:
            raise StoreUnavailable("the store is closed")
        loop = asyncio.get_running_loop()
        work = make(waiting=loop.create_future(), at=loop.time())
        self._waiting.append(work)
        self._begin(loop)
        return work.waiting

    def _begin(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._task is None:
            self._task = loop.create_task(self._write_all())

    async def _write_all(self) -> None:
        try:
            while self._waiting:
                batch = self._waiting[:LARGEST_BATCH]
                del self._waiting[:LARGEST_BATCH]
                await self._write(batch)
                deliver(batch)
        finally:
            self._task = None

    async def _write(self, batch: Sequence[Work]) -> None:
        """Write a batch in one transaction; where that fails, each in one of its own."""
        batch = await self._quickly(batch)
        if not batch:
            return
        try:
            await self._bounded(partial(self._transact, batch=batch))
        except Undone:
            if len(batch) > 1:  # else its own error stands with it
                for work in batch:
                    await self._alone(work)
        except FOREIGN as error:
            if ended(error) or (len(batch) == 1 and not isinstance(error, RETRIED)):
                fail(batch, error)
                return
            for work in batch:
                await self._alone(work)
        except Exception as error:  # noqa: BLE001 - it reaches who asked
            fail(batch, error)

    async def _quickly(self, batch: Sequence[Work]) -> Sequence[Work]:
        """Let a batch of one kind do without a transaction; return what needs one all the same."""
        group = batch[0].group
        if group is None or group.quick is None or any(work.group != group for work in batch):
            return batch
        try:
            await self._bounded(partial(run_quickly, group.quick, batch))
        except FOREIGN as error:
            if not ended(error):
                return batch  # it has written nothing
            fail(batch, error)
        except Exception as error:  # noqa: BLE001 - it reaches who asked
            fail(batch, error)
        return [work for work in batch if work.result is AGAIN]

    async def _alone(self, work: Work) -> None:
        for attempt in range(ATTEMPTS):
            if work.at + PATIENCE_S < asyncio.get_running_loop().time():
                fail([work], TimeoutError())
                return
            try:
                await self._bounded(partial(self._transact, batch=[work], alone=True))
            except RETRIED as error:
                fail([work], error)
                await asyncio.sleep(0.001 * attempt)
            except Undone:
                return  # its own error stands with it
            except Exception as error:  # noqa: BLE001 - it reaches who asked
                fail([work], error)
                return
            else:
                return

    async def _bounded(self, write: Callable[[Connection], Awaitable[None]]) -> None:
        """Write in time, or lose the connection: then PostgreSQL undoes it."""
        try:
            async with asyncio.timeout(ANSWER_S):
                await write(await self._lane.connection())
        except BaseException as error:
            if isinstance(error, asyncio.CancelledError) or ended(error):
                self._lane.drop()
            raise

    async def _transact(
        self, connection: Connection, *, batch: Sequence[Work], alone: bool = False
    ) -> None:
        try:
            await self._write_all_of(connection, batch, alone=alone)
        except BaseException as error:
            if not (isinstance(error, asyncio.CancelledError) or ended(error)):
                await roll_back(connection)
            raise

    async def _write_all_of(
        self, connection: Connection, batch: Sequence[Work], *, alone: bool
    ) -> None:
        transaction = Transaction(connection)
        told = [] if alone else [work.told for work in batch if work.told is not None]
        if len(told) == len(batch):
            await self._finish(connection, told, transaction.events)
            return
        await connection.execute("BEGIN")
        await run(transaction, batch, alone=alone)
        await self._finish(connection, told, transaction.events, commit=True)

    async def _finish(
        self,
        connection: Connection,
        told: Sequence[Told],
        events: Sequence[Event],
        *,
        commit: bool = False,
    ) -> None:
        """Insert what is told, and the events, and commit."""
        chain = self._lane.chain
        written = chain.rows([*events, *(one.event for one in told if one.event is not None)])
        inserting = statement(told, written)
        if inserting is not None:
            await connection.execute(inserting[0], *inserting[1])
        if commit:
            await connection.execute("COMMIT")
        chain.moved(written)

    async def close(self) -> None:
        """Finish what waits, then end the connection. May be repeated."""
        if self._open:
            self._open = False
            with suppress(TimeoutError):
                async with asyncio.timeout(PATIENCE_S):
                    while self._task is not None:
                        await asyncio.wait([self._task])
        await self._lane.close()

    def drop(self) -> None:
        """Let go of the connection."""
        self._open = False
        self._lane.drop()
