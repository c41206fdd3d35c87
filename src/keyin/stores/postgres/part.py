"""What each part of the PostgreSQL store stands on: connections that look up, and the writer.

`self._lookups.row(LOOKUP, digests)` finds one row, together with whatever else the same turn of
the event loop looks up; `self._lookups.fetch(sql, ...)` runs a query of its own.
`self._writer.run(unit)` runs `async def unit(transaction)` in a transaction, once per attempt;
`self._writer.join(GROUP, item)` lets many of a kind be written in a few statements. Nothing is
believed between requests: another worker may have changed it (P3).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from keyin.stores.postgres.known import Known, KnownSafe

if TYPE_CHECKING:
    from keyin.domain.events import Event
    from keyin.stores.postgres.lookups import Lookups
    from keyin.stores.postgres.transaction import Transaction
    from keyin.stores.postgres.writer import Writer


class PostgresPart:
    """A part implements a few ports; `PostgresStore` is all of the parts together."""

    def __init__(self, lookups: Lookups, writer: Writer) -> None:
        self._lookups = lookups
        self._writer = writer
        self._safes: Known[KnownSafe] = Known(lookups.server)
        self._registries_seen = 0
        """How often a registry was put, as the last grant that was found had it beside it."""

    async def _told(self, event: Event, sql: str, *args: object) -> bool:
        """Run a change; write its event where it concerned a row, and say whether it did."""

        async def unit(transaction: Transaction) -> bool:
            changed = await transaction.execute(sql, *args) > 0
            if changed:
                transaction.append(event)
            return changed

        return await self._writer.run(unit)

    async def _change(self, sql: str, *args: object) -> int:
        """Run a change that is no act; return how many rows it concerned."""

        async def unit(transaction: Transaction) -> int:
            return await transaction.execute(sql, *args)

        return await self._writer.run(unit)
