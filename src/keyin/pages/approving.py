"""`/oauth2/authorize`: an application asks a person, who approves or does not (M9).

Nothing is remembered: every wish is a question. Both the question and the answer need a sign-in
that is at most five minutes old (P55); a person who took longer signs in anew and sees the same
question again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

import msgspec
from msgspec.structs import replace

from keyin.domain.address_text import address_text
from keyin.domain.records import Digest
from keyin.oauth.accounts import is_fresh
from keyin.oauth.computer_approval import NOES, Answer, Reported, ShownCode
from keyin.oauth.consent import Consent, Problem, Redirect
from keyin.oauth.errors import Reason
from keyin.pages import computer_questions
from keyin.pages.answers import form_action, see_other
from keyin.pages.desk import fresh, visit
from keyin.pages.seals import ACCOUNT, Onward, Shown
from keyin.pages.texts import SCOPES, Trouble, plain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keyin.domain.enrolment import Computer
    from keyin.oauth.consent import Asking, Choice
    from keyin.oauth.sign_in import SignedIn
    from keyin.pages.desk import Desk
    from keyin.wire.pages import Page, PageRequest

_ANSWERS: Final = {
    "approve": Answer.APPROVE,
    "deny": Answer.DENY,
    "report": Answer.REPORT,
    "code": Answer.CODE,
}
LONGEST: Final = 6000
"""Characters of a request that can be carried over a sign-in."""


class Approving(msgspec.Struct, frozen=True):
    """See above."""

    desk: Desk

    async def begin(self, request: PageRequest) -> Page:
        """Put the wish to the person, once they have signed in."""
        who = await self.desk.who(request)
        named = request.query
        if named is None or sum(len(name) + len(value) for name, value in named.items()) > LONGEST:
            return self.desk.trouble(Trouble.REQUEST, request, who)
        recent = fresh(who, request)
        if recent is None:
            return await self._sign_in_first(request, who, named)
        outcome = await self.desk.services.authorization.begin(
            named, account=recent.account, session=recent.session, now=request.now
        )
        if not isinstance(outcome, Consent):
            return self._elsewhere(outcome, request, who)
        return await self._put(request, recent, _shown(outcome.txn, outcome.asking, recent))

    async def again(self, request: PageRequest) -> Page:
        """Show a question that had to wait for a sign-in, for the first time or again."""
        who = await self.desk.who(request)
        query = request.query or {}
        if who is not None and "held" in query and is_fresh(who.session, request.now):
            return await self._adopt(request, who, query["held"])
        text = query.get("question", "")
        shown = self.desk.seals.opened(text, Shown)
        recent = fresh(who, request)
        if recent is None:
            return self._wait(shown, text)
        if shown is None:
            return self.desk.trouble(Trouble.REQUEST, request, who)
        return await self._question(request, recent, shown)

    async def _adopt(self, request: PageRequest, who: SignedIn, txn: str) -> Page:
        outcome = await self.desk.services.authorization.adopt(
            txn, account=who.account, session=who.session, now=request.now
        )
        if isinstance(outcome, Problem):
            return self._elsewhere(outcome, request, who)
        return await self._put(request, who, _shown(outcome.txn, outcome.asking, who))

    async def _put(self, request: PageRequest, who: SignedIn, shown: Shown) -> Page:
        """Show a question; one about a computer at an address of its own, to be loaded again."""
        if shown.computer is None:
            return await self._question(request, who, shown)
        return see_other(f"/oauth2/authorize/question?question={self.desk.seals.seal(shown)}")

    async def decide(self, request: PageRequest) -> Page:
        """Take the answer, and lead the person back to the application."""
        desk, form = self.desk, request.form or {}
        who = await desk.who(request)
        text = form.get("question", "")
        shown = desk.seals.opened(text, Shown)
        if who is not None and not desk.sent_by(request, who):
            return desk.trouble(Trouble.FORM, request, who)
        recent = fresh(who, request)
        decision = form.get("decision")
        if shown is not None and shown.computer is not None and who is not None:
            return await self._computer_decided(request, who, shown, shown.computer)
        if recent is None:
            return self._wait(shown, text)
        if shown is None or decision not in {"approve", "deny"}:
            return desk.trouble(Trouble.REQUEST, request, who)
        outcome = await self._decided(request, recent, shown, approve=decision == "approve")
        return self._led_back(outcome, request, recent, shown)

    def _led_back(
        self, outcome: Redirect | Problem, request: PageRequest, who: SignedIn, shown: Shown
    ) -> Page:
        """Lead the browser to who asked; by a link where a policy cannot name that place."""
        if isinstance(outcome, Redirect) and form_action(shown.redirect_uri) is None:
            return self.desk.shown("onward", request, who, asked=shown, url=outcome.url)
        return self._elsewhere(outcome, request, who)

    async def _computer_decided(
        self, request: PageRequest, who: SignedIn, shown: Shown, computer: Computer
    ) -> Page:
        """Take the answer about a computer, with what the person would have of it."""
        form = request.form or {}
        answer = _ANSWERS.get(form.get("decision", ""))
        choice, errors = await computer_questions.judged(self.desk, who, form, computer, answer)
        kept = not errors and answer not in NOES
        edited = replace(shown, chosen=choice) if kept else shown
        recent = fresh(who, request)
        if recent is None:
            return self._wait(edited, self.desk.seals.seal(edited))
        if answer is None or errors:
            return await self._question(request, recent, edited, choice, errors)
        outcome = await self.desk.services.computers.decide(
            shown.txn,
            answer,
            choice,
            who=replace(recent, session=replace(recent.session, digest=Digest(shown.session))),
            visit=visit(request),
        )
        if isinstance(outcome, ShownCode):
            return self.desk.shown(
                "computer_code",
                request,
                who,
                code=outcome.code.reveal(),
                minutes=outcome.minutes,
                name=outcome.name,
            )
        if isinstance(outcome, Reported):
            return computer_questions.reported(self.desk, request, who, shown.address)
        return self._led_back(outcome, request, who, shown)

    async def _decided(
        self, request: PageRequest, who: SignedIn, shown: Shown, *, approve: bool
    ) -> Redirect | Problem:
        # The question belongs to the session in which it was asked; whoever signed in anew for it
        # has another by now, and the seal says which it was.
        return await self.desk.services.authorization.decide(
            shown.txn,
            account=who.account,
            session=replace(who.session, digest=Digest(shown.session)),
            approve=approve,
            now=request.now,
            address=address_text(request.address),
            request_id=request.request_id,
        )

    async def _sign_in_first(
        self, request: PageRequest, who: SignedIn | None, named: Mapping[str, str]
    ) -> Page:
        outcome = await self.desk.services.authorization.hold(named, now=request.now)
        if isinstance(outcome, (Redirect, Problem)):
            return self._elsewhere(outcome, request, who)
        if isinstance(outcome, Consent):
            return self._to_sign_in("question", {"held": outcome.txn}, outcome.asking)
        return self._to_sign_in("authorize", dict(named), outcome)

    def _to_sign_in(
        self, place: Literal["question", "authorize"], query: dict[str, str], asking: Asking
    ) -> Page:
        onward = Onward(to=place, query=query, application=_name(asking), back=asking.refusal)
        return self.desk.to_sign_in(onward)

    def _wait(self, shown: Shown | None, text: str) -> Page:
        if shown is None:
            return self.desk.to_sign_in(ACCOUNT)
        query = {"question": text}
        onward = Onward(to="question", query=query, application=shown.name, back=shown.refusal)
        return self.desk.to_sign_in(onward)

    async def _question(
        self,
        request: PageRequest,
        who: SignedIn,
        shown: Shown,
        choice: Choice | None = None,
        errors: Mapping[str, str] | None = None,
    ) -> Page:
        if shown.computer is not None:
            sites = await self.desk.services.computers.sites(who.account)
            usual = shown.chosen or computer_questions.first_choice(shown.computer, sites)
            asked = computer_questions.Asked(
                computer=shown.computer,
                jkt=shown.jkt,
                address=shown.address,
                choice=choice or usual,
                sites=sites,
                action="/oauth2/authorize/decision",
                hidden={"question": self.desk.seals.seal(shown)},
                form_target=form_action(shown.redirect_uri),
                errors=errors or {},
            )
            return computer_questions.question(self.desk, request, who, asked)
        return self.desk.shown(
            "consent",
            request,
            who,
            form_target=form_action(shown.redirect_uri),
            question=self.desk.seals.seal(shown),
            asked=shown,
            rights=[SCOPES[scope] for scope in shown.scopes if scope in SCOPES],
            others=[scope for scope in shown.scopes if scope not in SCOPES],
        )

    def _elsewhere(
        self, outcome: Redirect | Problem, request: PageRequest, who: SignedIn | None
    ) -> Page:
        if isinstance(outcome, Redirect):
            return see_other(outcome.url)
        expired = outcome.reason is Reason.REQUEST_URI
        trouble = Trouble.EXPIRED if expired else Trouble.APPLICATION
        return self.desk.trouble(trouble, request, who)


def _shown(txn: str, asking: Asking, who: SignedIn) -> Shown:
    return Shown(
        txn=txn,
        session=who.session.digest,
        name=_name(asking),
        site=plain(asking.site or "") or None,
        scopes=asking.scopes,
        redirect_uri=asking.redirect_uri,
        redirect_host=asking.redirect_host,
        refusal=asking.refusal,
        computer=asking.computer,
        jkt=asking.jkt,
        address=asking.address,
    )


def _name(asking: Asking) -> str:
    return plain(asking.name or asking.client_id)
