"""Who else has the database: nobody may, while it is copied as a whole or put right after a backup.

A worker that has written anything holds the number of its audit chain until it ends (`chain`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from keyin.domain.errors import ConfigurationError
from keyin.stores.postgres.chain import LOCKS
from keyin.stores.postgres.connection import FOREIGN, connect, translated

if TYPE_CHECKING:
    from keyin.stores.postgres.connection import Connection

_WORKERS: Final = """
SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid = $1 AND granted
AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


async def refuse_workers(connection: Connection) -> None:
    """Raise ConfigurationError where somebody writes to the database."""
    if await connection.fetchval(_WORKERS, LOCKS):
        raise ConfigurationError(
            "a cloud is serving from the database",
            next_step="End all its workers first, on every host.",
        )


async def refuse_workers_of(url: str) -> None:
    """As `refuse_workers`, with a connection of its own. Raises StoreUnavailable besides."""
    connection = await connect(url)
    try:
        await refuse_workers(connection)
    except FOREIGN as error:
        raise translated(error) from error
    finally:
        connection.terminate()
