"""`/device`: a person lets in a device that has no browser (RFC 8628, RFC 10027).

Sign in first, then type the code; nothing fills it in. The question says from where the device
asked, for whoever talks people into typing codes sits somewhere else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from keyin.domain.address_text import address_text
from keyin.domain.errors import msgid
from keyin.oauth.device import Unknown
from keyin.pages.desk import fresh
from keyin.pages.seals import Onward
from keyin.pages.texts import SCOPES, Trouble, plain
from keyin.wire.pages import Page

if TYPE_CHECKING:
    from keyin.oauth.device import DeviceAsking, DevicePage
    from keyin.oauth.sign_in import SignedIn
    from keyin.pages.desk import Desk
    from keyin.wire.pages import PageRequest

DEVICE: Final = Onward(to="device")
NO_SUCH_CODE: Final = msgid("No device waits for this code. Look at the device and type it again.")
TOO_MANY: Final = msgid("There were too many wrong codes. Wait ten minutes, then begin again.")


@dataclass(frozen=True, slots=True)
class Devices:
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
        return self._question(request, recent, outcome, code)

    async def decide(self, request: PageRequest) -> Page:
        """Take the answer."""
        recent = await self._sender(request)
        if isinstance(recent, Page):
            return recent
        form = request.form or {}
        code, decision = form.get("code", ""), form.get("decision")
        if decision not in {"approve", "deny"}:
            return self.desk.trouble(Trouble.REQUEST, request, recent)
        outcome = await self.page.decide(
            code,
            account=recent.account,
            approve=decision == "approve",
            now=request.now,
            address=address_text(request.address),
            request_id=request.request_id,
        )
        if isinstance(outcome, Unknown):
            return self._unknown(request, recent, outcome, code)
        if not outcome:
            return self.desk.trouble(Trouble.EXPIRED, request, recent)
        return self.desk.shown("device_done", request, recent, approved=decision == "approve")

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

    def _question(
        self, request: PageRequest, who: SignedIn, asking: DeviceAsking, code: str
    ) -> Page:
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
