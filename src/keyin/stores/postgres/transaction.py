"""A transaction as a unit of work sees it: statements, and the events that tell of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from keyin.domain.events import Event
    from keyin.stores.postgres.connection import Connection
    from keyin.stores.rows import Row


class Transaction:
    """Statements run at once; events are written together, in their order, before the commit."""

    __slots__ = ("_connection", "changes", "events")

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.events: list[Event] = []
        self.changes = 0
        """Statements that may have changed something: those of a unit that failed are undone."""

    async def fetch(self, sql: str, *args: object) -> list[Row]:
        """Return the rows of a query, or those that a change returns."""
        self._note(sql)
        return [tuple(row) for row in await self._connection.fetch(sql, *args)]

    async def fetchrow(self, sql: str, *args: object) -> Row | None:
        """Return the first row; None where there is none."""
        self._note(sql)
        row = await self._connection.fetchrow(sql, *args)
        return None if row is None else tuple(row)

    async def execute(self, sql: str, *args: object) -> int:
        """Run a statement; return how many rows it concerned."""
        self._note(sql)
        status = await self._connection.execute(sql, *args)
        count = status.rpartition(" ")[2]
        return int(count) if count.isdecimal() else 0

    async def executemany(self, sql: str, rows: Iterable[Sequence[object]]) -> None:
        """Run a statement for each row, all in one trip."""
        rows = list(rows)
        if rows:
            self._note(sql)
            await self._connection.executemany(sql, rows)

    def append(self, event: Event) -> None:
        """Write an event with what it tells of."""
        self.changes += 1
        self.events.append(event)

    def _note(self, sql: str) -> None:
        if sql.lstrip()[:6].upper() != "SELECT":
            self.changes += 1
