"""Clients that register themselves: looked at, decided and written in one unit of work.

What a decision rests on is locked as it is looked at: of two workers with one token, the second
sees what the first has made of it (P47).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from keyin.domain.records import Status, StoppedBy
from keyin.oauth.enrolment_ports import Again, Born, Killed, Registered, Surroundings
from keyin.stores import client_key_rows, enrolment_rows, rows
from keyin.stores.client_key_rows import CLIENT_KEY
from keyin.stores.enrolment_rows import REGISTRATION, STANDS
from keyin.stores.postgres import initial_access, notices
from keyin.stores.postgres.credentials import (
    CREDENTIAL_END,
    STOPPED,
    client_beside,
    revoke_client_key,
)
from keyin.stores.postgres.initial_access import PostgresInitialAccess
from keyin.stores.postgres.statements import columns_of, insert, insert_many, replacing
from keyin.stores.postgres.told import spend
from keyin.stores.rows import names

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from keyin.domain.enrolment import Notice, Registration
    from keyin.domain.environment import Millis
    from keyin.domain.events import Event
    from keyin.domain.records import ClientKey, ProofUse, RecordId
    from keyin.oauth.enrolment_ports import Decision, Question
    from keyin.stores.postgres.lookups import Lookups
    from keyin.stores.postgres.transaction import Transaction

_PUT: Final = f"{insert('registrations', REGISTRATION)} {replacing(REGISTRATION)}"
_END: Final = len(REGISTRATION)
_OF: Final = (
    f"SELECT {names(REGISTRATION, 'r')}, {names(rows.CREDENTIAL, 'c')}, "  # noqa: S608 - ours
    f"{names(rows.CLIENT, 'o')}, {STOPPED} FROM registrations AS r "
    "JOIN credentials AS c ON c.id = r.credential_id JOIN clients AS o ON o.id = r.client_id "
    "WHERE "
)
_BY_CLIENT_ID: Final = f"{_OF} c.oauth2_client_id = $1"
_BY_CREDENTIAL: Final = f"{_OF} c.id = $1"
_LOCKED: Final = "FOR UPDATE OF r"
_KEYS: Final = (
    f"SELECT {names(CLIENT_KEY, 'k')} FROM client_keys AS k "  # noqa: S608 - ours
    "JOIN credentials AS c ON c.id = k.credential_id WHERE c.client_id = $1 ORDER BY k.added, k.kid"
)
_HOLDERS: Final = (
    "SELECT kid, credential_id FROM client_keys WHERE kid = any($1::text[]) FOR UPDATE"
)
_SAME_NAME: Final = (
    f"SELECT id FROM clients WHERE owner = $1 AND name = $2 AND status IN {STANDS} LIMIT 2"  # noqa: S608 - ours
)
_SAME_INSTALLATION: Final = (
    "SELECT o.id FROM registrations AS r JOIN clients AS o ON o.id = r.client_id "  # noqa: S608 - ours
    f"WHERE r.installation_id = $1 AND o.status IN {STANDS} AND (o.owner = $2 OR o.site = $3)"
)
_STOPPED_SITE: Final = "SELECT 1 FROM sites WHERE status <> 'active' AND name = $1"
_STOPPED_SOFTWARE: Final = (
    "SELECT 1 FROM software WHERE status <> 'active' AND id = $1 AND version = $2"
)
_STANDING: Final = "SELECT 1 FROM accounts WHERE id = $1 AND status = 'active'"
_RETURNS: Final = "SELECT 1 FROM site_policies WHERE site = $1 AND returns = 'automatic'"
_PUT_KEYS: Final = (
    f"{insert_many('client_keys', CLIENT_KEY)} ON CONFLICT (kid) DO UPDATE SET "
    "credential_id = excluded.credential_id, status = excluded.status, added = excluded.added, "
    "last_used = excluded.last_used WHERE client_keys.credential_id <> excluded.credential_id"
)
"""Another credential's key becomes this one's; who asks has looked whether it may."""
_ADD_CLIENT: Final = f"{insert('clients', rows.CLIENT)} ON CONFLICT DO NOTHING"
_ADD_CREDENTIAL: Final = f"{insert('credentials', rows.CREDENTIAL)} ON CONFLICT DO NOTHING"
_REVOKE: Final = (
    "UPDATE clients SET status = 'revoked', epoch = epoch + 1, updated = $2 "
    "WHERE id = any($1::text[])"
)
_SITE_OWNERS: Final = (
    "SELECT account_id FROM memberships WHERE site = $1 AND role = 'owner' "
    "ORDER BY account_id LIMIT 10"
)
_ACTIVATE: Final = (
    "UPDATE registrations SET activate_by = NULL, version = version + 1 WHERE credential_id = $1 "
    "AND activate_by >= $2 AND EXISTS (SELECT 1 FROM clients "
    "WHERE id = registrations.client_id AND status = 'pending')"
)
_COUNTS_NOW: Final = (
    "UPDATE clients SET status = 'active', updated = $2 WHERE status = 'pending' AND id = "
    "(SELECT client_id FROM registrations WHERE credential_id = $1)"
)
_CHANGE_CLIENT: Final = (
    "UPDATE clients SET name = $2, software_version = $3, updated = $4, "
    "status = coalesce($5, status), "
    "epoch = epoch + (status <> coalesce($5, status))::int WHERE id = $1"
)
_SET_RETURNS: Final = (
    "INSERT INTO site_policies AS p (site, returns) VALUES ($1, $2) "
    "ON CONFLICT (site) DO UPDATE SET returns = $2 WHERE p.returns <> $2"
)


class PostgresRegistrations(PostgresInitialAccess):
    """What a method does stands with its port in `oauth.enrolment_ports`."""

    async def register(
        self,
        question: Question,
        decide: Callable[[Surroundings], Decision],
        *,
        uses: Sequence[ProofUse] = (),
    ) -> ProofUse | None:
        """See Registering."""

        async def unit(transaction: Transaction) -> ProofUse | None:
            before = await spend(transaction, uses)
            if before is None:
                await _write(transaction, decide(await _look(transaction, question)))
            return before

        return await self._writer.run(unit)

    async def registered(self, oauth2_client_id: str) -> Registered | None:
        """See Registering."""
        return await _registered(self._lookups, _BY_CLIENT_ID, oauth2_client_id)

    async def activate(self, credential_id: RecordId, *, now: Millis, event: Event) -> bool:
        """See Registering."""

        async def unit(transaction: Transaction) -> bool:
            if not await transaction.execute(_ACTIVATE, credential_id, now):
                return False
            await transaction.execute(_COUNTS_NOW, credential_id, now)
            transaction.append(event)
            return True

        return await self._writer.run(unit)

    async def returns_by_itself(self, site: str) -> bool:
        """See SitePolicies."""
        return await self._lookups.fetchrow(_RETURNS, site) is not None

    async def set_returns(self, site: str, *, by_itself: bool, event: Event) -> bool:
        """See SitePolicies."""

        async def unit(transaction: Transaction) -> bool:
            if (await transaction.fetchrow(_RETURNS, site) is not None) == by_itself:
                return False
            await transaction.execute(_SET_RETURNS, site, "automatic" if by_itself else "asked")
            transaction.append(event)
            return True

        return await self._writer.run(unit)


async def _look(transaction: Transaction, question: Question) -> Surroundings:
    access, channel, named = question.access, question.channel, question.client_id
    kids = await transaction.fetch(_HOLDERS, sorted(question.kids)) if question.kids else []
    installation = (question.installation_id, question.owner, question.site)
    return Surroundings(
        access=await initial_access.find(transaction, access) if access else None,
        channel=await initial_access.find(transaction, channel) if channel else None,
        named=await _registered(transaction, f"{_BY_CLIENT_ID} {_LOCKED}", named)
        if named
        else None,
        holders={
            kid: await _registered(transaction, f"{_BY_CREDENTIAL} {_LOCKED}", credential_id)
            for kid, credential_id in kids
        },
        same_name=await _ids(transaction, _SAME_NAME, question.owner, question.name),
        same_installation=await _ids(transaction, _SAME_INSTALLATION, *installation)
        if question.installation_id
        else (),
        stopped=await _stopped(transaction, question),
        owner_stands=question.owner is None or await _is(transaction, _STANDING, question.owner),
        returns_by_itself=question.site is not None
        and await _is(transaction, _RETURNS, question.site),
        site_owners=await _ids(transaction, _SITE_OWNERS, question.site),
    )


async def _registered(
    asked: Lookups | Transaction, query: str, name: str | RecordId
) -> Registered | None:
    row = await asked.fetchrow(query, name)
    if row is None:
        return None
    registration = enrolment_rows.registration(row[:_END])
    client = _END + CREDENTIAL_END
    return Registered(
        registration=registration,
        client=client_beside(row[client:]),
        credential=rows.credential(row[_END:client]),
        keys=await _keys(asked, registration.client_id),
    )


async def _keys(asked: Lookups | Transaction, id_: RecordId) -> list[ClientKey]:
    return [client_key_rows.client_key(row) for row in await asked.fetch(_KEYS, id_)]


async def _ids(transaction: Transaction, query: str, *values: object) -> list[RecordId]:
    return [row[0] for row in await transaction.fetch(query, *values)]


async def _is(transaction: Transaction, query: str, *values: object) -> bool:
    return await transaction.fetchrow(query, *values) is not None


async def _stopped(transaction: Transaction, question: Question) -> StoppedBy | None:
    if await _is(transaction, _STOPPED_SITE, question.site):
        return StoppedBy.SITE
    if await _is(transaction, _STOPPED_SOFTWARE, *question.software):
        return StoppedBy.SOFTWARE
    return None


async def _write(transaction: Transaction, decision: Decision) -> None:
    if isinstance(decision, Born):
        await _bear(transaction, decision)
    elif isinstance(decision, Again):
        await _change(transaction, decision)
    elif isinstance(decision, Killed):
        ending = decision.ending
        await initial_access.end(
            transaction, decision.access_id, ending.reason, ending.now, descendants=True
        )
        await _tell(transaction, ending.event, decision.notices)


async def _bear(transaction: Transaction, born: Born) -> None:
    now = born.registration.created
    if born.access_id is not None:
        await initial_access.use(transaction, born.access_id, now)
    if born.ends:
        await transaction.execute(_REVOKE, list(born.ends), now)
    await transaction.execute(_ADD_CLIENT, *rows.client_row(born.client))
    await transaction.execute(_ADD_CREDENTIAL, *rows.credential_row(born.credential))
    await _put(transaction, [born.key], born.registration)
    await _tell(transaction, born.event, born.notices)


async def _change(transaction: Transaction, again: Again) -> None:
    id_, credential_id = again.registration.client_id, again.registration.credential_id
    values = (again.name, again.software_version, again.now, again.status)
    await transaction.execute(_CHANGE_CLIENT, id_, *values)
    await transaction.execute(
        "UPDATE credentials SET software_version = $2 WHERE id = $1",
        credential_id,
        again.software_version,
    )
    if again.place is not None:
        kind, site = again.place.computer_type, again.place.site
        query = "UPDATE clients SET computer_type = $2, site = $3 WHERE id = $1"
        await transaction.execute(query, id_, kind, site)
        await transaction.execute(
            "UPDATE credentials SET site = $2 WHERE id = $1", credential_id, site
        )
    wanted = {key.kid for key in again.keys}
    for key in await _keys(transaction, id_):
        ours = key.credential_id == credential_id and key.kid not in wanted
        if ours and key.status is Status.ACTIVE:
            await revoke_client_key(transaction, key.kid)
    await _put(transaction, again.keys, again.registration)
    await _tell(transaction, again.event, again.notices)


async def _put(
    transaction: Transaction, keys: Sequence[ClientKey], registration: Registration
) -> None:
    kept = columns_of([client_key_rows.client_key_row(one) for one in keys], len(CLIENT_KEY))
    await transaction.execute(_PUT_KEYS, *kept)
    await transaction.execute(_PUT, *enrolment_rows.registration_row(registration))


async def _tell(transaction: Transaction, event: Event, told: Sequence[Notice]) -> None:
    await notices.add(transaction, told)
    transaction.append(event)
