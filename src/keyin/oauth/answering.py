"""A person's answer to a question: written down once, and brought to the application that asked.

Where it goes was checked when the question was made, and is checked again here: a record may have
changed meanwhile. Every answer has `iss` and the application's own `state` (RFC 9207, RFC 6749
§4.1.2).
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Final, Protocol

import msgspec
from msgspec.structs import replace

from keyin.domain.applications import AuthMethod
from keyin.domain.authorization import Code as AuthorizationCode
from keyin.domain.environment import Entropy, Millis
from keyin.domain.records import Client, Credential, ProofUse, Status
from keyin.domain.secret import equal
from keyin.oauth.consent import Problem, Redirect
from keyin.oauth.errors import Code, Reason
from keyin.oauth.flow_ports import Applications, Authorizations
from keyin.oauth.ports import Peppers, Replays
from keyin.oauth.redirects import answer_at, fits
from keyin.wire.jose import wrapped

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keyin.domain.applications import Application
    from keyin.domain.authorization import AuthorizationRequest, Question
    from keyin.domain.enrolment import Computer, Notice
    from keyin.domain.events import Event
    from keyin.oauth.accounts import Account, Session

CODE_MS: Final = 60_000
KEPT_MS: Final = CODE_MS + 16 * 60_000
"""A used code is known again for as long as its token may live."""
KEPT_OF_COMPUTER_MS: Final = 24 * 60 * 60_000
"""A computer lives on: so long its code, come again, takes it back (ADR 33)."""
CHALLENGE_MS: Final = 24 * 60 * 60_000
RANDOM_BYTES: Final = 32  # 256 bits (ASVS 11.5.1)


class Store(Applications, Authorizations, Replays, Protocol):
    """What this reads and writes."""


class Found(msgspec.Struct, frozen=True):
    """An application that may ask."""

    credential: Credential
    client: Client
    application: Application

    @property
    def public(self) -> bool:
        """Whether it proves nothing: its challenge is then used up when a person says yes."""
        return self.application.auth_method is AuthMethod.NONE


class Approved(msgspec.Struct, frozen=True, kw_only=True):
    """What a person said yes to, of a computer: it may differ from what that asked for."""

    computer: Computer
    site: str | None


class Answering(msgspec.Struct, frozen=True, kw_only=True):
    """Writes answers; each method raises StoreUnavailable."""

    store: Store
    peppers: Peppers
    entropy: Entropy
    issuer: str

    async def answerable(
        self, txn: str, *, account: Account, session: Session, now: Millis
    ) -> tuple[Question, Found] | Problem:
        """Return the question that this person may answer in this browser, and whose it is."""
        question = await self.store.find_question(self.peppers.digests("txn", txn))
        if question is None or now > question.expires:
            return Problem(Reason.REQUEST_URI)
        if question.account_id != account.id or not equal(question.session, session.digest):
            return Problem(Reason.REQUEST_URI)
        found = active(await self.store.find_registered(question.request.credential_id))
        if found is None or not fits(question.request.redirect_uri, found.application):
            return Problem(Reason.CLIENT_NOT_ACTIVE)
        return question, found

    async def deny(
        self, question: Question, event: Event, told: Sequence[Notice] = ()
    ) -> Redirect | Problem:
        """Write a no down."""
        if not await self.store.decide(question.digest, None, event=event, told=told):
            return Problem(Reason.REQUEST_URI)
        return self.denied(question.request)

    async def approve(
        self,
        question: Question,
        found: Found,
        account: Account,
        event: Event,
        approved: Approved | None = None,
    ) -> Redirect | Problem:
        """Write a yes down, once for each challenge of who proves nothing (P8)."""
        request, now = question.request, event.at
        if found.public and not await self.first_challenge(request, now):
            return self.reused(request)
        text = wrapped(self.entropy.token_bytes(RANDOM_BYTES))
        kept = KEPT_MS if approved is None else KEPT_OF_COMPUTER_MS
        code = AuthorizationCode(
            digest=self.peppers.digests("code", text)[0],
            request=replace(request, computer=approved.computer) if approved else request,
            account_id=account.id,
            account_epoch=account.epoch,
            expires=Millis(now + CODE_MS),
            kept_until=Millis(now + kept),
            site=approved.site if approved else None,
        )
        if not await self.store.decide(question.digest, code, event=event):
            return Problem(Reason.REQUEST_URI)
        return self._redirect(request, ("code", text))

    async def first_challenge(self, request: AuthorizationRequest, now: Millis) -> bool:
        """Use a challenge up; say whether it came for the first time."""
        return await self.store.remember([challenge_use(request, now)], now=now)

    def reused(self, request: AuthorizationRequest) -> Redirect:
        """Say that a challenge came before."""
        return self._error(request, Code.INVALID_REQUEST, "This code_challenge was used")

    def denied(self, request: AuthorizationRequest) -> Redirect:
        """Say that the person said no."""
        return self._error(request, Code.ACCESS_DENIED, "The person said no")

    def _error(self, request: AuthorizationRequest, code: Code, description: str) -> Redirect:
        return self._redirect(request, ("error", code.value), ("error_description", description))

    def _redirect(self, request: AuthorizationRequest, *answer: tuple[str, str]) -> Redirect:
        more = (("state", request.state), ("iss", self.issuer))
        return Redirect(answer_at(request.redirect_uri, (*answer, *more)))


def challenge_use(request: AuthorizationRequest, now: Millis) -> ProofUse:
    """Return what is remembered of a challenge, so that one that never changes is refused (P8)."""
    text = f"{request.credential_id}\0{request.code_challenge}"
    return ProofUse(
        namespace="challenge",
        digest=sha256(text.encode()).hexdigest(),
        expires=Millis(now + CHALLENGE_MS),
    )


def active(registered: tuple[Credential, Client, Application] | None) -> Found | None:
    """Return an application if it may ask now."""
    if registered is None or {one.status for one in registered[:2]} != {Status.ACTIVE}:
        return None
    return Found(*registered)
