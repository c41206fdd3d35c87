"""Initial access tokens. `add` and `end` are for units of work that do more than that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from keyin.oauth.enrolment_ports import Listed
from keyin.stores import enrolment_rows
from keyin.stores.enrolment_rows import ACCESS, STANDS
from keyin.stores.postgres.lookups import Lookup
from keyin.stores.postgres.notices import add as add_notices
from keyin.stores.postgres.part import PostgresPart
from keyin.stores.postgres.statements import insert
from keyin.stores.rows import names

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keyin.domain.enrolment import InitialAccess, Notice
    from keyin.domain.environment import Millis
    from keyin.domain.events import Event
    from keyin.domain.records import Digest, RecordId
    from keyin.oauth.enrolment_ports import Ending, Reach
    from keyin.stores.postgres.transaction import Transaction
    from keyin.stores.rows import Row

_ADD: Final = f"{insert('initial_access', ACCESS)} ON CONFLICT DO NOTHING"
_FIND: Final = Lookup(
    f"SELECT digest, {names(ACCESS)} FROM initial_access WHERE digest = any($1)"  # noqa: S608 - ours
)
_LOCK: Final = (
    f"SELECT {names(ACCESS)} FROM initial_access WHERE digest = any($1::text[]) FOR UPDATE"  # noqa: S608 - ours
)
LISTED: Final = f"""
SELECT a.seq, {names(ACCESS, "a")}, (SELECT count(*) FROM registrations AS r
  JOIN clients AS o ON o.id = r.client_id AND o.status IN {STANDS}
  WHERE r.initial_access_id = a.id OR r.channel_id = a.id)
FROM initial_access AS a
"""  # noqa: S608 - ours
_PAGE: Final = (
    f"{LISTED} WHERE a.seq > $1 AND ($2::text IS NULL OR a.owner = $2 OR a.site = any($3::text[])) "
    "ORDER BY a.seq LIMIT $4"
)
_END: Final = (
    "UPDATE initial_access SET status = 'revoked', revoked_reason = $2 "
    "WHERE id = $1 AND status <> 'revoked'"
)
_END_BORN: Final = f"""
UPDATE clients SET status = 'revoked', epoch = epoch + 1, updated = $3 WHERE id IN (
  SELECT r.client_id FROM registrations AS r
  JOIN clients AS o ON o.id = r.client_id AND o.status IN {STANDS}
  WHERE (r.initial_access_id = $1 OR r.channel_id = $1) AND ($2::boolean OR o.status = 'pending')
)
"""  # noqa: S608 - ours


class PostgresInitialAccess(PostgresPart):
    """What a method does stands with its port, oauth.enrolment_ports.InitialAccesses."""

    async def add_initial_access(
        self, record: InitialAccess, *, event: Event, notices: Sequence[Notice] = ()
    ) -> bool:
        """See InitialAccesses."""

        async def unit(transaction: Transaction) -> bool:
            added = await add(transaction, record, event)
            if added:
                await add_notices(transaction, notices)
            return added

        return await self._writer.run(unit)

    async def find_initial_access(self, digests: Sequence[Digest]) -> InitialAccess | None:
        """See InitialAccesses."""
        row = await self._lookups.row(_FIND, digests)
        return None if row is None else enrolment_rows.access(row)

    async def initial_access(self, id_: RecordId) -> Listed | None:
        """See InitialAccesses."""
        row = await self._lookups.fetchrow(f"{LISTED} WHERE a.id = $1", id_)
        return None if row is None else listed(row)

    async def initial_accesses(
        self, *, after: int, most: int, reach: Reach | None
    ) -> Sequence[Listed]:
        """See InitialAccesses."""
        account, sites = (None, []) if reach is None else (reach.account, sorted(reach.sites))
        found = await self._lookups.fetch(_PAGE, after, account, sites, most)
        return [listed(row) for row in found]

    async def end_initial_access(
        self, id_: RecordId, ending: Ending, *, descendants: bool
    ) -> int | None:
        """See InitialAccesses."""

        async def unit(transaction: Transaction) -> int | None:
            clients = await end(
                transaction, id_, ending.reason, ending.now, descendants=descendants
            )
            if clients is not None:
                transaction.append(ending.event)
            return clients

        return await self._writer.run(unit)


async def find(transaction: Transaction, digests: Sequence[Digest]) -> InitialAccess | None:
    """Return the token with one of these digests, as it is now; whoever else wants it waits."""
    row = await transaction.fetchrow(_LOCK, list(digests))
    return None if row is None else enrolment_rows.access(row)


async def add(transaction: Transaction, record: InitialAccess, event: Event) -> bool:
    """Write a token and its event; False where its digest is there."""
    added = await transaction.execute(_ADD, *enrolment_rows.access_row(record)) > 0
    if added:
        transaction.append(event)
    return added


async def use(transaction: Transaction, id_: RecordId, now: Millis) -> None:
    """Count one use."""
    query = "UPDATE initial_access SET uses = uses + 1, last_used = $2 WHERE id = $1"
    await transaction.execute(query, id_, now)


async def end(
    transaction: Transaction, id_: RecordId, reason: str, now: Millis, *, descendants: bool
) -> int | None:
    """Revoke a token, and the clients born from it; the caller writes the event.

    Those that have not proved themselves yet end in any case. Return how many clients ended;
    None where nothing was left to end.
    """
    ended = await transaction.execute(_END, id_, reason)
    clients = await transaction.execute(_END_BORN, id_, descendants, now)
    return clients if ended or clients else None


def listed(row: Row) -> Listed:
    """Return the token in a row of LISTED."""
    return Listed(number=row[0], record=enrolment_rows.access(row[1:-1]), clients=row[-1])
