"""The computers within an account's reach, in SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from keyin.domain.records import ClientKind, Status
from keyin.oauth.managed_ports import SHOWN_KINDS
from keyin.stores import enrolment_rows
from keyin.stores.enrolment_rows import ACCESS, REGISTRATION
from keyin.stores.history_rows import beginnings, history
from keyin.stores.like_pattern import containing
from keyin.stores.rows import names
from keyin.stores.sqlite import initial_access
from keyin.stores.sqlite.administration import PICTURES, picture
from keyin.stores.sqlite.connection import our_errors
from keyin.stores.sqlite.second_factors import SqliteSecondFactors

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from keyin.domain.records import RecordId
    from keyin.oauth.administration_ports import ClientPicture
    from keyin.oauth.enrolment_ports import Listed
    from keyin.oauth.managed_ports import Beginning, History, Wanted

_WITHIN: Final = """
o.kind = :kind AND (o.owner = :account
  OR o.site IN (SELECT site FROM memberships WHERE account_id = :account))
"""
_LIKE: Final = ":text = '%%' OR " + " OR ".join(
    f"o.{column} LIKE :text ESCAPE '\\'"
    for column in ("name", "site", "computer_type", "software_version")
)
_PAGE: Final = f"""
{PICTURES} {_WITHIN} AND (:before IS NULL OR o.seq < :before)
AND (:status IS NULL OR o.status = :status) AND (:site IS NULL OR o.site = :site)
AND (:born IS NULL OR o.id IN
  (SELECT client_id FROM registrations WHERE initial_access_id = :born))
AND ({_LIKE}) ORDER BY o.seq DESC LIMIT :most
"""  # noqa: S608 - words of ours
_ONE: Final = f"{PICTURES} {_WITHIN} AND o.id = :id"
_ACCESS: Final = f"""
{initial_access.LISTED} WHERE a.kind IN ({", ".join(f"'{kind}'" for kind in sorted(SHOWN_KINDS))})
AND (a.owner = :account OR a.site IN (SELECT site FROM memberships WHERE account_id = :account))
AND (:before IS NULL OR a.seq < :before) ORDER BY a.seq DESC LIMIT :most
"""  # noqa: S608 - words of ours
_HISTORY: Final = """
SELECT event FROM audit WHERE substr(event, 1, 14) <> '{"act":"token.'
AND instr(event, '"client":"') > 0
AND substr(event, instr(event, '"client":"') + 10,
           instr(substr(event, instr(event, '"client":"') + 10), '"') - 1) = :id
ORDER BY at DESC, chain DESC, seq DESC LIMIT :most
"""
_NETWORKS: Final = """
SELECT network, first, coalesce(last, first) FROM client_networks WHERE client_id = :id
ORDER BY 3 DESC, 1
"""
_REGISTERED: Final = (
    f"SELECT {names(REGISTRATION)} FROM registrations "  # noqa: S608 - words of ours
    "WHERE client_id IN (SELECT value FROM json_each(?))"
)
_CAME_WITH: Final = (
    f"SELECT {names(ACCESS)} FROM initial_access "  # noqa: S608 - words of ours
    "WHERE id IN (SELECT value FROM json_each(?))"
)
_COUNTS: Final = (
    f"SELECT o.site, o.status, count(*) FROM clients AS o WHERE {_WITHIN} GROUP BY 1, 2"  # noqa: S608 - words of ours
)


class SqliteManaged(SqliteSecondFactors):
    """What a method does stands with its port, oauth.managed_ports."""

    async def managed(
        self, account_id: RecordId, wanted: Wanted, *, before: int | None, most: int
    ) -> Sequence[ClientPicture]:
        """See ManagedClients."""
        values = {
            **_of(account_id),
            "before": before,
            "status": wanted.status,
            "site": wanted.site,
            "born": wanted.born_from,
            "text": containing(wanted.text),
            "most": most,
        }
        with our_errors():
            found = self._reading.execute(_PAGE, values).fetchall()
            return [picture(self._reading, row) for row in found]

    async def managed_one(self, account_id: RecordId, id_: RecordId) -> ClientPicture | None:
        """See ManagedClients."""
        with our_errors():
            found = self._reading.execute(_ONE, {**_of(account_id), "id": id_}).fetchall()
            return next((picture(self._reading, row) for row in found), None)

    async def beginnings(self, client_ids: Sequence[RecordId]) -> Mapping[RecordId, Beginning]:
        """See Beginnings."""
        with our_errors():
            found = self._reading.execute(_REGISTERED, (_list(client_ids),)).fetchall()
            registered = [enrolment_rows.registration(row) for row in found]
            ids = [one.initial_access_id for one in registered if one.initial_access_id]
            came_with = self._reading.execute(_CAME_WITH, (_list(ids),)).fetchall()
        return beginnings(registered, [enrolment_rows.access(row) for row in came_with])

    async def managed_history(
        self, account_id: RecordId, id_: RecordId, *, most: int
    ) -> History | None:
        """See ManagedClients."""
        if await self.managed_one(account_id, id_) is None:
            return None
        values = {"id": id_, "most": most}
        with our_errors():
            acts = self._reading.execute(_HISTORY, values).fetchall()
            seen = self._reading.execute(_NETWORKS, {"id": id_}).fetchall()
        return history(acts, seen)

    async def managed_counts(self, account_id: RecordId) -> Mapping[tuple[str | None, Status], int]:
        """See ManagedClients."""
        with our_errors():
            found = self._reading.execute(_COUNTS, _of(account_id)).fetchall()
        return {(site, Status(status)): count for site, status, count in found}

    async def managed_access(
        self, account_id: RecordId, *, before: int | None, most: int
    ) -> Sequence[Listed]:
        """See ManagedClients."""
        values = {"account": account_id, "before": before, "most": most}
        with our_errors():
            found = self._reading.execute(_ACCESS, values).fetchall()
        return [initial_access.listed(row) for row in found]


def _list(ids: Sequence[RecordId]) -> str:
    return msgspec.json.encode(ids).decode()


def _of(account_id: RecordId) -> dict[str, object]:
    return {"account": account_id, "kind": ClientKind.INSTALLATION}
