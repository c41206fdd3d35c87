"""Who asked for what in a query that is for many, and what each of them is told."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from keyin.domain.errors import StoreUnavailable
from keyin.stores.postgres.connection import ANSWER_S

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keyin.stores.rows import Row


class Asked:
    """One caller's keys, and where the rows go."""

    __slots__ = ("at", "keys", "rows")

    def __init__(self, keys: Sequence[str | int], loop: asyncio.AbstractEventLoop) -> None:
        self.keys = keys
        self.rows: asyncio.Future[list[Row]] = loop.create_future()
        self.at = loop.time()


def too_late(asked: list[Asked]) -> bool:
    """Refuse those who have waited too long; say whether nobody is left."""
    latest = asyncio.get_running_loop().time() - ANSWER_S
    late = [one for one in asked if one.at < latest]
    if late:
        fail(late, StoreUnavailable("the store cannot answer (%(name)s)", name="TimeoutError"))
        asked[:] = [one for one in asked if one.at >= latest]
    return not asked


def share(asked: list[Asked], found: list[Any]) -> None:
    """Give each the rows of their own keys."""
    if len(asked) == 1:
        answer(asked[0], in_order(asked[0].keys, found))
        return
    by_key = _by_key(found)
    for one in asked:
        answer(one, [row for key in one.keys for row in by_key.get(key, ())])


def in_order(keys: Sequence[str | int], found: list[Any]) -> list[Row]:
    """Return the rows of one caller, in the order of the keys, without the first column."""
    if len(keys) == 1:
        return [tuple(row)[1:] for row in found]
    by_key = _by_key(found)
    return [row for key in keys for row in by_key.get(key, ())]


def _by_key(found: list[Any]) -> dict[str | int, list[Row]]:
    by_key: dict[str | int, list[Row]] = {}
    for row in found:
        by_key.setdefault(row[0], []).append(tuple(row)[1:])
    return by_key


def answer(asked: Asked, rows: list[Row]) -> None:
    """Give one caller these."""
    if not asked.rows.done():  # cancelled: the caller went away
        asked.rows.set_result(rows)


def fail(asked: list[Asked], error: Exception) -> None:
    """Tell all of them what went wrong."""
    for one in asked:
        if not one.rows.done():
            one.rows.set_exception(error)
