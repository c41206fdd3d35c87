"""What flows remember: each step once, whichever worker it comes to.

A step that may be taken once deletes or marks its row in the statement that finds it; of two
workers, the second waits for the first one's commit and then finds nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from keyin.domain.authorization import SLOWER_S
from keyin.domain.enrolment import InitialAccess
from keyin.stores import flow_rows, rows
from keyin.stores.flow_rows import CODE, DEVICE, PUSHED, QUESTION
from keyin.stores.postgres import initial_access, notices
from keyin.stores.postgres.applications import PostgresApplications
from keyin.stores.postgres.lookups import Lookup
from keyin.stores.postgres.statements import insert
from keyin.stores.postgres.tokens import revoke_token
from keyin.stores.postgres.told import ONCE
from keyin.stores.rows import names
from keyin.stores.token_place import token_place

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from keyin.domain.authorization import Code, DeviceRequest, PushedRequest, Question
    from keyin.domain.enrolment import Computer, Notice
    from keyin.domain.environment import Millis
    from keyin.domain.events import Event
    from keyin.domain.records import Digest, RecordId
    from keyin.oauth.flow_ports import Produced, Reused
    from keyin.stores.postgres.transaction import Transaction

_ONCE: Final = "ON CONFLICT DO NOTHING"
_ADD_PUSHED: Final = f"{insert('pushed_requests', PUSHED)} {_ONCE}"
_ADD_QUESTION: Final = f"{insert('questions', QUESTION)} {_ONCE}"
_ADD_CODE: Final = f"{insert('codes', CODE)} {_ONCE}"
_ADD_DEVICE: Final = f"{insert('device_requests', DEVICE)} {_ONCE}"
_TOKEN: Final = (*rows.TOKEN, "account_id", "account_epoch")
_ADD_TOKEN: Final = f"{insert('tokens', _TOKEN)} {ONCE}"
_FIND_PUSHED: Final = Lookup(
    f"SELECT digest, {names(PUSHED)} FROM pushed_requests WHERE digest = any($1)"  # noqa: S608 - ours
)
_FIND_QUESTION: Final = Lookup(
    f"SELECT digest, {names(QUESTION)} FROM questions WHERE digest = any($1)"  # noqa: S608 - ours
)
_FIND_DEVICE: Final = Lookup(
    f"SELECT user_code, {names(DEVICE)} FROM device_requests WHERE user_code = any($1)"  # noqa: S608 - ours
)
_ACCOUNT: Final = Lookup(
    "SELECT place, digest, account_id, account_epoch FROM tokens "
    "WHERE place = any($1::bigint[]) AND account_id IS NOT NULL"
)
_FIND_CODE: Final = (
    f"SELECT {names(CODE)} FROM codes WHERE digest = any($1::text[]) AND credential_id = $2"  # noqa: S608 - ours
)
_USE_CODE: Final = (
    "UPDATE codes SET used = 1 WHERE digest = any($1::text[]) AND credential_id = $2 AND used = 0 "  # noqa: S608 - ours
    f"RETURNING {names(CODE)}"
)
_ANSWER: Final = (
    "UPDATE device_requests SET account_id = $2, account_epoch = $3, denied = $4, "
    "details = coalesce($5, details), site = $6 "
    "WHERE digest = $1 AND account_id IS NULL AND denied = 0"
)
_POLL: Final = (
    f"SELECT {names(DEVICE)} FROM device_requests "  # noqa: S608 - ours
    "WHERE digest = any($1::text[]) AND credential_id = $2 FOR UPDATE"
)


class PostgresFlows(PostgresApplications):
    """What a method does stands with its port in `oauth.flow_ports`."""

    async def add_pushed(self, pushed: PushedRequest) -> None:
        """See Authorizations."""
        await self._change(_ADD_PUSHED, *flow_rows.pushed_row(pushed))

    async def find_pushed(self, digests: Sequence[Digest]) -> PushedRequest | None:
        """See Authorizations."""
        row = await self._lookups.row(_FIND_PUSHED, digests)
        return None if row is None else flow_rows.pushed(row)

    async def ask(self, question: Question, *, instead_of: Sequence[Digest]) -> bool:
        """See Authorizations."""

        async def unit(transaction: Transaction) -> bool:
            places = ("pushed_requests", "questions")
            if instead_of and not any(
                [await _gone(transaction, place, instead_of) for place in places]
            ):
                return False
            return await transaction.execute(_ADD_QUESTION, *flow_rows.question_row(question)) > 0

        return await self._writer.run(unit)

    async def find_question(self, digests: Sequence[Digest]) -> Question | None:
        """See Authorizations."""
        row = await self._lookups.row(_FIND_QUESTION, digests)
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

        async def unit(transaction: Transaction) -> bool:
            if not await _gone(transaction, "questions", [question]):
                return False
            await notices.add(transaction, told)
            if isinstance(outcome, InitialAccess):
                return await initial_access.add(transaction, outcome, event)
            if outcome is not None:
                await transaction.execute(_ADD_CODE, *flow_rows.code_row(outcome))
            transaction.append(event)
            return True

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

        async def unit(transaction: Transaction) -> Code | None:
            used = await transaction.fetchrow(_USE_CODE, list(digests), credential_id)
            if used is not None:
                return await _produce(transaction, flow_rows.code(used), produce)
            row = await transaction.fetchrow(_FIND_CODE, list(digests), credential_id)
            if row is None:
                return None
            code = flow_rows.code(row)
            await _take_back(transaction, code, *reused(code))
            return code

        return await self._writer.run(unit)

    async def account_of(self, token: Digest) -> tuple[RecordId, int] | None:
        """See AccountTokens."""
        found = await self._lookups.rows(_ACCOUNT, [token_place(token)])
        return {digest: (account, epoch) for digest, account, epoch in found}.get(token)

    async def add_device_request(self, request: DeviceRequest) -> bool:
        """See DeviceRequests."""
        return await self._change(_ADD_DEVICE, *flow_rows.device_row(request)) > 0

    async def find_by_user_code(self, digests: Sequence[Digest]) -> DeviceRequest | None:
        """See DeviceRequests."""
        row = await self._lookups.row(_FIND_DEVICE, digests)
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
        more = (int(account is None), flow_rows.computer_text(computer), site)

        async def unit(transaction: Transaction) -> bool:
            if not await transaction.execute(_ANSWER, digest, *who, *more):
                return False
            await notices.add(transaction, told)
            transaction.append(event)
            return True

        return await self._writer.run(unit)

    async def poll(
        self,
        digests: Sequence[Digest],
        credential_id: RecordId,
        produce: Callable[[DeviceRequest], Produced | None],
        *,
        now: Millis,
    ) -> DeviceRequest | None:
        """See DeviceRequests."""

        async def unit(transaction: Transaction) -> DeviceRequest | None:
            row = await transaction.fetchrow(_POLL, list(digests), credential_id)
            if row is None:
                return None
            request = flow_rows.device(row)
            await _answer_poll(transaction, request, produce(request), now)
            return request

        return await self._writer.run(unit)


async def _gone(transaction: Transaction, table: str, digests: Sequence[Digest]) -> bool:
    query = f"DELETE FROM {table} WHERE digest = any($1::text[])"  # noqa: S608 - ours
    return await transaction.execute(query, list(digests)) > 0


async def _produce(
    transaction: Transaction, marked: Code, produce: Callable[[Code], Produced | None]
) -> Code:
    """Write what a code is worth that was just marked as used; return it as it was before."""
    code = replace(marked, used=False)
    produced = produce(code)
    if produced is not None:
        made = await _write(transaction, produced, (code.account_id, code.account_epoch))
        query = "UPDATE codes SET token = $2 WHERE digest = $1"
        await transaction.execute(query, code.digest, made)
    return code


async def _take_back(
    transaction: Transaction, code: Code, event: Event, told: Sequence[Notice]
) -> None:
    if code.token is not None:
        await revoke_token(transaction, [code.token])
    if code.initial_access is not None:
        why = event.reason or ""
        await initial_access.end(transaction, code.initial_access, why, event.at, descendants=True)
    transaction.append(event)
    await notices.add(transaction, told)


async def _write(
    transaction: Transaction, produced: Produced, account: tuple[RecordId, int]
) -> Digest | RecordId:
    """Write what is given out; return what is remembered of it with the code."""
    made, event = produced
    if isinstance(made, InitialAccess):
        await initial_access.add(transaction, made, event)
        return made.id
    await transaction.execute(_ADD_TOKEN, *rows.token_row(made), *account)
    transaction.append(event)
    return made.digest


async def _answer_poll(
    transaction: Transaction, request: DeviceRequest, produced: Produced | None, now: Millis
) -> None:
    if produced is not None and request.account_id and request.account_epoch is not None:
        await _write(transaction, produced, (request.account_id, request.account_epoch))
        await _gone(transaction, "device_requests", [request.digest])
        return
    slower = SLOWER_S if request.too_early(now) else 0
    query = "UPDATE device_requests SET polled = $2, interval_s = interval_s + $3 WHERE digest = $1"
    await transaction.execute(query, request.digest, now, slower)
