"""What has expired, in SQL: deleted by the hundred, so that no unit holds others up.

`EXPIRING` is the list of tables whose rows end by themselves; tests/conformance/test_sweeping.py
compares it with the schema.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from keyin.stores.sqlite.replays import SqliteReplays
from keyin.stores.token_place import living

if TYPE_CHECKING:
    import sqlite3

    from keyin.domain.environment import Millis


@dataclass(frozen=True, slots=True)
class Expiring:
    """A table, the column that says when a row ends, and its primary key."""

    table: str
    end: str
    key: tuple[str, ...] = ("digest",)

    @property
    def statement(self) -> str:
        """Delete some of the rows that ended first; the index on `end` finds them."""
        key = ", ".join(self.key)
        return (
            f"DELETE FROM {self.table} WHERE ({key}) IN (SELECT {key} FROM {self.table} "  # noqa: S608 - names of ours
            f"WHERE {self.end} < ? ORDER BY {self.end} LIMIT ?)"
        )


TOKENS: Final = "tokens"
PROOFS: Final = "jti_seen"
EXPIRING: Final = {
    one.table: one
    for one in (
        Expiring("sessions", "expires"),
        Expiring("pushed_requests", "expires"),
        Expiring("questions", "expires"),
        Expiring("codes", "kept_until"),
        Expiring("device_requests", "expires"),
        Expiring("quota_buckets", "full_at", ("name",)),
        Expiring("quota_members", "until", ("name", "member")),
        Expiring("key_places", "until", ("key_digest", "client_id")),
    )
}
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
    return connection.execute(expiring.statement, (before, most)).rowcount


def sweep_tokens(connection: sqlite3.Connection, before: Millis, most: int) -> int:
    """Delete from the oldest on; where the living lie, nothing is looked at."""
    first, last = living(before)
    values = {"first": first, "last": last, "before": before, "most": most}
    return connection.execute(OLD_TOKENS, values).rowcount
