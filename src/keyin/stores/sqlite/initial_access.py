"""Initial access tokens in SQL. `add` and `end` are for units of work that do more than that."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from keyin.oauth.enrolment_ports import Listed
from keyin.stores import enrolment_rows
from keyin.stores.enrolment_rows import ACCESS, STANDS
from keyin.stores.rows import names
from keyin.stores.sqlite import audit, notices
from keyin.stores.sqlite.connection import our_errors
from keyin.stores.sqlite.part import SqlitePart
from keyin.stores.sqlite.statements import insert

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from keyin.domain.enrolment import InitialAccess, Notice
    from keyin.domain.environment import Millis
    from keyin.domain.events import Event
    from keyin.domain.records import Digest, RecordId
    from keyin.oauth.enrolment_ports import Ending, Reach

_ADD: Final = insert("initial_access", ACCESS)
LISTED: Final = f"""
SELECT a.seq, {names(ACCESS, "a")}, (SELECT count(*) FROM registrations AS r
  JOIN clients AS o ON o.id = r.client_id AND o.status IN {STANDS}
  WHERE r.initial_access_id = a.id OR r.channel_id = a.id)
FROM initial_access AS a
"""  # noqa: S608 - names of ours
_BORN: Final = (
    "SELECT r.client_id FROM registrations AS r "  # noqa: S608 - ours
    f"JOIN clients AS o ON o.id = r.client_id AND o.status IN {STANDS} "
    "WHERE (r.initial_access_id = ?1 OR r.channel_id = ?1) AND (?2 OR o.status = 'pending')"
)
_USE: Final = "UPDATE initial_access SET uses = uses + 1, last_used = ? WHERE id = ?"


class SqliteInitialAccess(SqlitePart):
    """What a method does stands with its port, oauth.enrolment_ports.InitialAccesses."""

    async def add_initial_access(
        self, record: InitialAccess, *, event: Event, notices: Sequence[Notice] = ()
    ) -> bool:
        """See InitialAccesses."""
        unit = partial(add, record=record, event=event, told=notices)
        return await self._writer.run(unit)

    async def find_initial_access(self, digests: Sequence[Digest]) -> InitialAccess | None:
        """See InitialAccesses."""
        with our_errors():
            return find(self._lookups, digests)

    async def initial_access(self, id_: RecordId) -> Listed | None:
        """See InitialAccesses."""
        with our_errors():
            row = self._reading.execute(f"{LISTED} WHERE a.id = ?", (id_,)).fetchone()
        return None if row is None else listed(row)

    async def initial_accesses(
        self, *, after: int, most: int, reach: Reach | None
    ) -> Sequence[Listed]:
        """See InitialAccesses."""
        within, values = _within(reach)
        query = f"{LISTED} WHERE a.seq > ? AND {within} ORDER BY a.seq LIMIT ?"
        with our_errors():
            found = self._reading.execute(query, (after, *values, most)).fetchall()
        return [listed(row) for row in found]

    async def end_initial_access(
        self, id_: RecordId, ending: Ending, *, descendants: bool
    ) -> int | None:
        """See InitialAccesses."""
        unit = partial(_end_told, id_=id_, ending=ending, descendants=descendants)
        return await self._changing_clients(unit)


def find(connection: sqlite3.Connection, digests: Sequence[Digest]) -> InitialAccess | None:
    """Return the token with one of these digests."""
    places = ", ".join("?" * len(digests))
    query = f"SELECT {names(ACCESS)} FROM initial_access WHERE digest IN ({places})"  # noqa: S608 - ours
    row = connection.execute(query, digests).fetchone()
    return None if row is None else enrolment_rows.access(row)


def add(
    connection: sqlite3.Connection,
    record: InitialAccess,
    event: Event,
    told: Sequence[Notice] = (),
) -> bool:
    """Write a token, its event and who is told; False where its digest is there."""
    added = connection.execute(_ADD, enrolment_rows.access_row(record)).rowcount > 0
    if added:
        audit.append(connection, event)
        notices.add(connection, told)
    return added


def use(connection: sqlite3.Connection, id_: RecordId, now: Millis) -> None:
    """Count one use."""
    connection.execute(_USE, (now, id_))


def end(
    connection: sqlite3.Connection, id_: RecordId, reason: str, now: Millis, *, descendants: bool
) -> int | None:
    """Revoke a token, and the clients born from it; the caller writes the event.

    Those that have not proved themselves yet end in any case. Return how many clients ended;
    None where nothing was left to end.
    """
    ended = connection.execute(
        "UPDATE initial_access SET status = 'revoked', revoked_reason = ? "
        "WHERE id = ? AND status <> 'revoked'",
        (reason, id_),
    ).rowcount
    clients = connection.execute(_BORN, (id_, descendants)).fetchall()
    connection.executemany(
        "UPDATE clients SET status = 'revoked', epoch = epoch + 1, updated = ? WHERE id = ?",
        [(now, client_id) for (client_id,) in clients],
    )
    return len(clients) if ended or clients else None


def _end_told(
    connection: sqlite3.Connection, id_: RecordId, ending: Ending, *, descendants: bool
) -> int | None:
    clients = end(connection, id_, ending.reason, ending.now, descendants=descendants)
    if clients is not None:
        audit.append(connection, ending.event)
    return clients


def _within(reach: Reach | None) -> tuple[str, tuple[Any, ...]]:
    """Return the condition of a reach, and its values."""
    if reach is None:
        return "1", ()
    sites = sorted(reach.sites)
    return f"(a.owner = ? OR a.site IN ({', '.join('?' * len(sites))}))", (reach.account, *sites)


def listed(row: tuple[Any, ...]) -> Listed:
    """Return a token in a list, from a row of LISTED."""
    return Listed(number=row[0], record=enrolment_rows.access(row[1:-1]), clients=row[-1])
