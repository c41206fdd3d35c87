"""The audit log in SQL: events go in with what they tell of, each writer's in a chain of its own.

`chain` says which; `Transaction.append` and `Writer.tell` write. Here it is read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from keyin.domain.refusal_counts import RefusalCount
from keyin.stores.postgres.part import PostgresPart
from keyin.stores.postgres.statements import columns_of, insert_many
from keyin.wire.audit_chain import Head, Row
from keyin.wire.audit_checkpoints import Checkpoint

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keyin.domain.environment import Millis
    from keyin.domain.events import Event

_HEADS: Final = """
WITH RECURSIVE chains (chain) AS (
  SELECT min(chain) FROM audit
  UNION ALL
  SELECT (SELECT min(chain) FROM audit WHERE audit.chain > chains.chain)
  FROM chains WHERE chains.chain IS NOT NULL
)
SELECT chains.chain, head.seq, head.hash FROM chains CROSS JOIN LATERAL (
  SELECT seq, hash FROM audit WHERE audit.chain = chains.chain ORDER BY seq DESC LIMIT 1
) AS head WHERE chains.chain IS NOT NULL ORDER BY chains.chain
"""
"""Looks at one row of each chain: there are few chains, and many rows."""
_ROWS: Final = (
    "SELECT chain, seq, at, event, hash FROM audit WHERE chain = $1 AND seq > $2 "
    "ORDER BY seq LIMIT $3"
)
_CHECKPOINT: Final = (
    "INSERT INTO audit_checkpoints (chain, seq, at, hash, signature) VALUES ($1, $2, $3, $4, $5) "
    "ON CONFLICT DO NOTHING"
)
_THIN: Final = """
DELETE FROM audit_checkpoints AS old WHERE at < $1 AND EXISTS (
  SELECT 1 FROM audit_checkpoints AS later
  WHERE later.chain = old.chain AND later.seq > old.seq AND later.at / 3600000 = old.at / 3600000
)
"""
_COUNTED: Final = ("minute", "reason", "network", "count")
_COUNT: Final = (
    f"{insert_many('refusal_counts', _COUNTED)} ON CONFLICT (minute, reason, network) "
    "DO UPDATE SET count = refusal_counts.count + excluded.count"
)


class PostgresAudit(PostgresPart):
    """What a method does stands with its port in `oauth.audit_ports`."""

    async def record(self, event: Event) -> None:
        """See Trail."""
        await self._writer.tell(event)

    async def audit_heads(self) -> Sequence[Head]:
        """See AuditLog."""
        return [Head(*row) for row in await self._lookups.fetch(_HEADS)]

    async def audit_rows(self, chain: str, *, after: int, most: int) -> Sequence[Row]:
        """See AuditLog."""
        return [Row(*row) for row in await self._lookups.fetch(_ROWS, chain, after, most)]

    async def add_checkpoint(self, checkpoint: Checkpoint) -> None:
        """See AuditLog."""
        head = checkpoint.head
        await self._change(
            _CHECKPOINT, head.chain, head.seq, checkpoint.at, head.hash, checkpoint.signature
        )

    async def audit_checkpoints(self) -> Sequence[Checkpoint]:
        """See AuditLog."""
        query = "SELECT chain, seq, hash, at, signature FROM audit_checkpoints ORDER BY chain, seq"
        found = await self._lookups.fetch(query)
        return [Checkpoint(head=Head(*row[:3]), at=row[3], signature=row[4]) for row in found]

    async def thin_checkpoints(self, *, before: Millis) -> None:
        """See AuditLog."""
        await self._change(_THIN, before)

    async def add_refusal_counts(self, counts: Sequence[RefusalCount]) -> None:
        """See RefusalCounts."""
        counted = sorted((one.minute, one.reason, one.network, one.count) for one in counts)
        await self._change(_COUNT, *columns_of(counted, len(_COUNTED)))

    async def refusal_counts(self, *, since: Millis) -> Sequence[RefusalCount]:
        """See RefusalCounts."""
        query = (
            "SELECT minute, reason, network, count FROM refusal_counts WHERE minute >= $1 "
            "ORDER BY minute, reason, network"
        )
        return [RefusalCount(*row) for row in await self._lookups.fetch(query, since)]

    async def forget_refusal_counts(self, *, before: Millis) -> None:
        """See RefusalCounts."""
        await self._change("DELETE FROM refusal_counts WHERE minute < $1", before)
