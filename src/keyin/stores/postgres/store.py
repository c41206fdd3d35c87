"""The store behind its ports, on one database that several workers share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from keyin.domain.errors import ConfigurationError
from keyin.stores.database_url import checked
from keyin.stores.postgres import migrations
from keyin.stores.postgres.accounts import PostgresAccounts
from keyin.stores.postgres.audit import PostgresAudit
from keyin.stores.postgres.connection import FOREIGN, Server, connect, translated
from keyin.stores.postgres.credentials import PostgresCredentials
from keyin.stores.postgres.enrolling import PUT_META, PostgresEnrolling
from keyin.stores.postgres.flows import PostgresFlows
from keyin.stores.postgres.inventory import PostgresInventory
from keyin.stores.postgres.key_register import PostgresKeyRegister
from keyin.stores.postgres.lapsing import PostgresLapsing
from keyin.stores.postgres.lookups import Lookups
from keyin.stores.postgres.memberships import PostgresMemberships
from keyin.stores.postgres.notices import PostgresNotices
from keyin.stores.postgres.quotas import PostgresQuotas
from keyin.stores.postgres.registrations import PostgresRegistrations
from keyin.stores.postgres.restoring import PostgresRestoring
from keyin.stores.postgres.safes import PostgresSafes
from keyin.stores.postgres.second_factors import PostgresSecondFactors
from keyin.stores.postgres.sites import PostgresSites
from keyin.stores.postgres.sweeping import PostgresSweeping
from keyin.stores.postgres.tokens import META, PostgresTokens
from keyin.stores.postgres.writer import Writer

if TYPE_CHECKING:
    from collections.abc import Callable

    from keyin.stores.postgres.transaction import Transaction

_SECRETS: Final = "secret_ids"
_LOCK: Final = 0x4B59494E_00000002


async def open_store(url: str) -> PostgresStore:
    """Open the store; `migrations.migrate` makes its tables.

    Raises ConfigurationError (a password in the URL, another program's database, a newer schema or
    an older one) and StoreUnavailable.
    """
    connection = await connect(checked(url))
    try:
        await migrations.check_current(connection)
    except FOREIGN as error:
        raise translated(error) from error
    finally:
        connection.terminate()
    server = Server(url)
    return PostgresStore(Lookups(server), Writer(server))


class PostgresStore(
    PostgresCredentials,
    PostgresSafes,
    PostgresTokens,
    PostgresEnrolling,
    PostgresMemberships,
    PostgresSites,
    PostgresAccounts,
    PostgresFlows,
    PostgresKeyRegister,
    PostgresNotices,
    PostgresQuotas,
    PostgresInventory,
    PostgresRegistrations,
    PostgresLapsing,
    PostgresRestoring,
    PostgresSecondFactors,
    PostgresSweeping,
    PostgresAudit,
):
    """Implements every port of a store; what a method does stands with its port."""

    def expect(self, company: Callable[[], bool]) -> None:
        """Be told whether other requests are under way: who has no company looks up at once."""
        self._lookups.in_company = company

    async def secret_ids(self) -> frozenset[str]:
        """Return the names of the secrets that the store knows. Raises StoreUnavailable."""
        row = await self._lookups.row(META, (_SECRETS,))
        return frozenset(row[0].split()) if row else frozenset()

    async def recognise(self, secret_ids: frozenset[str]) -> None:
        """Remember the names of peppers and data keys.

        Raises ConfigurationError where the store knows none of them: nothing in it would be found
        or opened.
        """

        async def unit(transaction: Transaction) -> None:
            await transaction.fetch("SELECT pg_advisory_xact_lock($1)", _LOCK)
            row = await transaction.fetchrow("SELECT value FROM meta WHERE name = $1", _SECRETS)
            known = frozenset(row[0].split()) if row else frozenset()
            if known and not known & secret_ids:
                raise ConfigurationError(
                    "the store was made with other secrets than those given",
                    next_step="Give --secrets the directory that this store was made with.",
                )
            if not secret_ids <= known:
                value = " ".join(sorted(secret_ids | known))
                await transaction.execute(PUT_META, _SECRETS, value)

        if not secret_ids <= await self.secret_ids():
            await self._writer.run(unit)

    async def hold_still(self) -> None:
        """Let every lookup from now on see the store as it is now: for an export in use."""
        await self._lookups.hold_still()

    async def aclose(self) -> None:
        """Finish what waits to be written, then close. May be repeated."""
        await self._writer.close()
        await self._lookups.close()

    def close(self) -> None:
        """Let go of the connections, at once: `aclose` is the way to end."""
        self._writer.drop()
        self._lookups.drop()
