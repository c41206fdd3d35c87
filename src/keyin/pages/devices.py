"""`/device`: a person lets in a device that has no browser (RFC 8628, RFC 10027).

Sign in first, then type the code; nothing fills it in. The question says from where the device
asked, for whoever talks people into typing codes sits somewhere else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from keyin.domain.address_text import address_text
from keyin.domain.errors import msgid
from keyin.domain.events import Act
from keyin.oauth.computer_approval import Answer
from keyin.oauth.device import Unknown
from keyin.pages import computer_questions
from keyin.pages.desk import fresh, visit
from keyin.pages.seals import Onward
from keyin.pages.texts import SCOPES, Trouble, plain
from keyin.wire.pages import Page

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keyin.oauth.consent import Choice
    from keyin.oauth.device import DeviceAsking, DevicePage
    from keyin.oauth.sign_in import SignedIn
    from keyin.pages.desk import Desk
    from keyin.wire.pages import PageRequest

DEVICE: Final = Onward(to="device")
_ANSWERS: Final = {"approve": Answer.APPROVE, "deny": Answer.DENY, "report": Answer.REPORT}
NO_SUCH_CODE: Final = msgid("No device waits for this code. Look at the device and type it again.")
TOO_MANY: Final = msgid("There were too many wrong codes. Wait ten minutes, then begin again.")


class Devices(msgspec.Struct, frozen=True):
    """See above."""

    desk: Desk
    page: DevicePage

    async def show(self, request: PageRequest) -> Page:
        """Ask for the code, once the person has signed in."""
        who = fresh(await self.desk.who(request), request)
        return self._ask(request, who) if who else self.desk.to_sign_in(DEVICE)

    async def look_up(self, request: PageRequest) -> Page:
        """Put the device's wish to the person."""
        recent = await self._sender(request)
        if isinstance(recent, Page):
            return recent
        code = (request.form or {}).get("code", "")
        outcome = await self.page.look_up(
            code,
            account=recent.account,
            now=request.now,
            address=address_text(request.address),
        )
        if isinstance(outcome, Unknown):
            return self._unknown(request, recent, outcome, code)
        return await self._question(request, recent, outcome, code)

    async def decide(self, request: PageRequest) -> Page:
        """Take the answer."""
        recent = await self._sender(request)
        if isinstance(recent, Page):
            return recent
        form = request.form or {}
        code, decision = form.get("code", ""), form.get("decision")
        if "client_name" in form:
            return await self._computer(request, recent, code, _ANSWERS.get(decision or ""))
        if decision not in {"approve", "deny"}:
            return self.desk.trouble(Trouble.REQUEST, request, recent)
        outcome = await self.page.decide(
            code,
            account=recent.account,
            act=Act.CONSENT_GIVEN if decision == "approve" else Act.CONSENT_DENIED,
            now=request.now,
            address=address_text(request.address),
            request_id=request.request_id,
        )
        return self._done(request, recent, outcome, code, approved=decision == "approve")

    async def _computer(
        self, request: PageRequest, who: SignedIn, code: str, answer: Answer | None
    ) -> Page:
        """Take the answer about a computer; what is to be called otherwise is looked at first."""
        asking = await self.page.look_up(
            code, account=who.account, now=request.now, address=address_text(request.address)
        )
        if isinstance(asking, Unknown):
            return self._unknown(request, who, asking, code)
        if asking.computer is None:
            return self.desk.trouble(Trouble.REQUEST, request, who)
        choice, errors = await computer_questions.judged(
            self.desk, who, request.form or {}, asking.computer, answer
        )
        if answer is None or errors:
            return await self._question(request, who, asking, code, choice, errors)
        outcome = await self.desk.services.computers.decide_device(
            self.page, code, answer, choice, who=who, visit=visit(request)
        )
        if answer is Answer.REPORT and outcome is True:
            return computer_questions.reported(self.desk, request, who, asking.address)
        return self._done(request, who, outcome, code, approved=answer is Answer.APPROVE)

    def _done(
        self,
        request: PageRequest,
        who: SignedIn,
        outcome: bool | Unknown,  # noqa: FBT001 - whether it was the first answer
        code: str,
        *,
        approved: bool,
    ) -> Page:
        if isinstance(outcome, Unknown):
            return self._unknown(request, who, outcome, code)
        if not outcome:
            return self.desk.trouble(Trouble.EXPIRED, request, who)
        return self.desk.shown("device_done", request, who, approved=approved)

    async def _sender(self, request: PageRequest) -> SignedIn | Page:
        """Return who sent a form of ours and signed in just now; else what to show them."""
        who = await self.desk.who(request)
        if who is not None and not self.desk.sent_by(request, who):
            return self.desk.trouble(Trouble.FORM, request, who)
        return fresh(who, request) or self.desk.to_sign_in(DEVICE)

    def _unknown(self, request: PageRequest, who: SignedIn, unknown: Unknown, code: str) -> Page:
        status, error = (429, TOO_MANY) if unknown.too_many else (400, NO_SUCH_CODE)
        return self._ask(request, who, status=status, code=code, error=error)

    def _ask(
        self,
        request: PageRequest,
        who: SignedIn,
        **context: Any,  # noqa: ANN401 - whatever the template shows
    ) -> Page:
        return self.desk.shown("device", request, who, **{"code": "", "error": None, **context})

    async def _question(
        self,
        request: PageRequest,
        who: SignedIn,
        asking: DeviceAsking,
        code: str,
        choice: Choice | None = None,
        errors: Mapping[str, str] | None = None,
    ) -> Page:
        if asking.computer is not None:
            sites = await self.desk.services.computers.sites(who.account)
            asked = computer_questions.Asked(
                computer=asking.computer,
                jkt=asking.jkt,
                address=asking.address,
                choice=choice or computer_questions.first_choice(asking.computer, sites),
                sites=sites,
                action="/device/decision",
                hidden={"code": code},
                at_device=True,
                errors=errors or {},
            )
            return computer_questions.question(self.desk, request, who, asked)
        return self.desk.shown(
            "device_question",
            request,
            who,
            asked=asking,
            name=plain(asking.name or asking.client_id),
            site=plain(asking.site or "") or None,
            code=code,
            rights=[SCOPES[scope] for scope in asking.scopes if scope in SCOPES],
            others=[scope for scope in asking.scopes if scope not in SCOPES],
        )
