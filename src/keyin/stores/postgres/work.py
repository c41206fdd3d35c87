"""What the writer is asked to do: a unit, an item of a group, or an event; and who waits for it."""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

import msgspec

from keyin.stores.postgres.connection import FOREIGN, translated

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Awaitable, Callable, Sequence

    from keyin.stores.postgres.told import Told
    from keyin.stores.postgres.transaction import Transaction

Item = TypeVar("Item")
Result = TypeVar("Result")


class Again(Enum):
    """See `Group.quick`."""

    AGAIN = auto()


AGAIN: Final = Again.AGAIN


class Group(msgspec.Struct, Generic[Item, Result], frozen=True, eq=False):
    """Work of one kind, of which many are written in a few statements.

    `run` returns what came of each item, in their order; an exception there is that one's own, of
    an item that has written nothing. Made once, as a constant.
    """

    run: Callable[[Transaction, Sequence[Item]], Awaitable[Sequence[Result | Exception]]]
    quick: (
        Callable[[Transaction, Sequence[Item]], Awaitable[Sequence[Result | Again | Exception]]]
        | None
    ) = None
    """The same without a transaction, for a batch of nothing else: its last statement is the only
    one that writes, and tells no event. `AGAIN` is what came of an item that it cannot do."""


class Work(msgspec.Struct, kw_only=True):
    """One caller's."""

    waiting: asyncio.Future[Any]
    at: float
    """When it was put in line."""
    unit: Callable[[Transaction], Awaitable[Any]] | None = None
    group: Group[Any, Any] | None = None
    item: Any = None
    told: Told | None = None
    result: Any = None
    error: BaseException | None = None

    def came(self, result: Any) -> None:  # noqa: ANN401 - the unit's own
        """Note what came of it."""
        if isinstance(result, Exception):
            self.result, self.error = None, result
        else:
            self.result, self.error = result, None


def deliver(batch: Sequence[Work]) -> None:
    """Tell each caller what came of it."""
    for work in batch:
        if work.waiting.done():  # cancelled: the caller went away
            continue
        if work.error is None:
            work.waiting.set_result(work.result)
        elif isinstance(work.error, FOREIGN):
            error = translated(work.error)
            error.__cause__ = work.error
            work.waiting.set_exception(error)
        else:
            work.waiting.set_exception(work.error)


def fail(batch: Sequence[Work], error: BaseException) -> None:
    """Note for each that it failed."""
    for work in batch:
        work.result, work.error = None, error
