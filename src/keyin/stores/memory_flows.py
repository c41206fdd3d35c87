"""The part of the forgetful store that holds applications and what their flows remember."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar, cast

from msgspec.structs import replace

from keyin.domain.authorization import SLOWER_S
from keyin.domain.enrolment import InitialAccess
from keyin.oauth.enrolment_ports import Ending, InitialAccesses
from keyin.stores.memory_audit import MemoryAudit

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from keyin.domain.applications import Application
    from keyin.domain.authorization import Code, DeviceRequest, PushedRequest, Question
    from keyin.domain.enrolment import Computer, Notice
    from keyin.domain.environment import Millis
    from keyin.domain.events import Event
    from keyin.domain.records import Client, Credential, Digest, ProofUse, RecordId, Token
    from keyin.oauth.flow_ports import Produced, Reused
    from keyin.stores.memory_notices import MemoryNotices


Record = TypeVar("Record")


class MemoryFlows(MemoryAudit):
    """What a method does stands with its port in `oauth.flow_ports`."""

    _clients: dict[RecordId, Client]
    _credentials: dict[RecordId, Credential]

    def __init__(self) -> None:
        super().__init__()
        self._applications: dict[RecordId, Application] = {}
        self._pushed: dict[Digest, PushedRequest] = {}
        self._questions: dict[Digest, Question] = {}
        self._codes: dict[Digest, Code] = {}
        self._devices: dict[Digest, DeviceRequest] = {}
        self._token_accounts: dict[Digest, tuple[RecordId, int]] = {}

    async def add_token(
        self, token: Token, *, event: Event, uses: Sequence[ProofUse] = ()
    ) -> ProofUse | None:
        """See oauth.ports.Tokens."""
        raise NotImplementedError

    async def revoke_token(self, digests: Sequence[Digest], *, event: Event) -> bool:
        """See oauth.ports.Revocations."""
        raise NotImplementedError

    def enrol_application(self, application: Application) -> bool:
        """Remember an application unless it is there; say whether it was new."""
        there = self._applications.setdefault(application.credential_id, application)
        return there is application

    async def find_application(self, credential_id: RecordId) -> Application | None:
        """See Applications."""
        return self._applications.get(credential_id)

    async def find_registered(
        self, credential_id: RecordId
    ) -> tuple[Credential, Client, Application] | None:
        """See Applications."""
        application = self._applications.get(credential_id)
        credential = self._credentials.get(credential_id)
        client = self._clients.get(credential.client_id) if credential else None
        if application is None or credential is None or client is None:
            return None
        return credential, client, application

    async def add_pushed(self, pushed: PushedRequest) -> None:
        """See Authorizations."""
        self._pushed.setdefault(pushed.digest, pushed)

    async def find_pushed(self, digests: Sequence[Digest]) -> PushedRequest | None:
        """See Authorizations."""
        return _first(self._pushed, digests)

    async def ask(self, question: Question, *, instead_of: Sequence[Digest]) -> bool:
        """See Authorizations."""
        pushed, asked = _first(self._pushed, instead_of), _first(self._questions, instead_of)
        if instead_of and pushed is None and asked is None:
            return False
        if pushed is not None:
            del self._pushed[pushed.digest]
        elif asked is not None:
            del self._questions[asked.digest]
        return self._questions.setdefault(question.digest, question) is question

    async def find_question(self, digests: Sequence[Digest]) -> Question | None:
        """See Authorizations."""
        return _first(self._questions, digests)

    async def decide(
        self,
        question: Digest,
        outcome: Code | InitialAccess | None,
        *,
        event: Event,
        told: Sequence[Notice] = (),
    ) -> bool:
        """See Authorizations."""
        if self._questions.pop(question, None) is None:
            return False
        self._told.put_notices(told)
        if isinstance(outcome, InitialAccess):
            return await self._accesses.add_initial_access(outcome, event=event)
        if outcome is not None:
            self._codes[outcome.digest] = outcome
        self.append_event(event)
        return True

    @property
    def _accesses(self) -> InitialAccesses:
        """Return the whole store, of which another part has initial access tokens."""
        return cast("InitialAccesses", self)

    @property
    def _told(self) -> MemoryNotices:
        """Return the whole store, of which another part has notices."""
        return cast("MemoryNotices", self)

    async def redeem(
        self,
        digests: Sequence[Digest],
        credential_id: RecordId,
        produce: Callable[[Code], Produced | None],
        *,
        reused: Callable[[Code], Reused],
    ) -> Code | None:
        """See Codes."""
        code = _first(self._codes, digests)
        if code is None or code.request.credential_id != credential_id:
            return None
        if code.used:
            await self._take_back(code, reused(code))
            return code
        produced = produce(code)
        used = replace(code, used=True)
        if produced is not None:
            await self._write(produced, (code.account_id, code.account_epoch))
            made = produced[0]
            if isinstance(made, InitialAccess):
                used = replace(used, initial_access=made.id)
            else:
                used = replace(used, token=made.digest)
        self._codes[code.digest] = used
        return code

    async def _take_back(self, code: Code, reused: Reused) -> None:
        event, notices = reused
        told = False
        if code.token is not None:
            told = await self.revoke_token([code.token], event=event)
        if code.initial_access is not None:
            ending = Ending(reason=event.reason or "", now=event.at, event=event)
            ended = await self._accesses.end_initial_access(
                code.initial_access, ending, descendants=True
            )
            told = ended is not None
        if not told:
            self.append_event(event)
        self._told.put_notices(notices)

    async def _write(self, produced: Produced, account: tuple[RecordId, int]) -> None:
        made, event = produced
        if isinstance(made, InitialAccess):
            await self._accesses.add_initial_access(made, event=event)
            return
        await self.add_token(made, event=event)
        self._token_accounts[made.digest] = account

    async def account_of(self, token: Digest) -> tuple[RecordId, int] | None:
        """See AccountTokens."""
        return self._token_accounts.get(token)

    async def add_device_request(self, request: DeviceRequest) -> bool:
        """See DeviceRequests."""
        if await self.find_by_user_code([request.user_code]) is not None:
            return False
        return self._devices.setdefault(request.digest, request) is request

    async def find_by_user_code(self, digests: Sequence[Digest]) -> DeviceRequest | None:
        """See DeviceRequests."""
        found = (one for one in self._devices.values() if one.user_code in digests)
        return next(found, None)

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
        request = self._devices.get(digest)
        if request is None or request.denied or request.account_id is not None:
            return False
        id_, epoch = account or (None, None)
        self._devices[digest] = replace(
            request,
            account_id=id_,
            account_epoch=epoch,
            denied=account is None,
            computer=computer or request.computer,
            site=site,
        )
        self._told.put_notices(told)
        self.append_event(event)
        return True

    async def poll(
        self,
        digests: Sequence[Digest],
        credential_id: RecordId,
        produce: Callable[[DeviceRequest], Produced | None],
        *,
        now: Millis,
    ) -> DeviceRequest | None:
        """See DeviceRequests."""
        request = _first(self._devices, digests)
        if request is None or request.credential_id != credential_id:
            return None
        slower = SLOWER_S if request.too_early(now) else 0
        self._devices[request.digest] = replace(
            request, polled=now, interval_s=request.interval_s + slower
        )
        produced = produce(request)
        if produced is not None and request.account_id and request.account_epoch is not None:
            await self._write(produced, (request.account_id, request.account_epoch))
            del self._devices[request.digest]
        return request


def _first(records: dict[Digest, Record], digests: Sequence[Digest]) -> Record | None:
    return next((records[digest] for digest in digests if digest in records), None)
