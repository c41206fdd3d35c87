"""Clients that register themselves, in SQL: looked at, decided and written in one unit of work."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from keyin.domain.records import ProofUse, Status, StoppedBy
from keyin.oauth.enrolment_ports import Again, Born, Killed, Registered, Surroundings
from keyin.stores import enrolment_rows
from keyin.stores.enrolment_rows import REGISTRATION, STANDS
from keyin.stores.rows import names
from keyin.stores.sqlite import audit, client_keys, initial_access, notices, reader, replays, writes
from keyin.stores.sqlite.connection import our_errors
from keyin.stores.sqlite.replays import SqliteReplays

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Sequence

    from keyin.domain.enrolment import Notice, Registration
    from keyin.domain.environment import Millis
    from keyin.domain.events import Event
    from keyin.domain.records import RecordId
    from keyin.oauth.enrolment_ports import Decision, Question
    from keyin.stores.rows import Row

_PLACES: Final = ", ".join("?" * len(REGISTRATION))
_PUT: Final = f"INSERT OR REPLACE INTO registrations ({names(REGISTRATION)}) VALUES ({_PLACES})"  # noqa: S608 - ours
_OF: Final = (
    f"SELECT {names(REGISTRATION, 'r')} FROM registrations AS r JOIN credentials AS c "  # noqa: S608 - ours
    "ON c.id = r.credential_id WHERE "
)
_BY_CLIENT_ID: Final = f"{_OF} c.oauth2_client_id = ?"
_BY_CREDENTIAL: Final = f"{_OF} c.id = ?"
_SAME_NAME: Final = (
    f"SELECT id FROM clients WHERE owner = ? AND name = ? AND status IN {STANDS} LIMIT 2"  # noqa: S608 - ours
)
_SAME_INSTALLATION: Final = (
    "SELECT o.id FROM registrations AS r JOIN clients AS o ON o.id = r.client_id "  # noqa: S608 - ours
    f"WHERE r.installation_id = ?1 AND o.status IN {STANDS} AND (o.owner = ?2 OR o.site = ?3)"
)
SITE_OWNERS: Final = (
    "SELECT account_id FROM memberships WHERE site = ? AND role = 'owner' "
    "ORDER BY account_id LIMIT 10"
)
_ACTIVATE: Final = (
    "UPDATE registrations SET activate_by = NULL, version = version + 1 WHERE credential_id = ?1 "
    "AND activate_by >= ?2 AND EXISTS (SELECT 1 FROM clients "
    "WHERE id = registrations.client_id AND status = 'pending')"
)
_COUNTS_NOW: Final = (
    "UPDATE clients SET status = 'active', updated = ? WHERE status = 'pending' AND id = "
    "(SELECT client_id FROM registrations WHERE credential_id = ?)"
)
_CHANGE_CLIENT: Final = (
    "UPDATE clients SET name = ?2, software_version = ?3, updated = ?4, "
    "status = coalesce(?5, status), epoch = epoch + (status <> coalesce(?5, status)) WHERE id = ?1"
)


class SqliteRegistrations(SqliteReplays):
    """What a method does stands with its port in `oauth.enrolment_ports`."""

    async def register(
        self,
        question: Question,
        decide: Callable[[Surroundings], Decision],
        *,
        uses: Sequence[ProofUse] = (),
    ) -> ProofUse | None:
        """See Registering."""
        proofs, before = await self._noted(uses)
        if before is None:
            unit = partial(_register, question=question, decide=decide, proofs=proofs)
            await self._changing_clients(unit)
        return before

    async def registered(self, oauth2_client_id: str) -> Registered | None:
        """See Registering."""
        with our_errors():
            return _registered(self._lookups, _BY_CLIENT_ID, oauth2_client_id)

    async def activate(self, credential_id: RecordId, *, now: Millis, event: Event) -> bool:
        """See Registering."""
        unit = partial(_activate, credential_id=credential_id, now=now, event=event)
        return await self._changing_clients(unit)

    async def returns_by_itself(self, site: str) -> bool:
        """See SitePolicies."""
        with our_errors():
            return _returns(self._lookups, site)

    async def set_returns(self, site: str, *, by_itself: bool, event: Event) -> bool:
        """See SitePolicies."""
        unit = partial(_set_returns, site=site, by_itself=by_itself, event=event)
        return await self._writer.run(unit)


def _register(
    connection: sqlite3.Connection,
    question: Question,
    decide: Callable[[Surroundings], Decision],
    proofs: Sequence[Row],
) -> None:
    replays.add(connection, proofs)
    decision = decide(_look(connection, question))
    if isinstance(decision, Born):
        _bear(connection, decision)
    elif isinstance(decision, Again):
        _change(connection, decision)
    elif isinstance(decision, Killed):
        ending = decision.ending
        initial_access.end(
            connection, decision.access_id, ending.reason, ending.now, descendants=True
        )
        _tell(connection, ending.event, decision.notices)


def _look(connection: sqlite3.Connection, question: Question) -> Surroundings:
    named = question.client_id
    return Surroundings(
        access=initial_access.find(connection, question.access) if question.access else None,
        channel=initial_access.find(connection, question.channel) if question.channel else None,
        named=_registered(connection, _BY_CLIENT_ID, named) if named else None,
        holders={
            key.kid: _registered(connection, _BY_CREDENTIAL, key.credential_id)
            for key in (client_keys.find(connection, kid) for kid in question.kids)
            if key is not None
        },
        same_name=_ids(connection, _SAME_NAME, (question.owner, question.name)),
        same_installation=_ids(
            connection,
            _SAME_INSTALLATION,
            (question.installation_id, question.owner, question.site),
        )
        if question.installation_id
        else (),
        stopped=_stopped(connection, question),
        owner_stands=question.owner is None or _stands(connection, question.owner),
        returns_by_itself=question.site is not None and _returns(connection, question.site),
        site_owners=_ids(connection, SITE_OWNERS, (question.site,)),
    )


def _registered(connection: sqlite3.Connection, query: str, name: str) -> Registered | None:
    row = connection.execute(query, (name,)).fetchone()
    if row is None:
        return None
    registration = enrolment_rows.registration(row)
    pair = reader.find_client_and_credential(
        connection, registration.client_id, registration.credential_id
    )
    if pair is None:
        return None
    return Registered(
        registration=registration,
        client=pair[0],
        credential=pair[1],
        keys=client_keys.of_client(connection, registration.client_id),
    )


def _ids(connection: sqlite3.Connection, query: str, values: Row) -> list[RecordId]:
    return [row[0] for row in connection.execute(query, values).fetchall()]


def _stopped(connection: sqlite3.Connection, question: Question) -> StoppedBy | None:
    for by, query, values in (
        (StoppedBy.SITE, "sites WHERE name = ?", (question.site,)),
        (StoppedBy.SOFTWARE, "software WHERE id = ? AND version = ?", question.software),
    ):
        found = connection.execute(
            f"SELECT 1 FROM {query} AND status <> 'active'",  # noqa: S608 - ours
            values,
        )
        if found.fetchone() is not None:
            return by
    return None


def _stands(connection: sqlite3.Connection, account_id: str) -> bool:
    query = "SELECT 1 FROM accounts WHERE id = ? AND status = 'active'"
    return connection.execute(query, (account_id,)).fetchone() is not None


def _bear(connection: sqlite3.Connection, born: Born) -> None:
    if born.access_id is not None:
        initial_access.use(connection, born.access_id, born.registration.created)
    for id_ in born.ends:
        writes.revoke_client(connection, id_, born.registration.created)
    writes.add_client(connection, born.client, born.credential)
    client_keys.put(connection, [born.key])
    _put_registration(connection, born.registration)
    _tell(connection, born.event, born.notices)


def _change(connection: sqlite3.Connection, again: Again) -> None:
    id_, credential_id = again.registration.client_id, again.registration.credential_id
    connection.execute(
        _CHANGE_CLIENT, (id_, again.name, again.software_version, again.now, again.status)
    )
    connection.execute(
        "UPDATE credentials SET software_version = ? WHERE id = ?",
        (again.software_version, credential_id),
    )
    if again.place is not None:
        kind, site = again.place.computer_type, again.place.site
        connection.execute(
            "UPDATE clients SET computer_type = ?, site = ? WHERE id = ?", (kind, site, id_)
        )
        connection.execute("UPDATE credentials SET site = ? WHERE id = ?", (site, credential_id))
    wanted = {key.kid for key in again.keys}
    for key in client_keys.of_client(connection, id_):
        ours = key.credential_id == credential_id and key.kid not in wanted
        if ours and key.status is Status.ACTIVE:
            client_keys.revoke(connection, key.kid)
    client_keys.put(connection, again.keys)
    _put_registration(connection, again.registration)
    _tell(connection, again.event, again.notices)


def _put_registration(connection: sqlite3.Connection, registration: Registration) -> None:
    connection.execute(_PUT, enrolment_rows.registration_row(registration))


def _tell(connection: sqlite3.Connection, event: Event, told: Sequence[Notice]) -> None:
    notices.add(connection, told)
    audit.append(connection, event)


def _activate(
    connection: sqlite3.Connection, credential_id: RecordId, now: Millis, event: Event
) -> bool:
    if not connection.execute(_ACTIVATE, (credential_id, now)).rowcount:
        return False
    connection.execute(_COUNTS_NOW, (now, credential_id))
    audit.append(connection, event)
    return True


def _returns(connection: sqlite3.Connection, site: str) -> bool:
    query = "SELECT 1 FROM site_policies WHERE site = ? AND returns = 'automatic'"
    return connection.execute(query, (site,)).fetchone() is not None


def _set_returns(
    connection: sqlite3.Connection, site: str, event: Event, *, by_itself: bool
) -> bool:
    if _returns(connection, site) == by_itself:
        return False
    connection.execute(
        "INSERT INTO site_policies (site, returns) VALUES (?1, ?2) "
        "ON CONFLICT DO UPDATE SET returns = ?2",
        (site, "automatic" if by_itself else "asked"),
    )
    audit.append(connection, event)
    return True
