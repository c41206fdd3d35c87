"""Clients, their credentials and keys: looked up at every request, and taken back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from keyin.domain.records import Status, as_it_counts
from keyin.stores import client_key_rows, rows
from keyin.stores.postgres.lookups import Lookup
from keyin.stores.postgres.part import PostgresPart
from keyin.stores.rows import names

if TYPE_CHECKING:
    from keyin.domain.environment import Millis
    from keyin.domain.events import Event
    from keyin.domain.records import Client, ClientKey, Credential, RecordId
    from keyin.stores.postgres.transaction import Transaction
    from keyin.stores.rows import Row

STOPPED: Final = """
EXISTS (SELECT 1 FROM sites WHERE status <> 'active' AND name IN (c.site, o.site)),
EXISTS (SELECT 1 FROM software AS v WHERE v.status <> 'active'
AND v.id = c.software_id AND v.version = c.software_version)
OR EXISTS (SELECT 1 FROM software AS v WHERE v.status <> 'active'
AND v.id = o.software_id AND v.version = o.software_version)
"""
"""Whether a site or a version of `credentials AS c`, `clients AS o` is stopped."""
CREDENTIAL_END: Final = len(rows.CREDENTIAL)
_STATUS: Final = rows.CREDENTIAL.index("status")
_FIND: Final = Lookup(
    f"SELECT c.oauth2_client_id, {names(rows.CREDENTIAL, 'c')}, {names(rows.CLIENT, 'o')}, "  # noqa: S608 - ours
    f"{STOPPED} FROM credentials AS c LEFT JOIN clients AS o ON o.id = c.client_id "
    "WHERE c.oauth2_client_id = any($1) ORDER BY c.seq"
)
FIND_CLIENT_KEY: Final = Lookup(
    f"SELECT kid, {names(client_key_rows.CLIENT_KEY)} FROM client_keys WHERE kid = any($1)"  # noqa: S608 - ours
)
_NOTE_USE: Final = "UPDATE client_keys SET last_used = $2 WHERE kid = $1"


def client_beside(row: Row) -> Client:
    """Return the client in the columns of `CLIENT` and `STOPPED`, as it counts."""
    client = rows.client(row[:-2])
    return as_it_counts(client, site=row[-2], software=row[-1])


class PostgresCredentials(PostgresPart):
    """What a method does stands with its port in `oauth.ports`."""

    async def find_credential(
        self, oauth2_client_id: str
    ) -> tuple[Credential, Client | None] | None:
        """See Credentials."""
        found = await self._lookups.rows(_FIND, (oauth2_client_id,))
        if not found:
            return None
        row = next((row for row in found if row[_STATUS] == Status.ACTIVE), found[0])
        there = row[CREDENTIAL_END] is not None
        client = client_beside(row[CREDENTIAL_END:]) if there else None
        return rows.credential(row[:CREDENTIAL_END]), client

    async def find_client_key(self, kid: str) -> ClientKey | None:
        """See ClientKeys."""
        row = await self._lookups.row(FIND_CLIENT_KEY, (kid,))
        return None if row is None else client_key_rows.client_key(row)

    async def note_key_use(self, kid: str, *, now: Millis) -> None:
        """See ClientKeys."""
        await self._change(_NOTE_USE, kid, now)

    async def revoke_client_key(self, kid: str, *, event: Event) -> bool:
        """See Revocations."""

        async def unit(transaction: Transaction) -> bool:
            revoked = await revoke_client_key(transaction, kid)
            if revoked:
                transaction.append(event)
            return revoked

        return await self._writer.run(unit)

    async def revoke_credential(
        self, id_: RecordId, *, reason: str | None, now: Millis, event: Event
    ) -> bool:
        """See Revocations."""
        return await self._told(
            event,
            "UPDATE credentials SET status = 'revoked', epoch = epoch + 1, revoked_reason = $2, "
            "revoked = $3 WHERE id = $1",
            *(id_, reason, now),
        )

    async def revoke_client(self, id_: RecordId, *, now: Millis, event: Event) -> bool:
        """See Revocations."""
        return await self._told(
            event,
            "UPDATE clients SET status = 'revoked', epoch = epoch + 1, updated = $2 WHERE id = $1",
            *(id_, now),
        )


async def revoke_client_key(transaction: Transaction, kid: str) -> bool:
    """Mark a key; its credential's epoch moves on, so that the tokens got with it are dead."""
    await transaction.execute(
        "UPDATE credentials SET epoch = epoch + 1 "
        "WHERE id = (SELECT credential_id FROM client_keys WHERE kid = $1)",
        kid,
    )
    revoking = "UPDATE client_keys SET status = 'revoked', epoch = epoch + 1 WHERE kid = $1"
    return await transaction.execute(revoking, kid) > 0
