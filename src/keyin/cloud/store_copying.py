"""A whole store into an empty one, table by table: nothing changes, all of it comes or nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keyin.domain.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

    from keyin.stores.whole import Source, Target


async def copy(
    source: Source, target: Target, told: Callable[[str, int, int], None]
) -> dict[str, int]:
    """Copy everything; return the number of rows of each table, those with none left out.

    `told` is given a table, how many of its rows are copied, and how many it has. Raises
    ConfigurationError (the target has been used, or is of another version), StoreUnavailable.
    """
    tables = await source.tables()
    if tables != await target.tables():
        raise ConfigurationError(
            "the two stores are not of one version",
            next_step="Bring both to this keyin's schema first: `keyin cloud migrate`.",
        )
    if not await target.is_empty():
        raise ConfigurationError(
            "the store that should be copied to has something in it",
            next_step="Give --to a new place: an empty database, or a folder that is not there.",
        )
    copied: dict[str, int] = {}
    for table, columns in tables.items():
        total, done = await source.count(table), 0
        async for page in source.pages(table, columns):
            await target.put(table, columns, page)
            done += len(page)
            told(table, done, total)
        if done:
            copied[table] = done
    await target.finish()
    return copied
