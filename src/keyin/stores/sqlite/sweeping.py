"""What has expired, in SQL: deleted by the hundred, so that no unit holds others up.

`stores.expiring` has the list of tables.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from keyin.stores.expiring import EXPIRING, PROOFS, TOKENS
from keyin.stores.sqlite.replays import SqliteReplays
from keyin.stores.token_place import living

if TYPE_CHECKING:
    import sqlite3

    from keyin.domain.environment import Millis
    from keyin.stores.expiring import Expiring


def statement(expiring: Expiring) -> str:
    """Return what deletes some of the rows that ended first; the index on their end finds them."""
    key = ", ".join(expiring.key)
    return (
        f"DELETE FROM {expiring.table} WHERE ({key}) IN (SELECT {key} FROM {expiring.table} "  # noqa: S608 - names of ours
        f"WHERE {expiring.end} < ? ORDER BY {expiring.end} LIMIT ?)"
    )


OLD_TOKENS: Final = """
DELETE FROM tokens WHERE place IN (
  SELECT place FROM tokens WHERE place < :first AND expires < :before
  UNION ALL
  SELECT place FROM tokens WHERE place > :last AND expires < :before
  LIMIT :most
)
"""


class SqliteSweeping(SqliteReplays):
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
        unit = {TOKENS: sweep_tokens, PROOFS: self._seen.forget}.get(table) or partial(
            _sweep, expiring=EXPIRING[table]
        )
        return await self._writer.run(partial(unit, before=expired_before, most=most))


def _sweep(connection: sqlite3.Connection, expiring: Expiring, before: Millis, most: int) -> int:
    return connection.execute(statement(expiring), (before, most)).rowcount


def sweep_tokens(connection: sqlite3.Connection, before: Millis, most: int) -> int:
    """Delete from the oldest on; where the living lie, nothing is looked at."""
    first, last = living(before)
    values = {"first": first, "last": last, "before": before, "most": most}
    return connection.execute(OLD_TOKENS, values).rowcount
