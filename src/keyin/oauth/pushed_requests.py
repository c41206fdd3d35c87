"""`/oauth2/par` (RFC 9126): an application brings its wish itself, before a browser sees any of it.

It proves itself as at the token endpoint (§2). What it gets back names the wish once, for ninety
seconds (P10). A proof that comes with the wish binds the code to its key (RFC 9449 §10.1).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

import msgspec
from msgspec.structs import replace

from keyin.domain.address_text import address_text
from keyin.domain.authorization import PushedRequest
from keyin.domain.environment import Entropy, Millis
from keyin.domain.secret import equal
from keyin.oauth.answering import RANDOM_BYTES, challenge_use
from keyin.oauth.authorization import URI_PREFIX
from keyin.oauth.authorization_request import Unfit, read_request
from keyin.oauth.computer_wishes import Bringing
from keyin.oauth.errors import Code, Reason, Refusal, refused
from keyin.oauth.flow_ports import Authorizations
from keyin.oauth.ports import Peppers, Replays
from keyin.wire.jose import wrapped

if TYPE_CHECKING:
    from keyin.domain.authorization import AuthorizationRequest
    from keyin.oauth.asked import Asked
    from keyin.oauth.proven_sender import ProvenSenders, Sender
    from keyin.oauth.software_statements import Statements

LIFETIME_S: Final = 90


class Store(Authorizations, Replays, Protocol):
    """What this reads and writes."""


class Pushed(msgspec.Struct, frozen=True):
    """The name of a wish, and the seconds it lives."""

    request_uri: str
    lifetime_s: int = LIFETIME_S


class PushedRequests(msgspec.Struct, frozen=True, kw_only=True):
    """Answers a request whose form was already read."""

    senders: ProvenSenders
    store: Store
    peppers: Peppers
    entropy: Entropy
    issuer: str
    statements: Statements

    async def push(self, asked: Asked) -> Pushed | Refusal:
        """Check a wish and remember it. Raises StoreUnavailable."""
        sender = await self.senders.identify(asked)
        if isinstance(sender, Refusal):
            return sender
        outcome = await self._pushed(asked, sender)
        if isinstance(outcome, Refusal):
            return await self.senders.refuse(outcome, sender, asked)
        return outcome

    async def _pushed(self, asked: Asked, sender: Sender) -> Pushed | Refusal:
        request = self._request(asked, sender)
        if isinstance(request, Refusal):
            return request
        refusal = await self._too_much(request, asked, certain=sender.proven.certain)
        return refusal or await self._remember(request, asked.now)

    async def _too_much(
        self, request: AuthorizationRequest, asked: Asked, *, certain: bool
    ) -> Refusal | None:
        """Refuse a challenge that was used, or, of who proved nothing, too many wishes.

        What anybody may send is not remembered for a day: a public application's challenge is
        looked at when a person says yes.
        """
        if not certain:
            throttle = self.senders.clients.throttle
            return await throttle.before_unproven_wish(asked.address, now=asked.now)
        if await self.store.remember([challenge_use(request, asked.now)], now=asked.now):
            return None
        return refused(Code.INVALID_REQUEST, "This code_challenge was used", Reason.CHALLENGE)

    def _request(self, asked: Asked, sender: Sender) -> AuthorizationRequest | Refusal:
        application, named = sender.proven.application, asked.parameters
        if application is None:
            return refused(
                Code.UNAUTHORIZED_CLIENT, "Not for this client", Reason.CLIENT_OF_ANOTHER_KIND
            )
        if "request_uri" in named:
            return refused(Code.INVALID_REQUEST, "No request_uri is taken here")
        told = named.get("dpop_jkt")
        if told and sender.jkt and not equal(told, sender.jkt):
            return refused(
                Code.INVALID_DPOP_PROOF, "dpop_jkt names another key", Reason.WRONG_PROOF
            )
        bringing = Bringing(jkt=sender.jkt, statements=self.statements, now=asked.now)
        request = read_request(named, application, issuer=self.issuer, bringing=bringing)
        if isinstance(request, Unfit):
            return refused(request.code, request.description, request.reason)
        if request.computer is None:
            return request
        return replace(request, address=address_text(asked.address))

    async def _remember(self, request: AuthorizationRequest, now: Millis) -> Pushed:
        uri = URI_PREFIX + wrapped(self.entropy.token_bytes(RANDOM_BYTES))
        pushed = PushedRequest(
            digest=self.peppers.digests("request_uri", uri)[0],
            request=request,
            expires=Millis(now + LIFETIME_S * 1000),
        )
        await self.store.add_pushed(pushed)
        return Pushed(uri)
