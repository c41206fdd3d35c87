"""The store behind its ports, on one database that several workers share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keyin.domain.errors import ConfigurationError
from keyin.stores.postgres import migrations
from keyin.stores.postgres.address import checked
from keyin.stores.postgres.audit import PostgresAudit
from keyin.stores.postgres.connection import FOREIGN, Connection, Server, connect, translated
from keyin.stores.postgres.credentials import PostgresCredentials
from keyin.stores.postgres.enrolling import PUT_META, PostgresEnrolling
from keyin.stores.postgres.lookups import Lookups
from keyin.stores.postgres.safes import PostgresSafes
from keyin.stores.postgres.tokens import PostgresTokens
from keyin.stores.postgres.writer import Writer

if TYPE_CHECKING:
    from collections.abc import Callable


async def open_store(
    url: str, *, migrate: bool = False, secret_ids: frozenset[str] = frozenset()
) -> PostgresStore:
    """Open the store; where `migrate` allows it, bring its schema to the newest first.

    `secret_ids` names the peppers and data keys at hand; the store remembers them. Raises
    ConfigurationError (a password in the URL, another program's database, a newer schema, an older
    one without `migrate`, secrets of another store) and StoreUnavailable.
    """
    if migrate:
        await migrations.migrate(checked(url))
    connection = await connect(checked(url))
    try:
        await migrations.check_current(connection)
        if secret_ids:
            await _recognise(connection, secret_ids)
    except FOREIGN as error:
        raise translated(error) from error
    finally:
        connection.terminate()
    server = Server(url)
    return PostgresStore(Lookups(server), Writer(server))


async def _recognise(connection: Connection, secret_ids: frozenset[str]) -> None:
    """Refuse secrets of which the store knows none: nothing in it would be found or opened."""
    await connection.execute("BEGIN")
    await connection.execute("LOCK TABLE meta IN SHARE ROW EXCLUSIVE MODE")
    value = await connection.fetchval("SELECT value FROM meta WHERE name = 'secret_ids'")
    known = frozenset((value or "").split())
    if known and not known & secret_ids:
        raise ConfigurationError(
            "the store was made with other secrets than those given",
            next_step="Give --secrets the directory that this store was made with.",
        )
    if not secret_ids <= known:
        await connection.execute(PUT_META, "secret_ids", " ".join(sorted(secret_ids | known)))
    await connection.execute("COMMIT")


class PostgresStore(
    PostgresCredentials,
    PostgresSafes,
    PostgresTokens,
    PostgresEnrolling,
    PostgresAudit,
):
    """Implements every port of a store; what a method does stands with its port."""

    def expect(self, company: Callable[[], bool]) -> None:
        """Be told whether other requests are under way: a transaction gathers by itself."""

    async def aclose(self) -> None:
        """Finish what waits to be written, then close. May be repeated."""
        await self._writer.close()
        await self._lookups.close()

    def close(self) -> None:
        """Let go of the connections, at once: `aclose` is the way to end."""
        self._writer.drop()
        self._lookups.drop()
