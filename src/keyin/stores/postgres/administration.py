"""The administrator's ops: clients, their keys and tokens, looked at and taken back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from keyin.domain.records import Status, as_it_counts
from keyin.oauth.administration_ports import ClientPicture
from keyin.stores import client_key_rows, rows
from keyin.stores.client_key_rows import CLIENT_KEY
from keyin.stores.postgres import notices
from keyin.stores.postgres.credentials import revoke_client_key
from keyin.stores.postgres.part import PostgresPart
from keyin.stores.postgres.statements import insert
from keyin.stores.rows import names
from keyin.stores.token_place import token_place

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keyin.domain.environment import Millis
    from keyin.domain.events import Event
    from keyin.domain.records import ClientKey, Digest, RecordId
    from keyin.oauth.administration_ports import Word
    from keyin.stores.postgres.transaction import Transaction
    from keyin.stores.rows import Row

_NAMED: Final = (
    "SELECT id FROM clients WHERE id = $1 OR id IN "
    "(SELECT client_id FROM credentials WHERE oauth2_client_id = $1) ORDER BY seq"
)
PICTURES: Final = f"""
SELECT o.seq, {names(rows.CLIENT, "o")},
EXISTS (SELECT 1 FROM sites WHERE status <> 'active' AND (name = o.site
  OR name IN (SELECT site FROM credentials WHERE client_id = o.id))),
EXISTS (SELECT 1 FROM software WHERE status <> 'active' AND (
  (id, version) = (o.software_id, o.software_version) OR (id, version) IN
  (SELECT software_id, software_version FROM credentials WHERE client_id = o.id)))
FROM clients AS o WHERE
"""  # noqa: S608 - column names of ours
_ONE: Final = f"{PICTURES} o.id = $1"
_PAGE: Final = (
    f"{PICTURES} o.seq > $1 AND ($2::text IS NULL OR o.site = $2) "
    "AND ($3::text IS NULL OR o.status = $3) ORDER BY o.seq LIMIT $4"
)
_CREDENTIALS: Final = (
    f"SELECT {names(rows.CREDENTIAL)} FROM credentials WHERE client_id = any($1::text[]) "  # noqa: S608 - ours
    "ORDER BY seq"
)
_KEYS: Final = (
    f"SELECT c.client_id, {names(CLIENT_KEY, 'k')} FROM client_keys AS k "  # noqa: S608 - ours
    "JOIN credentials AS c ON c.id = k.credential_id WHERE c.client_id = any($1::text[]) "
    "ORDER BY k.added, k.kid"
)
_CLIENT_ID: Final = rows.CREDENTIAL.index("client_id")
_SET_STATUS: Final = (
    "UPDATE clients SET status = $2, epoch = epoch + 1, updated = $3 "
    "WHERE id = $1 AND status = any($4::text[])"
)
_SET_LEGACY: Final = (
    "UPDATE clients SET legacy_until = $2, updated = $3 "
    "WHERE id = $1 AND legacy_until IS DISTINCT FROM $2"
)
_ADD_KEY: Final = f"{insert('client_keys', CLIENT_KEY)} ON CONFLICT DO NOTHING"
_STANDS: Final = "SELECT 1 FROM client_keys WHERE kid = $1 AND status <> 'revoked' FOR UPDATE"
_END_GRANT: Final = (
    "UPDATE tokens SET status = 'revoked' WHERE place = any($1::bigint[]) "
    "AND digest = any($2::text[]) AND status <> 'revoked'"
)
_THERE: Final = "SELECT 1 FROM tokens WHERE place = any($1::bigint[]) AND digest = any($2::text[])"


class PostgresAdministration(PostgresPart):
    """What a method does stands with its port, oauth.administration_ports."""

    async def clients_named(self, name: str) -> Sequence[RecordId]:
        """See ClientRegister."""
        return [row[0] for row in await self._lookups.fetch(_NAMED, name)]

    async def client_picture(self, id_: RecordId) -> ClientPicture | None:
        """See ClientRegister."""
        found = await self._pictures(await self._lookups.fetch(_ONE, id_))
        return found[0] if found else None

    async def client_pictures(
        self, *, after: int, most: int, site: str | None, status: Status | None
    ) -> Sequence[ClientPicture]:
        """See ClientRegister."""
        return await self._pictures(await self._lookups.fetch(_PAGE, after, site, status, most))

    async def _pictures(self, found: Sequence[Row]) -> list[ClientPicture]:
        """Return clients with all that belongs to them, from rows of PICTURES: two queries more."""
        ids = [rows.client(row[1:-2]).id for row in found]
        credentials: dict[str, list[Row]] = {id_: [] for id_ in ids}
        keys: dict[str, list[Row]] = {id_: [] for id_ in ids}
        for row in await self._lookups.fetch(_CREDENTIALS, ids) if ids else ():
            credentials[row[_CLIENT_ID]].append(row)
        for row in await self._lookups.fetch(_KEYS, ids) if ids else ():
            keys[row[0]].append(row[1:])
        return [
            ClientPicture(
                number=row[0],
                client=as_it_counts(rows.client(row[1:-2]), site=row[-2], software=row[-1]),
                credentials=[rows.credential(one) for one in credentials[id_]],
                keys=[client_key_rows.client_key(one) for one in keys[id_]],
            )
            for id_, row in zip(ids, found, strict=True)
        ]

    async def set_client_status(
        self, id_: RecordId, word: Word, *, only_from: frozenset[Status]
    ) -> bool:
        """See ClientRegister."""
        values = (id_, word.status, word.now, sorted(only_from))

        async def unit(transaction: Transaction) -> bool:
            changed = await transaction.execute(_SET_STATUS, *values) > 0
            if changed:
                transaction.append(word.event)
                await notices.add(transaction, word.notices)
            return changed

        return await self._writer.run(unit)

    async def set_legacy_until(
        self, id_: RecordId, until: Millis, *, now: Millis, event: Event
    ) -> bool:
        """See ClientRegister."""
        return await self._told(event, _SET_LEGACY, id_, until, now)

    async def add_client_key(self, key: ClientKey, *, event: Event) -> bool:
        """See ClientKeyRegister."""
        return await self._told(event, _ADD_KEY, *client_key_rows.client_key_row(key))

    async def end_client_key(self, kid: str, *, event: Event) -> bool:
        """See ClientKeyRegister."""

        async def unit(transaction: Transaction) -> bool:
            if await transaction.fetchrow(_STANDS, kid) is None:
                return False
            await revoke_client_key(transaction, kid)
            transaction.append(event)
            return True

        return await self._writer.run(unit)

    async def end_token(self, digests: Sequence[Digest], *, event: Event) -> bool | None:
        """See ClientKeyRegister."""
        named = ([token_place(digest) for digest in digests], list(digests))

        async def unit(transaction: Transaction) -> bool | None:
            if await transaction.execute(_END_GRANT, *named):
                transaction.append(event)
                return True
            return None if await transaction.fetchrow(_THERE, *named) is None else False

        return await self._writer.run(unit)
