"""What flows remember, in SQL: each method a lookup or one unit of work."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from keyin.domain.authorization import SLOWER_S
from keyin.domain.enrolment import InitialAccess
from keyin.stores import flow_rows, rows
from keyin.stores.rows import names
from keyin.stores.sqlite import applications, audit, initial_access, notices, writes
from keyin.stores.sqlite.connection import our_errors
from keyin.stores.sqlite.part import SqlitePart
from keyin.stores.sqlite.statements import insert
from keyin.stores.token_place import token_place

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Sequence

    from keyin.domain.applications import Application
    from keyin.domain.authorization import Code, DeviceRequest, PushedRequest, Question
    from keyin.domain.enrolment import Computer, Notice
    from keyin.domain.environment import Millis
    from keyin.domain.events import Event
    from keyin.domain.records import Client, Credential, Digest, RecordId
    from keyin.oauth.flow_ports import Produced, Reused
    from keyin.stores.rows import Row

_ADD_PUSHED: Final = insert("pushed_requests", flow_rows.PUSHED)
_ADD_QUESTION: Final = insert("questions", flow_rows.QUESTION)
_ADD_CODE: Final = insert("codes", flow_rows.CODE)
_ADD_DEVICE: Final = insert("device_requests", flow_rows.DEVICE)


class SqliteFlows(SqlitePart):
    """What a method does stands with its port in `oauth.flow_ports`."""

    async def find_application(self, credential_id: RecordId) -> Application | None:
        """See Applications."""
        known = self._memory.applications
        if credential_id in known:
            return known[credential_id]
        with our_errors():
            return known.put(credential_id, applications.find(self._lookups, credential_id))

    async def find_registered(
        self, credential_id: RecordId
    ) -> tuple[Credential, Client, Application] | None:
        """See Applications."""
        with our_errors():
            return applications.registered(self._lookups, credential_id)

    async def add_pushed(self, pushed: PushedRequest) -> None:
        """See Authorizations."""
        row = flow_rows.pushed_row(pushed)
        await self._writer.run(lambda connection: connection.execute(_ADD_PUSHED, row))

    async def find_pushed(self, digests: Sequence[Digest]) -> PushedRequest | None:
        """See Authorizations."""
        with our_errors():
            row = _one(self._lookups, "pushed_requests", flow_rows.PUSHED, digests)
        return None if row is None else flow_rows.pushed(row)

    async def ask(self, question: Question, *, instead_of: Sequence[Digest]) -> bool:
        """See Authorizations."""
        return await self._writer.run(partial(_ask, question=question, instead_of=instead_of))

    async def find_question(self, digests: Sequence[Digest]) -> Question | None:
        """See Authorizations."""
        with our_errors():
            row = _one(self._lookups, "questions", flow_rows.QUESTION, digests)
        return None if row is None else flow_rows.question(row)

    async def decide(
        self,
        question: Digest,
        outcome: Code | InitialAccess | None,
        *,
        event: Event,
        told: Sequence[Notice] = (),
    ) -> bool:
        """See Authorizations."""
        unit = partial(_decide, question=question, outcome=outcome, event=event, told=told)
        return await self._writer.run(unit)

    async def redeem(
        self,
        digests: Sequence[Digest],
        credential_id: RecordId,
        produce: Callable[[Code], Produced | None],
        *,
        reused: Callable[[Code], Reused],
    ) -> Code | None:
        """See Codes."""
        unit = partial(
            _redeem, digests=digests, credential_id=credential_id, produce=produce, reused=reused
        )
        return await self._changing_clients(unit)

    async def account_of(self, token: Digest) -> tuple[RecordId, int] | None:
        """See AccountTokens."""
        query = "SELECT account_id, account_epoch FROM tokens WHERE place = ? AND digest = ?"
        with our_errors():
            row = self._lookups.execute(query, (token_place(token), token)).fetchone()
        return None if row is None or row[0] is None else (row[0], row[1])

    async def add_device_request(self, request: DeviceRequest) -> bool:
        """See DeviceRequests."""
        row = flow_rows.device_row(request)
        return await self._writer.run(lambda connection: _add(connection, _ADD_DEVICE, row))

    async def find_by_user_code(self, digests: Sequence[Digest]) -> DeviceRequest | None:
        """See DeviceRequests."""
        with our_errors():
            row = _one(self._lookups, "device_requests", flow_rows.DEVICE, digests, "user_code")
        return None if row is None else flow_rows.device(row)

    async def answer_device(
        self,
        digest: Digest,
        account: tuple[RecordId, int] | None,
        *,
        event: Event,
        computer: Computer | None = None,
        site: str | None = None,
        told: Sequence[Notice] = (),
    ) -> bool:
        """See DeviceRequests."""
        who = account or (None, None)
        row = (*who, account is None, flow_rows.computer_text(computer), site, digest)
        return await self._writer.run(partial(_answer_device, row=row, event=event, told=told))

    async def poll(
        self,
        digests: Sequence[Digest],
        credential_id: RecordId,
        produce: Callable[[DeviceRequest], Produced | None],
        *,
        now: Millis,
    ) -> DeviceRequest | None:
        """See DeviceRequests."""
        unit = partial(
            _poll, digests=digests, credential_id=credential_id, produce=produce, now=now
        )
        return await self._writer.run(unit)


def _one(
    connection: sqlite3.Connection,
    table: str,
    columns: tuple[str, ...],
    digests: Sequence[Digest],
    column: str = "digest",
) -> Row | None:
    places = ", ".join("?" * len(digests))
    query = f"SELECT {names(columns)} FROM {table} WHERE {column} IN ({places})"  # noqa: S608 - ours
    row: Row | None = connection.execute(query, digests).fetchone()
    return row


def _add(connection: sqlite3.Connection, statement: str, row: Row) -> bool:
    return connection.execute(statement, row).rowcount > 0


def _gone(connection: sqlite3.Connection, table: str, digests: Sequence[Digest]) -> bool:
    places = ", ".join("?" * len(digests))
    query = f"DELETE FROM {table} WHERE digest IN ({places})"  # noqa: S608 - our own names
    return connection.execute(query, digests).rowcount > 0


def _ask(connection: sqlite3.Connection, question: Question, instead_of: Sequence[Digest]) -> bool:
    places = ("pushed_requests", "questions")
    if instead_of and not any(_gone(connection, place, instead_of) for place in places):
        return False
    return _add(connection, _ADD_QUESTION, flow_rows.question_row(question))


def _decide(
    connection: sqlite3.Connection,
    question: Digest,
    outcome: Code | InitialAccess | None,
    event: Event,
    told: Sequence[Notice],
) -> bool:
    if not _gone(connection, "questions", [question]):
        return False
    notices.add(connection, told)
    if isinstance(outcome, InitialAccess):
        return initial_access.add(connection, outcome, event)
    if outcome is not None:
        connection.execute(_ADD_CODE, flow_rows.code_row(outcome))
    audit.append(connection, event)
    return True


def _redeem(
    connection: sqlite3.Connection,
    digests: Sequence[Digest],
    credential_id: RecordId,
    produce: Callable[[Code], Produced | None],
    reused: Callable[[Code], Reused],
) -> Code | None:
    row = _one(connection, "codes", flow_rows.CODE, digests)
    code = None if row is None else flow_rows.code(row)
    if code is None or code.request.credential_id != credential_id:
        return None
    if code.used:
        _take_back(connection, code, *reused(code))
        return code
    produced = produce(code)
    made = None
    if produced is not None:
        made = _write(connection, produced, (code.account_id, code.account_epoch))
    connection.execute("UPDATE codes SET used = 1, token = ? WHERE digest = ?", (made, code.digest))
    return code


def _take_back(
    connection: sqlite3.Connection, code: Code, event: Event, told: Sequence[Notice]
) -> None:
    if code.token is not None:
        writes.revoke_token(connection, [code.token])
    if code.initial_access is not None:
        why = event.reason or ""
        initial_access.end(connection, code.initial_access, why, event.at, descendants=True)
    audit.append(connection, event)
    notices.add(connection, told)


def _write(
    connection: sqlite3.Connection, produced: Produced, account: tuple[RecordId, int]
) -> Digest | RecordId:
    """Write what is given out; return what is remembered of it with the code."""
    made, event = produced
    if isinstance(made, InitialAccess):
        initial_access.add(connection, made, event)
        return made.id
    writes.tell(connection, [(event, rows.token_row(made), ())])
    connection.execute(
        "UPDATE tokens SET account_id = ?, account_epoch = ? WHERE place = ? AND digest = ?",
        (*account, token_place(made.digest), made.digest),
    )
    return made.digest


def _answer_device(
    connection: sqlite3.Connection, row: Row, event: Event, told: Sequence[Notice]
) -> bool:
    answered = connection.execute(
        "UPDATE device_requests SET account_id = ?, account_epoch = ?, denied = ?, "
        "details = coalesce(?, details), site = ? "
        "WHERE digest = ? AND account_id IS NULL AND NOT denied",
        row,
    )
    if not answered.rowcount:
        return False
    notices.add(connection, told)
    audit.append(connection, event)
    return True


def _poll(
    connection: sqlite3.Connection,
    digests: Sequence[Digest],
    credential_id: RecordId,
    produce: Callable[[DeviceRequest], Produced | None],
    now: Millis,
) -> DeviceRequest | None:
    row = _one(connection, "device_requests", flow_rows.DEVICE, digests)
    request = None if row is None else flow_rows.device(row)
    if request is None or request.credential_id != credential_id:
        return None
    produced = produce(request)
    if produced is not None and request.account_id and request.account_epoch is not None:
        _write(connection, produced, (request.account_id, request.account_epoch))
        _gone(connection, "device_requests", [request.digest])
    slower = SLOWER_S if request.too_early(now) else 0
    connection.execute(
        "UPDATE device_requests SET polled = ?, interval_s = interval_s + ? WHERE digest = ?",
        (now, slower, request.digest),
    )
    return request
