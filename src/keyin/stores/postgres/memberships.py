"""Who looks after which site, and the computers that are within an account's reach by it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from keyin.domain.records import ClientKind, Status
from keyin.oauth.managed_ports import SHOWN_KINDS
from keyin.stores import enrolment_rows, membership_rows
from keyin.stores.enrolment_rows import ACCESS, REGISTRATION
from keyin.stores.history_rows import beginnings, history
from keyin.stores.like_pattern import containing
from keyin.stores.membership_rows import MEMBERSHIP
from keyin.stores.postgres.administration import PICTURES, PostgresAdministration
from keyin.stores.postgres.initial_access import LISTED, listed
from keyin.stores.rows import names

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from keyin.domain.events import Event
    from keyin.domain.membership import Membership
    from keyin.domain.records import RecordId
    from keyin.oauth.administration_ports import ClientPicture
    from keyin.oauth.enrolment_ports import Listed
    from keyin.oauth.managed_ports import Beginning, History, Wanted

_COLUMNS: Final = names(MEMBERSHIP)
_OF: Final = f"SELECT {_COLUMNS} FROM memberships WHERE account_id = $1 ORDER BY site"  # noqa: S608 - ours
_AT: Final = f"""
SELECT {names(MEMBERSHIP, "m")}, a.name FROM memberships AS m
LEFT JOIN accounts AS a ON a.id = m.account_id WHERE m.site = $1 ORDER BY m.account_id
"""  # noqa: S608 - ours
_PUT: Final = (
    f"INSERT INTO memberships AS m ({_COLUMNS}) VALUES ($1, $2, $3, $4) "  # noqa: S608 - ours
    "ON CONFLICT (account_id, site) DO UPDATE SET role = excluded.role "
    "WHERE m.role <> excluded.role"
)
_END: Final = "DELETE FROM memberships WHERE account_id = $1 AND site = $2"
_WITHIN: Final = """
o.kind = $1 AND (o.owner = $2 OR o.site IN (SELECT site FROM memberships WHERE account_id = $2))
"""
_LIKE: Final = " OR ".join(
    f"o.{column} ILIKE $6 ESCAPE '\\'"
    for column in ("name", "site", "computer_type", "software_version")
)
_PAGE: Final = f"""
{PICTURES} {_WITHIN} AND ($3::bigint IS NULL OR o.seq < $3)
AND ($4::text IS NULL OR o.status = $4) AND ($5::text IS NULL OR o.site = $5)
AND ($7::text IS NULL OR o.id IN
  (SELECT client_id FROM registrations WHERE initial_access_id = $7))
AND ($6 = '%%' OR {_LIKE}) ORDER BY o.seq DESC LIMIT $8
"""  # noqa: S608 - ours
_ACCESS: Final = f"""
{LISTED} WHERE a.kind = any($2::text[])
AND (a.owner = $1 OR a.site IN (SELECT site FROM memberships WHERE account_id = $1))
AND ($3::bigint IS NULL OR a.seq < $3) ORDER BY a.seq DESC LIMIT $4
"""  # noqa: S608 - ours
_ONE: Final = f"{PICTURES} {_WITHIN} AND o.id = $3"
_HISTORY: Final = """
SELECT event FROM audit WHERE substr(event, 1, 14) <> '{"act":"token.'
AND substring(event from '"client":"([^"]+)"') = $1
ORDER BY at DESC, chain DESC, seq DESC LIMIT $2
"""
_NETWORKS: Final = """
SELECT network, first, coalesce(last, first) FROM client_networks WHERE client_id = $1
ORDER BY 3 DESC, 1
"""
_REGISTERED: Final = (
    f"SELECT {names(REGISTRATION)} FROM registrations WHERE client_id = any($1::text[])"  # noqa: S608 - ours
)
_CAME_WITH: Final = f"SELECT {names(ACCESS)} FROM initial_access WHERE id = any($1::text[])"  # noqa: S608 - ours
_COUNTS: Final = (
    f"SELECT o.site, o.status, count(*) FROM clients AS o WHERE {_WITHIN} GROUP BY 1, 2"  # noqa: S608 - ours
)


class PostgresMemberships(PostgresAdministration):
    """What a method does stands with its port, oauth.membership_ports and oauth.managed_ports."""

    async def put_membership(self, membership: Membership, *, event: Event) -> bool:
        """See Memberships."""
        return await self._told(event, _PUT, *membership_rows.membership_row(membership))

    async def end_membership(self, account_id: RecordId, site: str, *, event: Event) -> bool:
        """See Memberships."""
        return await self._told(event, _END, account_id, site)

    async def memberships_of(self, account_id: RecordId) -> Sequence[Membership]:
        """See Memberships."""
        found = await self._lookups.fetch(_OF, account_id)
        return [membership_rows.membership(row) for row in found]

    async def members(self, site: str) -> Sequence[tuple[Membership, str | None]]:
        """See Memberships."""
        found = await self._lookups.fetch(_AT, site)
        return [(membership_rows.membership(row[:-1]), row[-1]) for row in found]

    async def managed(
        self, account_id: RecordId, wanted: Wanted, *, before: int | None, most: int
    ) -> Sequence[ClientPicture]:
        """See ManagedClients."""
        text = containing(wanted.text)
        values = (before, wanted.status, wanted.site, text, wanted.born_from, most)
        return await self._pictures(await self._lookups.fetch(_PAGE, *_of(account_id), *values))

    async def managed_one(self, account_id: RecordId, id_: RecordId) -> ClientPicture | None:
        """See ManagedClients."""
        found = await self._pictures(await self._lookups.fetch(_ONE, *_of(account_id), id_))
        return found[0] if found else None

    async def beginnings(self, client_ids: Sequence[RecordId]) -> Mapping[RecordId, Beginning]:
        """See Beginnings."""
        found = await self._lookups.fetch(_REGISTERED, list(client_ids))
        registered = [enrolment_rows.registration(row) for row in found]
        ids = [one.initial_access_id for one in registered if one.initial_access_id]
        came_with = await self._lookups.fetch(_CAME_WITH, ids) if ids else ()
        return beginnings(registered, [enrolment_rows.access(row) for row in came_with])

    async def managed_history(
        self, account_id: RecordId, id_: RecordId, *, most: int
    ) -> History | None:
        """See ManagedClients."""
        if await self.managed_one(account_id, id_) is None:
            return None
        fetch = self._lookups.fetch
        return history(*await asyncio.gather(fetch(_HISTORY, id_, most), fetch(_NETWORKS, id_)))

    async def managed_counts(self, account_id: RecordId) -> Mapping[tuple[str | None, Status], int]:
        """See ManagedClients."""
        found = await self._lookups.fetch(_COUNTS, *_of(account_id))
        return {(site, Status(status)): count for site, status, count in found}

    async def managed_access(
        self, account_id: RecordId, *, before: int | None, most: int
    ) -> Sequence[Listed]:
        """See ManagedClients."""
        kinds = sorted(SHOWN_KINDS)
        return [
            listed(row)
            for row in await self._lookups.fetch(_ACCESS, account_id, kinds, before, most)
        ]


def _of(account_id: RecordId) -> tuple[ClientKind, RecordId]:
    return ClientKind.INSTALLATION, account_id
