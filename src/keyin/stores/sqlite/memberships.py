"""Who looks after which site, in SQL; what that makes theirs stands beside."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from keyin.stores import membership_rows
from keyin.stores.membership_rows import MEMBERSHIP
from keyin.stores.rows import names
from keyin.stores.sqlite import audit
from keyin.stores.sqlite.connection import our_errors
from keyin.stores.sqlite.managed import SqliteManaged
from keyin.stores.sqlite.statements import adding

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from keyin.domain.events import Event
    from keyin.domain.membership import Membership
    from keyin.domain.records import RecordId

_COLUMNS: Final = names(MEMBERSHIP)
_OF: Final = f"SELECT {_COLUMNS} FROM memberships WHERE account_id = ? ORDER BY site"  # noqa: S608 - names of columns
_AT: Final = f"""
SELECT {names(MEMBERSHIP, "m")}, a.name FROM memberships AS m
LEFT JOIN accounts AS a ON a.id = m.account_id WHERE m.site = ? ORDER BY m.account_id
"""  # noqa: S608 - names of columns
_PUT: Final = (
    f"{adding('memberships', MEMBERSHIP)} "
    "ON CONFLICT DO UPDATE SET role = excluded.role WHERE role <> excluded.role"
)
_END: Final = "DELETE FROM memberships WHERE account_id = ? AND site = ?"


class SqliteMemberships(SqliteManaged):
    """What a method does stands with its port, oauth.membership_ports."""

    async def put_membership(self, membership: Membership, *, event: Event) -> bool:
        """See Memberships."""
        row = membership_rows.membership_row(membership)
        return await self._writer.run(partial(_told, query=_PUT, row=row, event=event))

    async def end_membership(self, account_id: RecordId, site: str, *, event: Event) -> bool:
        """See Memberships."""
        row = (account_id, site)
        return await self._writer.run(partial(_told, query=_END, row=row, event=event))

    async def memberships_of(self, account_id: RecordId) -> Sequence[Membership]:
        """See Memberships."""
        with our_errors():
            found = self._lookups.execute(_OF, (account_id,)).fetchall()
        return [membership_rows.membership(row) for row in found]

    async def members(self, site: str) -> Sequence[tuple[Membership, str | None]]:
        """See Memberships."""
        with our_errors():
            found = self._lookups.execute(_AT, (site,)).fetchall()
        return [(membership_rows.membership(row[:-1]), row[-1]) for row in found]


def _told(
    connection: sqlite3.Connection, query: str, row: tuple[object, ...], event: Event
) -> bool:
    changed = connection.execute(query, row).rowcount > 0
    if changed:
        audit.append(connection, event)
    return changed
