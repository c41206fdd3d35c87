"""What a batch does with its connection: units one after the other, each group's items together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from keyin.stores.postgres.connection import FOREIGN
from keyin.stores.postgres.told import alone as tell_alone
from keyin.stores.postgres.transaction import Transaction

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from keyin.stores.postgres.connection import Connection
    from keyin.stores.postgres.work import Group, Work


class Undone(Exception):  # noqa: N818 - a state, not a mistake
    """A unit failed after it had written something."""


async def run_quickly(
    quick: Callable[[Transaction, Sequence[Any]], Awaitable[Sequence[Any]]],
    batch: Sequence[Work],
    connection: Connection,
) -> None:
    """Write a batch of one kind, without a transaction around it."""
    results = await quick(Transaction(connection), [work.item for work in batch])
    for work, result in zip(batch, results, strict=True):
        work.came(result)


async def run(transaction: Transaction, batch: Sequence[Work], *, alone: bool) -> None:
    """Run units one after the other, and the items of each group together."""
    groups: dict[Group[Any, Any], list[Work]] = {}
    for work in batch:
        if work.group is not None:
            groups.setdefault(work.group, []).append(work)
        elif work.unit is not None:
            await _run_unit(transaction, work, work.unit)
        elif work.told is not None and alone:
            work.came(await tell_alone(transaction, work.told))
    for group, works in groups.items():
        results = await group.run(transaction, [work.item for work in works])
        for work, result in zip(works, results, strict=True):
            work.came(result)


async def _run_unit(
    transaction: Transaction, work: Work, unit: Callable[[Transaction], Awaitable[Any]]
) -> None:
    before = transaction.changes
    try:
        work.came(await unit(transaction))
    except FOREIGN:
        raise
    except Exception as error:  # the caller's own: it reaches the caller
        work.came(error)
        if transaction.changes != before:
            raise Undone from error


async def roll_back(connection: Connection) -> None:
    """Undo what was begun, or let go of the connection: then PostgreSQL undoes it."""
    try:
        await connection.execute("ROLLBACK")
    except FOREIGN:
        connection.terminate()
