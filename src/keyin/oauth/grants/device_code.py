"""The device asks whether the person has answered (RFC 8628 §3.4, §3.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import msgspec

from keyin.domain.applications import DEVICE_CODE
from keyin.domain.enrolment import InitialAccessKind
from keyin.domain.events import Act
from keyin.domain.grant import ACCOUNT_AUDIENCE
from keyin.oauth.errors import Code, Reason, Refusal, refused
from keyin.oauth.flow_ports import DeviceRequests
from keyin.oauth.grants.application_grants import (
    application_for,
    event_of,
    given,
    not_accepted,
    wanted,
)
from keyin.oauth.grants.computer_grants import Approval
from keyin.oauth.issuing import new_record
from keyin.oauth.ports import Tokens

if TYPE_CHECKING:
    from keyin.domain.authorization import DeviceRequest
    from keyin.domain.environment import Entropy
    from keyin.oauth.flow_ports import Produced
    from keyin.oauth.granting import Given, GrantRequest
    from keyin.oauth.grants.computer_grants import ComputerGrants
    from keyin.oauth.ports import Peppers


class Store(DeviceRequests, Tokens, Protocol):
    """What this grant reads and writes."""


class DeviceCodeGrant(msgspec.Struct, frozen=True, kw_only=True):
    """Answers a client that is authenticated."""

    store: Store
    peppers: Peppers
    entropy: Entropy
    computers: ComputerGrants

    async def answer(self, request: GrantRequest) -> Given | Refusal:
        """Give a token once the person said yes, or refuse. Raises StoreUnavailable."""
        application = application_for(request, DEVICE_CODE)
        if isinstance(application, Refusal):
            return application
        if not request.named("device_code"):
            return refused(Code.INVALID_REQUEST, "Missing required parameter: device_code")
        asking = _Asking(
            request=request,
            peppers=self.peppers,
            entropy=self.entropy,
            computers=self.computers,
            store_epoch=await self.store.store_epoch(),
        )
        await self.store.poll(
            self.peppers.digests("device_code", request.named("device_code")),
            application.credential_id,
            asking.produce,
            now=request.asked.now,
        )
        return asking.given or asking.refusal


class _Asking(msgspec.Struct, kw_only=True):
    """What is done with the device's request, inside the store's unit of work."""

    request: GrantRequest
    peppers: Peppers
    entropy: Entropy
    computers: ComputerGrants
    store_epoch: int
    given: Given | None = None
    refusal: Refusal = msgspec.field(default_factory=lambda: not_accepted(Reason.CODE))

    def produce(self, found: DeviceRequest) -> Produced | None:
        """Return the token's record and its event, or nothing while there is no yes."""
        refusal = _refusal(found, self.request)
        if refusal is not None:
            self.refusal = refusal
            return None
        if found.computer is not None and found.account_id is not None:
            approval = Approval(
                computer=found.computer, owner=found.account_id, site=found.site, jkt=found.jkt
            )
            self.given, produced = self.computers.produce(
                approval, self.request, InitialAccessKind.DEVICE
            )
            return produced
        token, record = new_record(
            wanted(self.request, scope=found.scope, audience=ACCOUNT_AUDIENCE),
            self.request.by,
            peppers=self.peppers,
            entropy=self.entropy,
            now=self.request.asked.now,
            store_epoch=self.store_epoch,
        )
        self.given = given(self.request, token, found.scope)
        event = event_of(
            self.request, Act.TOKEN_ISSUED, grant="device_code", account=found.account_id or ""
        )
        return record, event


def _refusal(found: DeviceRequest, request: GrantRequest) -> Refusal | None:
    """Say why not yet, or never (RFC 8628 §3.5)."""
    now = request.asked.now
    if found.jkt is not None and found.jkt != request.jkt:
        return not_accepted(Reason.WRONG_PROOF)
    if now > found.expires:
        return refused(Code.EXPIRED_TOKEN, "The device code has expired", Reason.EXPIRED)
    if found.too_early(now):
        return refused(Code.SLOW_DOWN, "Asked too early", Reason.PENDING)
    if found.denied:
        return refused(Code.ACCESS_DENIED, "The person said no", Reason.DENIED)
    if found.account_id is None:
        return refused(
            Code.AUTHORIZATION_PENDING, "The person has not answered yet", Reason.PENDING
        )
    return None
