"""`/oauth2/authorize`: from an application's wish, over a person's word, to an answer for it.

The pages call this; it knows no HTML. A `Problem` is shown and sent nowhere. What else goes wrong
goes to the application, with `error`, its `state` and `iss` (RFC 6749 §4.1.2.1, RFC 9207).
Each request's parameters come once; a page refuses a repeated one (P99).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

import msgspec

from keyin.domain.authorization import AuthorizationRequest, Question
from keyin.domain.environment import Entropy, Millis
from keyin.domain.events import Act, Event
from keyin.domain.records import NO_SECRET, RecordId
from keyin.oauth.answering import RANDOM_BYTES, Answering, Found, active
from keyin.oauth.answering import Store as AnsweringStore
from keyin.oauth.authorization_request import Unfit, read_request
from keyin.oauth.consent import Asking, Consent, Problem, Redirect
from keyin.oauth.errors import Reason
from keyin.oauth.ports import Credentials, Peppers
from keyin.oauth.redirects import answer_at, host_of
from keyin.wire.jose import wrapped

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from keyin.domain.records import Digest
    from keyin.oauth.accounts import Account, Session

URI_PREFIX: Final = "urn:ietf:params:oauth:request_uri:"
QUESTION_MS: Final = 10 * 60_000
"""A person may need time to read."""
HELD_MS: Final = 20 * 60_000
"""A person may need time to sign in, much more than a pushed request lives (WCAG 2.2, 2.2.1)."""
NOBODY: Final = RecordId("")
"""Whose question it is while nobody has signed in for it."""


class Store(Credentials, AnsweringStore, Protocol):
    """What this reads and writes."""


class _Wish(msgspec.Struct, frozen=True, kw_only=True):
    found: Found
    request: AuthorizationRequest
    pushed: str | None
    """Its request_uri."""


class AuthorizationEndpoint(msgspec.Struct, frozen=True, kw_only=True):
    """Puts wishes to people; each method raises StoreUnavailable."""

    store: Store
    peppers: Peppers
    entropy: Entropy
    issuer: str

    async def begin(
        self, named: Mapping[str, str], *, account: Account, session: Session, now: Millis
    ) -> Consent | Redirect | Problem:
        """Use the request up and return the question that this person, here, may answer."""
        wish = await self._wish(named, now)
        if not isinstance(wish, _Wish):
            return wish
        pushed = self.peppers.digests("request_uri", wish.pushed) if wish.pushed else ()
        elsewhere = pushed or wish.found.public
        if not elsewhere and not await self.answering.first_challenge(wish.request, now):
            return self.answering.reused(wish.request)
        ends = Millis(now + QUESTION_MS)
        return await self._ask(wish, account.id, session.digest, ends, instead_of=pushed)

    async def hold(
        self, named: Mapping[str, str], *, now: Millis
    ) -> Asking | Consent | Redirect | Problem:
        """Say what is asked before anybody has signed in; what was pushed waits for `adopt`."""
        wish = await self._wish(named, now)
        if not isinstance(wish, _Wish):
            return wish
        if wish.pushed is None:
            return self._asking(wish)
        pushed = self.peppers.digests("request_uri", wish.pushed)
        ends = Millis(now + HELD_MS)
        return await self._ask(wish, NOBODY, NO_SECRET, ends, instead_of=pushed)

    async def adopt(
        self, txn: str, *, account: Account, session: Session, now: Millis
    ) -> Consent | Problem:
        """Put what was held to the person who has signed in for it, and to nobody else any more."""
        held = self.peppers.digests("txn", txn)
        question = await self.store.find_question(held)
        if question is None or now > question.expires or question.account_id != NOBODY:
            return Problem(Reason.REQUEST_URI)
        found = active(await self.store.find_registered(question.request.credential_id))
        if found is None:
            return Problem(Reason.CLIENT_NOT_ACTIVE)
        wish = _Wish(found=found, request=question.request, pushed=None)
        ends = Millis(now + QUESTION_MS)
        return await self._ask(wish, account.id, session.digest, ends, instead_of=held)

    async def _ask(
        self,
        wish: _Wish,
        account_id: RecordId,
        session: Digest,
        expires: Millis,
        *,
        instead_of: Sequence[Digest],
    ) -> Consent | Problem:
        txn = wrapped(self.entropy.token_bytes(RANDOM_BYTES))
        question = Question(
            digest=self.peppers.digests("txn", txn)[0],
            request=wish.request,
            account_id=account_id,
            session=session,
            expires=expires,
        )
        if not await self.store.ask(question, instead_of=instead_of):
            return Problem(Reason.REQUEST_URI)
        return Consent(txn=txn, asking=self._asking(wish))

    async def decide(  # noqa: PLR0913 - who, where, what, when
        self,
        txn: str,
        *,
        account: Account,
        session: Session,
        approve: bool,
        now: Millis,
        address: str | None = None,
        request_id: str | None = None,
    ) -> Redirect | Problem:
        """Answer a question once; only the person it was put to can, and only in that browser."""
        answering = self.answering
        answerable = await answering.answerable(txn, account=account, session=session, now=now)
        if isinstance(answerable, Problem):
            return answerable
        question, found = answerable
        if question.request.computer is not None:
            return Problem(Reason.DETAILS)  # its answer says more: see computer_approval
        event = Event(
            act=Act.CONSENT_GIVEN if approve else Act.CONSENT_DENIED,
            at=now,
            actor=account.id,
            client=found.client.id,
            site=found.client.lineage.site,
            address=address,
            request_id=request_id,
            detail={"scope": question.request.scope},
        )
        if not approve:
            return await answering.deny(question, event)
        return await answering.approve(question, found, account, event)

    @property
    def answering(self) -> Answering:
        """Return what writes answers down."""
        return Answering(
            store=self.store, peppers=self.peppers, entropy=self.entropy, issuer=self.issuer
        )

    async def _wish(self, named: Mapping[str, str], now: Millis) -> _Wish | Redirect | Problem:
        """Find the application first: where it is unknown, nothing else is looked at."""
        found = await self._of_client_id(named.get("client_id", ""))
        if found is None:
            return Problem(Reason.UNKNOWN_CLIENT)
        uri = named.get("request_uri")
        if uri is not None:
            return await self._pushed(uri, found, now)
        if found.application.par_required:
            return Problem(Reason.REQUEST_URI)
        request = read_request(named, found.application, issuer=self.issuer)
        if not isinstance(request, Unfit):
            return _Wish(found=found, request=request, pushed=None)
        if request.redirect_uri is None:
            return Problem(request.reason)
        return self._unfit(request, request.redirect_uri)

    async def _pushed(self, uri: str, found: Found, now: Millis) -> _Wish | Problem:
        """Find what was pushed; other parameters beside it say nothing (RFC 9126 §4)."""
        pushed = await self.store.find_pushed(self.peppers.digests("request_uri", uri))
        own = pushed is not None and pushed.request.credential_id == found.credential.id
        if pushed is None or not own or now > pushed.expires:
            return Problem(Reason.REQUEST_URI)
        return _Wish(found=found, request=pushed.request, pushed=uri)

    async def _of_client_id(self, client_id: str) -> Found | None:
        pair = await self.store.find_credential(client_id)
        if pair is None or pair[1] is None:
            return None
        application = await self.store.find_application(pair[0].id)
        return None if application is None else active((pair[0], pair[1], application))

    def _asking(self, wish: _Wish) -> Asking:
        found, request = wish.found, wish.request
        return Asking(
            client_id=found.credential.oauth2_client_id,
            name=found.client.name,
            site=found.client.lineage.site,
            scopes=tuple(request.scope.split(" ")),
            redirect_uri=request.redirect_uri,
            redirect_host=host_of(request.redirect_uri),
            native=found.application.native,
            refusal=self.answering.denied(request).url,
            computer=request.computer,
            jkt=request.jkt,
            address=request.address,
        )

    def _unfit(self, unfit: Unfit, uri: str) -> Redirect:
        answer = (
            *(("error", unfit.code.value), ("error_description", unfit.description)),
            *(("state", unfit.state), ("iss", self.issuer)),
        )
        return Redirect(answer_at(uri, answer))
