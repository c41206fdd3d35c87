"""Everything that may be exported, a page at a time: no reading outlives its page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from keyin.stores import rows
from keyin.stores.postgres.part import PostgresPart
from keyin.stores.postgres.statements import names

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from keyin.domain.records import Client, Credential, Key, Safe

PAGE: Final = 500


class PostgresInventory(PostgresPart):
    """What a method does stands with its port, oauth.ports.Inventory."""

    async def all_clients(self) -> AsyncIterator[Client]:
        """See Inventory."""
        async for row in self._all("clients", rows.CLIENT):
            yield rows.client(row)

    async def all_credentials(self) -> AsyncIterator[Credential]:
        """See Inventory."""
        async for row in self._all("credentials", rows.CREDENTIAL):
            yield rows.credential(row)

    async def all_keys(self) -> AsyncIterator[Key]:
        """See Inventory."""
        async for row in self._all("keys", rows.KEY):
            yield rows.key(row)

    async def all_safes(self) -> AsyncIterator[Safe]:
        """See Inventory."""
        async for row in self._all("safes", rows.SAFE):
            yield rows.safe(row)

    async def _all(self, table: str, columns: tuple[str, ...]) -> AsyncIterator[rows.Row]:
        after = 0
        page = f"SELECT seq, {names(columns)} FROM {table} WHERE seq > $1 ORDER BY seq LIMIT {PAGE}"  # noqa: S608 - ours
        while found := await self._lookups.fetch(page, after):
            after = found[-1][0]
            for row in found:
                yield row[1:]
