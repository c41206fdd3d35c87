"""The administrator's ops in SQL: clients, their keys and tokens, looked at and taken back."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from keyin.domain.records import RecordId, Status, as_it_counts
from keyin.oauth.administration_ports import ClientPicture
from keyin.stores import rows
from keyin.stores.rows import names
from keyin.stores.sqlite import audit, client_keys, notices, reader, writes
from keyin.stores.sqlite.connection import our_errors
from keyin.stores.sqlite.part import SqlitePart

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from keyin.domain.environment import Millis
    from keyin.domain.events import Event
    from keyin.domain.records import ClientKey, Digest
    from keyin.oauth.administration_ports import Word

_NAMED: Final = (
    "SELECT id FROM clients WHERE id = ?1 OR id IN "
    "(SELECT client_id FROM credentials WHERE oauth2_client_id = ?1) ORDER BY seq"
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
_ONE: Final = f"{PICTURES} o.id = ?"
_PAGE: Final = (
    f"{PICTURES} o.seq > ?1 AND (?2 IS NULL OR o.site = ?2) "
    "AND (?3 IS NULL OR o.status = ?3) ORDER BY o.seq LIMIT ?4"
)


class SqliteAdministration(SqlitePart):
    """What a method does stands with its port."""

    async def clients_named(self, name: str) -> Sequence[RecordId]:
        """See oauth.administration_ports.ClientRegister."""
        with our_errors():
            found = self._reading.execute(_NAMED, (name,)).fetchall()
        return [RecordId(row[0]) for row in found]

    async def client_picture(self, id_: RecordId) -> ClientPicture | None:
        """See oauth.administration_ports.ClientRegister."""
        with our_errors():
            found = self._reading.execute(_ONE, (id_,)).fetchall()
            return next((picture(self._reading, row) for row in found), None)

    async def client_pictures(
        self, *, after: int, most: int, site: str | None, status: Status | None
    ) -> Sequence[ClientPicture]:
        """See oauth.administration_ports.ClientRegister."""
        with our_errors():
            found = self._reading.execute(_PAGE, (after, site, status, most)).fetchall()
            return [picture(self._reading, row) for row in found]

    async def set_client_status(
        self, id_: RecordId, word: Word, *, only_from: frozenset[Status]
    ) -> bool:
        """See oauth.administration_ports.ClientRegister."""
        unit = partial(_set_client_status, id_=id_, word=word, only_from=sorted(only_from))
        return await self._changing_clients(unit)

    async def set_legacy_until(
        self, id_: RecordId, until: Millis, *, now: Millis, event: Event
    ) -> bool:
        """See oauth.administration_ports.ClientRegister."""
        unit = partial(_set_legacy_until, id_=id_, until=until, now=now, event=event)
        return await self._changing_clients(unit)

    async def add_client_key(self, key: ClientKey, *, event: Event) -> bool:
        """See oauth.administration_ports.ClientKeyRegister."""
        return await self._changing_clients(partial(_add_client_key, key=key, event=event))

    async def end_client_key(self, kid: str, *, event: Event) -> bool:
        """See oauth.administration_ports.ClientKeyRegister."""
        return await self._changing_clients(partial(_end_client_key, kid=kid, event=event))

    async def end_token(self, digests: Sequence[Digest], *, event: Event) -> bool | None:
        """See oauth.administration_ports.ClientKeyRegister."""
        return await self._writer.run(partial(_end_token, digests=digests, event=event))


def picture(connection: sqlite3.Connection, row: rows.Row) -> ClientPicture:
    """Return a client with all that belongs to it, from a row of PICTURES."""
    client = rows.client(row[1:-2])
    credentials = connection.execute(
        f"SELECT {names(rows.CREDENTIAL)} FROM credentials WHERE client_id = ? ORDER BY seq",  # noqa: S608 - ours
        (client.id,),
    ).fetchall()
    return ClientPicture(
        number=row[0],
        client=as_it_counts(client, site=bool(row[-2]), software=bool(row[-1])),
        credentials=[rows.credential(one) for one in credentials],
        keys=client_keys.of_client(connection, client.id),
    )


def _set_client_status(
    connection: sqlite3.Connection, id_: RecordId, word: Word, only_from: Sequence[Status]
) -> bool:
    places = ", ".join("?" * len(only_from))
    changed = connection.execute(
        "UPDATE clients SET status = ?, epoch = epoch + 1, updated = ? "  # noqa: S608 - question marks
        f"WHERE id = ? AND status IN ({places})",
        (word.status, word.now, id_, *only_from),
    ).rowcount
    if changed:
        audit.append(connection, word.event)
        notices.add(connection, word.notices)
    return changed > 0


def _set_legacy_until(
    connection: sqlite3.Connection, id_: RecordId, until: Millis, now: Millis, event: Event
) -> bool:
    changed = connection.execute(
        "UPDATE clients SET legacy_until = ?1, updated = ?2 "
        "WHERE id = ?3 AND legacy_until IS NOT ?1",
        (until, now, id_),
    ).rowcount
    if changed:
        audit.append(connection, event)
    return changed > 0


def _add_client_key(connection: sqlite3.Connection, key: ClientKey, event: Event) -> bool:
    added = client_keys.add(connection, [key]) > 0
    if added:
        audit.append(connection, event)
    return added


def _end_client_key(connection: sqlite3.Connection, kid: str, event: Event) -> bool:
    key = client_keys.find(connection, kid)
    if key is None or key.status is Status.REVOKED:
        return False
    client_keys.revoke(connection, kid)
    audit.append(connection, event)
    return True


def _end_token(
    connection: sqlite3.Connection, digests: Sequence[Digest], event: Event
) -> bool | None:
    found = reader.find_token(connection, digests)
    if found is None or found[0].status is Status.REVOKED:
        return None if found is None else False
    writes.revoke_token(connection, digests)
    audit.append(connection, event)
    return True
