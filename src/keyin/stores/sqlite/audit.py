"""The audit log in SQL: events go in with what they tell of, in one savepoint, or not at all.

One writer has the store (ADR 5), so one chain goes on, also over restarts and through the
command's verbs: its head is read from the table, and remembered by the connection that writes
until something is undone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from keyin.domain.refusal_counts import RefusalCount
from keyin.stores.sqlite.connection import WritingConnection, forget_head, our_errors
from keyin.stores.sqlite.part import SqlitePart
from keyin.wire.audit_chain import Head, Row, beginning, rows
from keyin.wire.audit_checkpoints import Checkpoint

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Sequence

    from keyin.domain.environment import Millis
    from keyin.domain.events import Event

CHAIN: Final = "main"
_HEAD: Final = "SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1"
_APPEND: Final = "INSERT INTO audit (chain, seq, at, event, hash) VALUES (?, ?, ?, ?, ?)"
_ROWS: Final = (
    "SELECT chain, seq, at, event, hash FROM audit WHERE chain = ? AND seq > ? ORDER BY seq LIMIT ?"
)
_OTHERS_ROWS: Final = _ROWS.replace("FROM audit ", "FROM audit_of_others ")
_OTHERS_HEADS: Final = """
WITH RECURSIVE chains (chain) AS (
  SELECT min(chain) FROM audit_of_others
  UNION ALL
  SELECT (SELECT min(chain) FROM audit_of_others WHERE chain > chains.chain)
  FROM chains WHERE chains.chain IS NOT NULL
)
SELECT r.chain, r.seq, r.hash FROM chains JOIN audit_of_others AS r ON r.chain = chains.chain
AND r.seq = (SELECT max(seq) FROM audit_of_others WHERE chain = chains.chain) ORDER BY r.chain
"""
"""Looks at one row of each chain."""
_CHECKPOINT: Final = (
    "INSERT INTO audit_checkpoints (chain, seq, at, hash, signature) VALUES (?, ?, ?, ?, ?) "
    "ON CONFLICT DO NOTHING"
)
_THIN: Final = """
DELETE FROM audit_checkpoints AS old WHERE at < ? AND EXISTS (
  SELECT 1 FROM audit_checkpoints AS later
  WHERE later.chain = old.chain AND later.seq > old.seq AND later.at / 3600000 = old.at / 3600000
)
"""
_COUNT: Final = (
    "INSERT INTO refusal_counts (minute, reason, network, count) VALUES (?, ?, ?, ?) "
    "ON CONFLICT (minute, reason, network) DO UPDATE SET count = count + excluded.count"
)


def append(connection: sqlite3.Connection, event: Event) -> None:
    """Write one event, inside the unit of work that it tells of."""
    append_all(connection, (event,))


def append_all(connection: sqlite3.Connection, events: Iterable[Event]) -> None:
    """Write events in their order, as `append`; many cost little more than one."""
    if not isinstance(connection, WritingConnection):
        connection.executemany(_APPEND, rows(_head(connection), events))
        return
    found = list(rows(connection.head or _head(connection), events))
    connection.executemany(_APPEND, found)
    if found:
        connection.head = found[-1]


def continue_chain(connection: sqlite3.Connection, rows_: Sequence[Row]) -> bool:
    """Write rows as they are, where they follow the last one; say whether."""
    head = _head(connection)
    if (rows_[0].chain, rows_[0].seq) != (head.chain, head.seq + 1):
        return False
    connection.executemany(_APPEND, rows_)
    forget_head(connection)
    return True


def _head(connection: sqlite3.Connection) -> Head:
    found = connection.execute(_HEAD).fetchone()
    return Head(CHAIN, *found) if found else beginning(CHAIN)


class SqliteAudit(SqlitePart):
    """What a method does stands with its port."""

    async def record(self, event: Event) -> None:
        """See oauth.audit_ports.Trail."""
        await self._writer.tell(event)

    async def audit_heads(self) -> Sequence[Head]:
        """See oauth.audit_ports.AuditLog."""
        with our_errors():
            head = _head(self._reading)
            others = [Head(*row) for row in self._reading.execute(_OTHERS_HEADS)]
        return [*([head] if head.seq else []), *others]

    async def audit_rows(self, chain: str, *, after: int, most: int) -> Sequence[Row]:
        """See oauth.audit_ports.AuditLog."""
        with our_errors():
            query = _ROWS if chain == CHAIN else _OTHERS_ROWS
            return [Row(*row) for row in self._reading.execute(query, (chain, after, most))]

    async def add_checkpoint(self, checkpoint: Checkpoint) -> None:
        """See oauth.audit_ports.AuditLog."""
        head = checkpoint.head
        row = (head.chain, head.seq, checkpoint.at, head.hash, checkpoint.signature)
        await self._writer.run(lambda connection: connection.execute(_CHECKPOINT, row))

    async def audit_checkpoints(self) -> Sequence[Checkpoint]:
        """See oauth.audit_ports.AuditLog."""
        query = "SELECT chain, seq, hash, at, signature FROM audit_checkpoints ORDER BY chain, seq"
        with our_errors():
            found = self._reading.execute(query).fetchall()
        return [Checkpoint(head=Head(*row[:3]), at=row[3], signature=row[4]) for row in found]

    async def thin_checkpoints(self, *, before: Millis) -> None:
        """See oauth.audit_ports.AuditLog."""
        await self._writer.run(lambda connection: connection.execute(_THIN, (before,)))

    async def add_refusal_counts(self, counts: Sequence[RefusalCount]) -> None:
        """See oauth.audit_ports.RefusalCounts."""
        counted = [(count.minute, count.reason, count.network, count.count) for count in counts]
        await self._writer.run(lambda connection: connection.executemany(_COUNT, counted))

    async def refusal_counts(self, *, since: Millis) -> Sequence[RefusalCount]:
        """See oauth.audit_ports.RefusalCounts."""
        query = (
            "SELECT minute, reason, network, count FROM refusal_counts WHERE minute >= ? "
            "ORDER BY minute, reason, network"
        )
        with our_errors():
            found = self._reading.execute(query, (since,)).fetchall()
        return [RefusalCount(*row) for row in found]

    async def forget_refusal_counts(self, *, before: Millis) -> None:
        """See oauth.audit_ports.RefusalCounts."""
        query = "DELETE FROM refusal_counts WHERE minute < ?"
        await self._writer.run(lambda connection: connection.execute(query, (before,)))
