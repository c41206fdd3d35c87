"""A store that was put back from a backup: rows of the log, the mark of a begun restore."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from keyin.stores import half_way
from keyin.stores.half_way import HALF_WAY, MARK
from keyin.stores.postgres.chain import APPEND, AUDIT
from keyin.stores.postgres.enrolling import PUT_META, bump_store_epoch
from keyin.stores.postgres.part import PostgresPart
from keyin.stores.postgres.statements import columns_of
from keyin.stores.postgres.tokens import META
from keyin.wire.audit_chain import Head

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from keyin.domain.events import Event
    from keyin.stores.postgres.transaction import Transaction
    from keyin.wire.audit_chain import Row

_LAST: Final = "SELECT max(seq) FROM audit WHERE chain = $1"


class PostgresRestoring(PostgresPart):
    """What a method does stands with its port, cloud.restoring.Restorable."""

    async def restoring_from(self) -> Mapping[str, int] | None:
        """See Restorable."""
        row = await self._lookups.row(META, (MARK,))
        return None if row is None else half_way.read_mark(row[0])

    async def begin_restoring(self, heads: Mapping[str, int]) -> None:
        """See Restorable."""
        await self._change(PUT_META, MARK, half_way.mark_text(heads))

    async def continue_chain(self, rows: Sequence[Row]) -> bool:
        """See Restorable."""

        async def unit(transaction: Transaction) -> bool:
            found = await transaction.fetchrow(_LAST, rows[0].chain)
            if ((found and found[0]) or 0) + 1 != rows[0].seq:
                return False
            await transaction.execute(APPEND, *columns_of(rows, len(AUDIT)))
            return True

        added = await self._writer.run(unit)
        if added:
            self._writer.went_on(Head(rows[-1].chain, rows[-1].seq, rows[-1].hash))
        return added

    async def end_restoring(self, *, event: Event) -> int:
        """See Restorable."""

        async def unit(transaction: Transaction) -> int:
            for table in HALF_WAY:
                await transaction.execute(f"DELETE FROM {table}")  # noqa: S608 - names of ours
            await transaction.execute("DELETE FROM meta WHERE name = $1", MARK)
            return await bump_store_epoch(transaction, event)

        return await self._writer.run(unit)
