"""The audit chain that one writer continues: the first whose number nobody holds (ADR 31).

The number is held by an advisory lock of the writer's connection, so PostgreSQL gives it back
whatever ends the worker. The head is read once the lock is held, and moves on with each commit;
after a commit of which nobody knows how it ended, the connection is gone, and the head with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from keyin.domain.errors import StoreUnavailable
from keyin.stores.postgres.statements import insert_many
from keyin.wire.audit_chain import Head, beginning, rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keyin.domain.events import Event
    from keyin.stores.postgres.connection import Connection
    from keyin.stores.rows import Row

LOCKS: Final = 0x4B590001
"""Namespace of the numbers' locks."""
MOST: Final = 1000
AUDIT: Final = ("chain", "seq", "at", "event", "hash")
APPEND: Final = insert_many("audit", AUDIT)
_TAKE: Final = "SELECT pg_try_advisory_lock($1, $2)"
_HEAD: Final = "SELECT seq, hash FROM audit WHERE chain = $1 ORDER BY seq DESC LIMIT 1"


def name(number: int) -> str:
    """Return a chain's name; the first is called as the one of a store in SQLite."""
    return "main" if number == 0 else f"main.{number + 1}"


class Chain:
    """A chain that is held, and how far it has come."""

    def __init__(self, head: Head) -> None:
        self.head = head

    @classmethod
    async def take(cls, connection: Connection) -> Chain:
        """Hold the first free one until the connection ends. Raises StoreUnavailable."""
        for number in range(MOST):
            if await connection.fetchval(_TAKE, LOCKS, number):
                found = await connection.fetchrow(_HEAD, name(number))
                return cls(Head(name(number), *found) if found else beginning(name(number)))
        raise StoreUnavailable("the store cannot answer (%(name)s)", name="too many writers")

    def rows(self, events: Sequence[Event]) -> list[Row]:
        """Return the rows of events that follow; the head stays until `moved` is told of them."""
        return list(rows(self.head, events))

    def moved(self, written: Sequence[Row]) -> None:
        """Go on from the last of these rows, which are committed."""
        if written:
            chain, seq, _, _, hash_ = written[-1]
            self.head = Head(chain, seq, hash_)
