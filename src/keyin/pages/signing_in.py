"""`/login` and `/logout`: in, out, and out everywhere (M1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from keyin.domain.errors import msgid
from keyin.domain.secret import Secret
from keyin.oauth.sign_in import Halfway, NotSignedIn
from keyin.pages.answers import cookie, no_cookie, see_other
from keyin.pages.desk import fresh, visit
from keyin.pages.guard import BEFORE, SESSION
from keyin.pages.seals import ACCOUNT, Onward
from keyin.pages.second_step import refused
from keyin.pages.texts import Trouble

if TYPE_CHECKING:
    from keyin.oauth.sign_in import SignedIn
    from keyin.pages.desk import Desk
    from keyin.pages.second_step import SecondStep
    from keyin.wire.pages import Header, Page, PageRequest

WRONG: Final = msgid("The name and the password do not belong together.")
NO_NAME: Final = msgid("Enter your name.")
NO_PASSWORD: Final = msgid("Enter your password.")


class SigningIn(msgspec.Struct, frozen=True):
    """See above."""

    desk: Desk
    second: SecondStep

    async def show(self, request: PageRequest) -> Page:
        """Show the form; who has signed in just now goes on."""
        if request.query is None:
            return self.desk.trouble(Trouble.REQUEST, request, None)
        onward = self._onward(request.query.get("next", ""))
        who = await self.desk.who(request)
        if fresh(who, request):
            return see_other(onward.path())
        before = self.desk.guard.before(request)
        if before is not None:
            return self._form(request, onward, before, name=who.account.name if who else "")
        before = self.desk.guard.new()
        return self._form(
            request, onward, before, cookie(BEFORE, before), name=who.account.name if who else ""
        )

    async def take(self, request: PageRequest) -> Page:
        """Check name and password; a new session takes the place of any before."""
        desk, form = self.desk, request.form or {}
        before = desk.guard.before(request)
        if before is None or not desk.guard.holds(request, before):
            return desk.trouble(Trouble.FORM, request, None)
        onward = self._onward(form.get("next", ""))
        name, password = form.get("name", ""), form.get("password", "")
        if not name.strip() or not password:
            return self._incomplete(request, onward, before, name=name, password=bool(password))
        outcome = await desk.services.sign_in.sign_in(
            name, Secret(password), before=desk.guard.session(request), visit=visit(request)
        )
        if isinstance(outcome, NotSignedIn):
            return self._refused(request, onward, before, outcome, name=name)
        if isinstance(outcome, Halfway):
            return self.second.ask(request, onward, before, outcome)
        cookies = (cookie(SESSION, outcome.token.reveal()), no_cookie(BEFORE))
        return see_other(onward.path(), *cookies)

    async def leave(self, request: PageRequest) -> Page:
        """Sign out here, or everywhere."""
        desk = self.desk
        who = await desk.who(request)
        if who is None:
            return see_other("/logout")
        if not desk.sent_by(request, who):
            return desk.trouble(Trouble.FORM, request, who)
        sign_in = desk.services.sign_in
        everywhere = (request.form or {}).get("everywhere") == "yes"
        leave = sign_in.sign_out_everywhere if everywhere else sign_in.sign_out
        await leave(who, visit(request))
        return see_other("/logout", no_cookie(SESSION))

    async def left(self, request: PageRequest) -> Page:
        """Say that nobody is signed in here any more, where that is so."""
        who: SignedIn | None = await self.desk.who(request)
        return see_other("/account") if who else self.desk.shown("signed_out", request, None)

    def _onward(self, text: str) -> Onward:
        return self.desk.seals.opened(text, Onward) or ACCOUNT

    def _incomplete(
        self, request: PageRequest, onward: Onward, before: str, *, name: str, password: bool
    ) -> Page:
        errors = {
            **({} if name.strip() else {"name": NO_NAME}),
            **({} if password else {"password": NO_PASSWORD}),
        }
        return self._form(request, onward, before, status=400, name=name, errors=errors)

    def _refused(
        self, request: PageRequest, onward: Onward, before: str, outcome: NotSignedIn, *, name: str
    ) -> Page:
        headers, context = refused(outcome, {"name": WRONG})
        return self._form(request, onward, before, *headers, name=name, **context)

    def _form(
        self,
        request: PageRequest,
        onward: Onward,
        before: str,
        *more: Header,
        **context: Any,  # noqa: ANN401 - whatever the template shows
    ) -> Page:
        return self.desk.shown(
            "sign_in",
            request,
            None,
            *more,
            **{
                "onward": self.desk.seals.seal(onward),
                "application": onward.application,
                "back": onward.back,
                "errors": {},
                "minutes": 0,
                **context,
                "proof": self.desk.guard.proof(before),
            },
        )
