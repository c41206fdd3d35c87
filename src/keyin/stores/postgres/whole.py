"""A whole store in PostgreSQL, to be copied from or to (`stores.whole`), in one transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Self

from keyin.domain.errors import ConfigurationError
from keyin.stores.postgres import migrations
from keyin.stores.postgres.connection import FOREIGN, connect, translated
from keyin.stores.postgres.workers import refuse_workers
from keyin.stores.whole import BLANK, META, PAGE, Tables

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from keyin.stores.rows import Row

_LONG: Final = {
    "statement_timeout": "0",
    "lock_timeout": "3s",
    "idle_in_transaction_session_timeout": "0",
}
_COLUMNS: Final = """
SELECT table_name, column_name FROM information_schema.columns
WHERE table_schema = current_schema()
AND table_name NOT IN ('schema_versions', 'grants_changed') ORDER BY 1, 2
"""
"""Of all tables but those that say something of this database alone."""
_IDENTITIES: Final = """
SELECT table_name FROM information_schema.columns
WHERE table_schema = current_schema() AND column_name = 'seq' AND is_identity = 'YES'
"""
_NUMBER_ON: Final = (
    "SELECT setval(pg_get_serial_sequence('{table}', 'seq'), "
    "coalesce((SELECT max(seq) FROM {table}), 0) + 1, false)"
)
_ORDER: Final = {
    "audit": "chain, seq",
    **dict.fromkeys(("clients", "credentials", "keys", "safes"), "seq"),
}


class WholePostgres:
    """Holds a transaction from the beginning on."""

    def __init__(self, connection: Any) -> None:  # noqa: ANN401 - asyncpg's, which has no types
        self._connection = connection

    @classmethod
    async def open(cls, url: str) -> Self:
        """Begin. Raises ConfigurationError: an old schema, or somebody serves from it."""
        connection = await connect(url, **_LONG)
        try:
            await migrations.check_current(connection)
            await refuse_workers(connection)
            await connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        except FOREIGN as error:
            connection.terminate()
            raise translated(error) from error
        except BaseException:
            connection.terminate()
            raise
        return cls(connection)

    async def tables(self) -> Tables:
        """See Source."""
        found: dict[str, list[str]] = {}
        for table, column in await self._fetch(_COLUMNS):
            found.setdefault(table, []).append(column)
        return {table: tuple(sorted(found[table])) for table in sorted(found)}

    async def count(self, table: str) -> int:
        """See Source."""
        return int((await self._fetch(f"SELECT count(*) FROM {table}"))[0][0])  # noqa: S608 - of the schema

    async def is_empty(self) -> bool:
        """See Target."""
        if {row[0] for row in await self._fetch(f"SELECT name FROM {META}")} - BLANK:  # noqa: S608 - ours
            return False
        tables = [name for name in await self.tables() if name != META]
        for table in tables:
            if await self._fetch(f"SELECT 1 FROM {table} LIMIT 1"):  # noqa: S608 - of the schema
                return False
        return True

    async def pages(self, table: str, columns: Sequence[str]) -> AsyncIterator[Sequence[Row]]:
        """See Source."""
        order = f" ORDER BY {_ORDER[table]}" if table in _ORDER else ""
        query = f"SELECT {', '.join(columns)} FROM {table}{order}"  # noqa: S608 - of the schema
        cursor = f"pages_of_{table}"  # a statement that is the same has the same columns
        await self._fetch(f"DECLARE {cursor} NO SCROLL CURSOR FOR {query}")
        while found := await self._fetch(f"FETCH {PAGE} FROM {cursor}"):
            yield found
        await self._fetch(f"CLOSE {cursor}")

    async def put(self, table: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
        """See Target."""
        for row in rows:
            for name, value in zip(columns, row, strict=True):
                if isinstance(value, str) and "\0" in value:
                    raise _nul(table, name)
        if table == META:
            await self._fetch("DELETE FROM meta WHERE name = any($1)", [row[0] for row in rows])
        try:
            await self._connection.copy_records_to_table(table, records=rows, columns=columns)
        except FOREIGN as error:
            raise translated(error) from error

    async def finish(self) -> None:
        """See Target."""
        for (table,) in await self._fetch(_IDENTITIES):
            await self._fetch(_NUMBER_ON.format(table=table))
        await self._fetch("COMMIT")

    async def close(self) -> None:
        """End; what is not finished is undone."""
        self._connection.terminate()

    async def _fetch(self, query: str, *args: object) -> list[Row]:
        try:
            return [tuple(row) for row in await self._connection.fetch(query, *args)]
        except FOREIGN as error:
            raise translated(error) from error


def _nul(table: str, column: str) -> ConfigurationError:
    return ConfigurationError(
        "a text in %(table)s.%(column)s has a NUL character, which PostgreSQL cannot keep",
        next_step="Take it out of that record first.",
        table=table,
        column=column,
    )
