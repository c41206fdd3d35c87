"""What the writer is asked to do: a unit, who waits for it, and what came of it."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from keyin.stores.sqlite.connection import forget_head, translated

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Sequence

    from keyin.stores.sqlite.writes import Told

Result = TypeVar("Result")


class Work(msgspec.Struct):
    """A unit; a row of the log is one of its own kind."""

    run: Callable[[sqlite3.Connection], Any] | None
    told: Told | None
    waiting: asyncio.Future[Any]
    then: Callable[[], None] | None = None
    result: Any = None
    error: BaseException | None = None


def deliver(batch: Sequence[Work], changed: Callable[[], None]) -> None:
    """Tell each caller what came of it, once what is remembered of the old state is forgotten."""
    if any(work.run is not None for work in batch):
        changed()
    for work in batch:
        if work.then is not None:
            work.then()
    for work in batch:
        if work.waiting.done():  # cancelled: the caller went away
            continue
        if work.error is None:
            work.waiting.set_result(work.result)
        elif isinstance(work.error, sqlite3.Error):
            work.waiting.set_exception(translated(work.error))
        else:
            work.waiting.set_exception(work.error)


def undoing(connection: sqlite3.Connection, run: Callable[[sqlite3.Connection], Result]) -> Result:
    """Run it whole or not at all, within a transaction."""
    connection.execute("SAVEPOINT unit")
    try:
        return run(connection)
    except BaseException:
        forget_head(connection)
        if connection.in_transaction:
            connection.execute("ROLLBACK TO unit")
        raise
    finally:
        if connection.in_transaction:
            connection.execute("RELEASE unit")
