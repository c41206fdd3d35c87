"""What has expired: deleted by the hundred, beside the writer, past whatever somebody holds.

A statement of its own on a connection that looks up: no grant shares a transaction with it, and it
waits for no row (`SKIP LOCKED`), so that neither it nor another worker's sweep holds anybody up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from keyin.stores.expiring import EXPIRING, PROOFS, TOKENS, Expiring
from keyin.stores.postgres.part import PostgresPart
from keyin.stores.token_place import living

if TYPE_CHECKING:
    from keyin.domain.environment import Millis

OLD_TOKENS: Final = """
DELETE FROM tokens WHERE place = any(ARRAY(
  (SELECT place FROM tokens WHERE place < $3 AND expires < $1 ORDER BY place LIMIT $2)
  UNION ALL
  (SELECT place FROM tokens WHERE place > $4 AND expires < $1 ORDER BY place LIMIT $2)
  LIMIT $2
)) RETURNING 1
"""
"""From the oldest on; where the living lie, nothing is looked at."""


def statement(expiring: Expiring) -> str:
    """Return what deletes some of the rows that ended first; the index on their end finds them."""
    key = ", ".join(expiring.key)
    return (
        f"DELETE FROM {expiring.table} WHERE ({key}) IN (SELECT {key} FROM {expiring.table} "  # noqa: S608 - names of ours
        f"WHERE {expiring.end} < $1 ORDER BY {expiring.end} LIMIT $2 FOR UPDATE SKIP LOCKED) "
        "RETURNING 1"
    )


STATEMENTS: Final = {
    **{table: statement(one) for table, one in EXPIRING.items()},
    PROOFS: statement(Expiring(PROOFS, "expires", ("namespace", "digest"))),
}


class PostgresSweeping(PostgresPart):
    """What a method does stands with its port, cloud.sweeping.Sweepable."""

    @property
    def expiring(self) -> tuple[str, ...]:
        """Name the tables."""
        return (TOKENS, PROOFS, *EXPIRING)

    @property
    def quiet(self) -> bool:
        """Say whether nobody waits for the writer."""
        return self._writer.quiet

    async def sweep(self, table: str, *, expired_before: Millis, most: int) -> int:
        """Delete some rows of a table."""
        if table == TOKENS:
            places = living(expired_before)
            found = await self._lookups.fetch(OLD_TOKENS, expired_before, most, *places)
        else:
            found = await self._lookups.fetch(STATEMENTS[table], expired_before, most)
        return len(found)
