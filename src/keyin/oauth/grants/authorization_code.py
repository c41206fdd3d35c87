"""Authorization code (RFC 6749 §4.1.3): a person said yes; the application comes for its token.

A code is used up by whatever its own client does with it. Come a second time, it is refused and
takes back what it gave the first time (RFC 6749 §4.1.2, P7). It is bound to its client, to the
address of the answer, to the challenge, and to a key where one was named (RFC 9449 §10). A
computer's code gives an initial access token, see `computer_grants`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import msgspec

from keyin.domain.applications import AUTHORIZATION_CODE
from keyin.domain.enrolment import InitialAccessKind
from keyin.domain.events import Act
from keyin.domain.grant import ACCOUNT_AUDIENCE
from keyin.oauth.errors import Code, Reason, Refusal, refused
from keyin.oauth.flow_ports import Codes
from keyin.oauth.grants.application_grants import (
    application_for,
    event_of,
    given,
    not_accepted,
    wanted,
)
from keyin.oauth.grants.computer_grants import Approval, reused
from keyin.oauth.issuing import new_record
from keyin.oauth.pkce import proves
from keyin.oauth.ports import Tokens

if TYPE_CHECKING:
    from keyin.domain.authorization import Code as AuthorizationCode
    from keyin.domain.environment import Entropy
    from keyin.oauth.flow_ports import Produced
    from keyin.oauth.granting import Given, GrantRequest
    from keyin.oauth.grants.computer_grants import ComputerGrants
    from keyin.oauth.ports import Peppers


class Store(Codes, Tokens, Protocol):
    """What this grant reads and writes."""


class AuthorizationCodeGrant(msgspec.Struct, frozen=True, kw_only=True):
    """Answers a client that is authenticated."""

    store: Store
    peppers: Peppers
    entropy: Entropy
    computers: ComputerGrants

    async def answer(self, request: GrantRequest) -> Given | Refusal:
        """Give a token for a code, or refuse. Raises StoreUnavailable."""
        application = application_for(request, AUTHORIZATION_CODE)
        if isinstance(application, Refusal):
            return application
        for name in ("code", "code_verifier"):
            if not request.named(name):
                return refused(Code.INVALID_REQUEST, f"Missing required parameter: {name}")
        redemption = _Redemption(
            request=request,
            peppers=self.peppers,
            entropy=self.entropy,
            computers=self.computers,
            store_epoch=await self.store.store_epoch(),
        )
        code = await self.store.redeem(
            self.peppers.digests("code", request.named("code")),
            application.credential_id,
            redemption.produce,
            reused=lambda code: reused(code, request),
        )
        return redemption.given or not_accepted(_why(code, redemption))


class _Redemption(msgspec.Struct, kw_only=True):
    """What is done with an unused code, inside the store's unit of work."""

    request: GrantRequest
    peppers: Peppers
    entropy: Entropy
    computers: ComputerGrants
    store_epoch: int
    given: Given | None = None
    reason: Reason = msgspec.field(default=Reason.CODE)

    def produce(self, code: AuthorizationCode) -> Produced | None:
        """Return the token's record and its event, or nothing for a code that does not fit."""
        reason = _mismatch(code, self.request)
        if reason is not None:
            self.reason = reason
            return None
        if code.request.computer is not None:
            approval = Approval(
                computer=code.request.computer,
                owner=code.account_id,
                site=code.site,
                jkt=code.request.jkt,
            )
            self.given, produced = self.computers.produce(
                approval, self.request, InitialAccessKind.BROWSER
            )
            return produced
        token, record = new_record(
            wanted(self.request, scope=code.request.scope, audience=ACCOUNT_AUDIENCE),
            self.request.by,
            peppers=self.peppers,
            entropy=self.entropy,
            now=self.request.asked.now,
            store_epoch=self.store_epoch,
        )
        self.given = given(self.request, token, code.request.scope)
        event = event_of(
            self.request, Act.TOKEN_ISSUED, grant=AUTHORIZATION_CODE, account=code.account_id
        )
        return record, event


def _mismatch(code: AuthorizationCode, request: GrantRequest) -> Reason | None:
    """Return the first thing that the code was not made for."""
    wish, redirect_uri = code.request, request.named("redirect_uri")
    must_be = (
        (request.asked.now <= code.expires, Reason.EXPIRED),
        (not redirect_uri or redirect_uri == wish.redirect_uri, Reason.REDIRECT_URI),
        (proves(request.named("code_verifier"), wish.code_challenge), Reason.VERIFIER),
        (wish.jkt is None or wish.jkt == request.jkt, Reason.WRONG_PROOF),
    )
    return next((reason for holds, reason in must_be if not holds), None)


def _why(code: AuthorizationCode | None, redemption: _Redemption) -> Reason:
    return Reason.CODE_USED_TWICE if code is not None and code.used else redemption.reason
