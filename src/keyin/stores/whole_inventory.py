"""Everything that may be exported, from any store in SQL: a page at a time, no longer held open."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from keyin.stores import rows

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from keyin.domain.records import Client, Credential, Key, Safe


class WholeInventory(ABC):
    """What a method does stands with its port, oauth.ports.Inventory."""

    @abstractmethod
    def _all(self, table: str, columns: tuple[str, ...]) -> AsyncIterator[rows.Row]:
        """Return a whole table in its order; no reading outlives its page."""

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
