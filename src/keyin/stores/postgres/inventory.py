"""Everything that may be exported, a page at a time: no reading outlives its page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from keyin.stores.postgres.part import PostgresPart
from keyin.stores.rows import names
from keyin.stores.whole_inventory import WholeInventory

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from keyin.stores import rows

PAGE: Final = 500


class PostgresInventory(WholeInventory, PostgresPart):
    """How a table is read whole."""

    async def _all(self, table: str, columns: tuple[str, ...]) -> AsyncIterator[rows.Row]:
        after = 0
        page = f"SELECT seq, {names(columns)} FROM {table} WHERE seq > $1 ORDER BY seq LIMIT {PAGE}"  # noqa: S608 - ours
        while found := await self._lookups.fetch(page, after):
            after = found[-1][0]
            for row in found:
                yield row[1:]
