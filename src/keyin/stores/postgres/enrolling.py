"""Records that come in from elsewhere, and what concerns the whole store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from keyin.stores import client_key_rows, flow_rows, rows
from keyin.stores.postgres.part import PostgresPart
from keyin.stores.postgres.statements import columns_of, insert_many, replacing
from keyin.stores.postgres.tokens import META

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from keyin.domain.events import Event
    from keyin.oauth.ports import Enrolment
    from keyin.stores.postgres.transaction import Transaction
    from keyin.stores.rows import Row


def _enrolling(table: str, columns: tuple[str, ...], changes: str) -> str:
    """Insert, or let a revocation through; everything else stays as it is."""
    return (
        f"{insert_many(table, columns)} ON CONFLICT ({columns[0]}) DO UPDATE SET "
        f"status = 'revoked'{changes} "
        f"WHERE excluded.status = 'revoked' AND {table}.status <> 'revoked'"
    )


def _moved_on(table: str) -> str:
    return f", epoch = {table}.epoch + 1"


_WHY: Final = ", revoked_reason = excluded.revoked_reason, revoked = excluded.revoked"
_CLIENT: Final = _enrolling(
    "clients", rows.CLIENT, f"{_moved_on('clients')}, updated = excluded.updated"
)
_CREDENTIAL: Final = _enrolling("credentials", rows.CREDENTIAL, _moved_on("credentials") + _WHY)
_KEY: Final = _enrolling("keys", rows.KEY, _moved_on("keys") + _WHY)
_TOKEN: Final = _enrolling("tokens", rows.TOKEN, "")
_SAFE: Final = (
    f"{insert_many('safes', rows.SAFE)} {replacing(rows.SAFE)} "
    "WHERE excluded.kind = 'snapset' AND safes.kind = 'snapset'"
)
CLIENT_KEY: Final = (
    f"{insert_many('client_keys', client_key_rows.CLIENT_KEY)} ON CONFLICT DO NOTHING"
)
_APPLICATION: Final = f"{insert_many('applications', flow_rows.APPLICATION)} ON CONFLICT DO NOTHING"
_BUMP: Final = (
    "UPDATE meta SET value = (value::bigint + 1)::text WHERE name = 'store_epoch' RETURNING value"
)
PUT_META: Final = (
    "INSERT INTO meta (name, value) VALUES ($1, $2) "
    "ON CONFLICT (name) DO UPDATE SET value = excluded.value"
)


class PostgresEnrolling(PostgresPart):
    """What a method does stands with its port in `oauth.ports`."""

    async def enrol(self, records: Enrolment, *, event: Event) -> Mapping[str, int]:
        """See Enrolments."""

        async def unit(transaction: Transaction) -> dict[str, int]:
            transaction.append(event)
            if records.holds_test_credentials:
                await transaction.execute(PUT_META, "holds_test_credentials", "yes")
            return {
                name: await put_all(transaction, statement, found)
                for name, statement, found in _tables(records)
            }

        return await self._writer.run(unit)

    async def bump_store_epoch(self, *, event: Event) -> int:
        """See Housekeeping."""

        async def unit(transaction: Transaction) -> int:
            return await bump_store_epoch(transaction, event)

        return await self._writer.run(unit)

    async def holds_test_credentials(self) -> bool:
        """See Housekeeping."""
        return await self._lookups.row(META, ("holds_test_credentials",)) is not None


async def bump_store_epoch(transaction: Transaction, event: Event) -> int:
    """Move the store's epoch on."""
    transaction.append(event)
    row = await transaction.fetchrow(_BUMP)
    return int(row[0]) if row else 0


def _tables(records: Enrolment) -> Iterable[tuple[str, str, list[Row]]]:
    return (
        ("clients", _CLIENT, [rows.client_row(one) for one in records.clients]),
        ("credentials", _CREDENTIAL, [rows.credential_row(one) for one in records.credentials]),
        ("safes", _SAFE, [rows.safe_row(one) for one in records.safes]),
        ("keys", _KEY, [rows.key_row(one) for one in records.keys]),
        ("tokens", _TOKEN, [rows.token_row(one) for one in records.tokens]),
        (
            "client_keys",
            CLIENT_KEY,
            [client_key_rows.client_key_row(one) for one in records.client_keys],
        ),
        (
            "applications",
            _APPLICATION,
            [flow_rows.application_row(one) for one in records.applications],
        ),
    )


async def put_all(transaction: Transaction, statement: str, found: Sequence[Row]) -> int:
    """Write rows; return how many were new or changed.

    Of rows with one name, each finds what the one before has left: a statement would not.
    """
    count = 0
    while found:
        first: dict[object, Row] = {}
        again: list[Row] = []
        for row in found:
            if row[0] in first:
                again.append(row)
            else:
                first[row[0]] = row
        chosen = list(first.values())
        count += await transaction.execute(statement, *columns_of(chosen, len(chosen[0])))
        found = again
    return count
