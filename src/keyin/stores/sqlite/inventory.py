"""Everything that may be exported, a page at a time: no reading outlives its page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keyin.stores.sqlite import reader
from keyin.stores.sqlite.connection import our_errors
from keyin.stores.sqlite.part import SqlitePart
from keyin.stores.whole_inventory import WholeInventory

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from keyin.stores import rows


class SqliteInventory(WholeInventory, SqlitePart):
    """How a table is read whole."""

    async def _all(self, table: str, columns: tuple[str, ...]) -> AsyncIterator[rows.Row]:
        with our_errors():
            for page in reader.pages(self._reading, table, columns):
                for row in page:
                    yield row
