"""A whole SQLite store, to be copied from or to (`stores.whole`), in one transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from keyin.stores.sqlite import migrations
from keyin.stores.sqlite.audit import CHAIN
from keyin.stores.sqlite.connection import connect, create_private, our_errors
from keyin.stores.whole import BLANK, META, PAGE, Tables

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from keyin.stores.rows import Row

_TABLES: Final = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
_OWN: Final = frozenset({"migrations"})
"""What a database notes of itself."""
_NUMBERED_HERE: Final = {"jti_seen": frozenset({"seq"})}
"""Columns that this store makes for itself."""
_IN_ORDER: Final = frozenset({"audit", "clients", "credentials", "jti_seen", "keys", "safes"})
AUDIT: Final = "audit"
OTHERS: Final = "audit_of_others"
"""Chains that do not go on here; elsewhere they are in one table with the one that does."""


class WholeSqlite:
    """Holds a transaction from the beginning on; whoever makes one has the directory's lock."""

    def __init__(self, path: Path, *, make: bool) -> None:
        if make:
            create_private(path)
        self._connection = connect(path)
        try:
            migrations.migrate(self._connection)
            with our_errors():
                self._connection.execute("BEGIN IMMEDIATE")
        except BaseException:
            self._connection.close()
            raise

    async def tables(self) -> Tables:
        """See Source."""
        with our_errors():
            names = [row[0] for row in self._connection.execute(_TABLES)]
            return {
                name: tuple(sorted(self._columns(name)))
                for name in sorted(names)
                if name not in _OWN and name != OTHERS
            }

    def _columns(self, table: str) -> frozenset[str]:
        found = self._connection.execute(f"PRAGMA table_info({table})")
        return frozenset(row[1] for row in found) - _NUMBERED_HERE.get(table, frozenset())

    async def count(self, table: str) -> int:
        """See Source."""
        with our_errors():
            return sum(self._count(place) for place in _places(table))

    def _count(self, table: str) -> int:
        found = self._connection.execute(f"SELECT count(*) FROM {table}")  # noqa: S608 - of the schema
        return int(found.fetchone()[0])

    async def is_empty(self) -> bool:
        """See Target."""
        with our_errors():
            found = self._connection.execute(f"SELECT name FROM {META}")  # noqa: S608 - ours
            if {row[0] for row in found} - BLANK:
                return False
            tables = [name for name in await self.tables() if name != META]
            return not any([await self.count(name) for name in tables])

    async def pages(self, table: str, columns: Sequence[str]) -> AsyncIterator[Sequence[Row]]:
        """See Source."""
        with our_errors():
            for place in _places(table):
                query = f"SELECT {', '.join(columns)} FROM {place}{_order(place)}"  # noqa: S608 - as above
                cursor = self._connection.execute(query)
                while page := cursor.fetchmany(PAGE):
                    yield page

    async def put(self, table: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
        """See Target."""
        how = "INSERT OR REPLACE" if table == META else "INSERT"
        for place in _places(table):
            values = ", ".join("?" * len(columns))
            query = f"{how} INTO {place} ({', '.join(columns)}) VALUES ({values})"
            with our_errors():
                self._connection.executemany(query, _of(place, columns, rows))

    async def finish(self) -> None:
        """See Target."""
        with our_errors():
            self._connection.execute("COMMIT")

    async def close(self) -> None:
        """End; what is not finished is undone."""
        self._connection.close()


def _places(table: str) -> tuple[str, ...]:
    return (AUDIT, OTHERS) if table == AUDIT else (table,)


def _order(table: str) -> str:
    """Return the order of rows that were numbered as they came."""
    if table == OTHERS:
        return " ORDER BY chain, seq"
    return " ORDER BY rowid" if table in _IN_ORDER else ""


def _of(place: str, columns: Sequence[str], rows: Sequence[Row]) -> Sequence[Row]:
    """Return the rows that belong there: of the audit log, its own chain and the others part."""
    if place not in {AUDIT, OTHERS}:
        return rows
    chain = columns.index("chain")
    return [row for row in rows if (row[chain] == CHAIN) == (place == AUDIT)]
