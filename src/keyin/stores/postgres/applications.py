"""Applications: what is known of clients that are no installations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from keyin.stores import flow_rows, rows
from keyin.stores.flow_rows import APPLICATION
from keyin.stores.postgres.credentials import CREDENTIAL_END, STOPPED, client_beside
from keyin.stores.postgres.lookups import Lookup
from keyin.stores.postgres.part import PostgresPart
from keyin.stores.rows import names

if TYPE_CHECKING:
    from keyin.domain.applications import Application
    from keyin.domain.records import Client, Credential, RecordId

_FIND: Final = Lookup(
    f"SELECT credential_id, {names(APPLICATION)} FROM applications WHERE credential_id = any($1)"  # noqa: S608 - ours
)
_APPLICATION_END: Final = len(APPLICATION)
_CREDENTIAL_END: Final = _APPLICATION_END + CREDENTIAL_END
_REGISTERED: Final = Lookup(
    f"SELECT c.id, {names(APPLICATION, 'a')}, {names(rows.CREDENTIAL, 'c')}, "  # noqa: S608 - ours
    f"{names(rows.CLIENT, 'o')}, {STOPPED} FROM applications AS a "
    "JOIN credentials AS c ON c.id = a.credential_id JOIN clients AS o ON o.id = c.client_id "
    "WHERE c.id = any($1)"
)


class PostgresApplications(PostgresPart):
    """What a method does stands with its port in `oauth.flow_ports`."""

    async def find_application(self, credential_id: RecordId) -> Application | None:
        """See Applications."""
        row = await self._lookups.row(_FIND, (credential_id,))
        return None if row is None else flow_rows.application(row)

    async def find_registered(
        self, credential_id: RecordId
    ) -> tuple[Credential, Client, Application] | None:
        """See Applications."""
        row = await self._lookups.row(_REGISTERED, (credential_id,))
        if row is None:
            return None
        return (
            rows.credential(row[_APPLICATION_END:_CREDENTIAL_END]),
            client_beside(row[_CREDENTIAL_END:]),
            flow_rows.application(row[:_APPLICATION_END]),
        )
