"""Everything that may be exported, a page at a time: no reading outlives its page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keyin.stores import rows
from keyin.stores.sqlite import reader
from keyin.stores.sqlite.connection import our_errors
from keyin.stores.sqlite.part import SqlitePart

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from keyin.domain.records import Client, Credential, Key, Safe


class SqliteInventory(SqlitePart):
    """What a method does stands with its port."""

    async def all_clients(self) -> AsyncIterator[Client]:
        """See oauth.ports.Inventory."""
        async for row in self._all("clients", rows.CLIENT):
            yield rows.client(row)

    async def all_credentials(self) -> AsyncIterator[Credential]:
        """See oauth.ports.Inventory."""
        async for row in self._all("credentials", rows.CREDENTIAL):
            yield rows.credential(row)

    async def all_keys(self) -> AsyncIterator[Key]:
        """See oauth.ports.Inventory."""
        async for row in self._all("keys", rows.KEY):
            yield rows.key(row)

    async def all_safes(self) -> AsyncIterator[Safe]:
        """See oauth.ports.Inventory."""
        async for row in self._all("safes", rows.SAFE):
            yield rows.safe(row)

    async def _all(self, table: str, columns: tuple[str, ...]) -> AsyncIterator[rows.Row]:
        with our_errors():
            for page in reader.pages(self._reading, table, columns):
                for row in page:
                    yield row
