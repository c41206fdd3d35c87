"""Suspend, resume, revoke, let in again: asked once more before what cannot be undone (M6)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from keyin.domain.errors import msgid
from keyin.oauth.managed_ports import Acted
from keyin.pages.answers import see_other
from keyin.pages.computers import LIST, shown
from keyin.pages.desk import visit
from keyin.pages.forms import Form
from keyin.pages.manage_texts import REASONS
from keyin.pages.texts import Trouble
from keyin.wire.pages import Page

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from keyin.oauth.managing import Computer, Managing
    from keyin.oauth.sign_in import SignedIn
    from keyin.pages.computers import Computers
    from keyin.pages.desk import Desk
    from keyin.wire.pages import PageRequest

NOT_SURE: Final = msgid("Tick the box if you mean it.")
TROUBLES: Final = {
    Acted.NOT_THERE: Trouble.NOT_THERE,
    Acted.NOT_ALLOWED: Trouble.NOT_YOURS,
    Acted.OVER: Trouble.OVER,
}


class ComputerActs(msgspec.Struct, frozen=True, kw_only=True):
    """See above."""

    desk: Desk
    computers: Computers
    managing: Managing

    async def ask_suspend(self, request: PageRequest) -> Page:
        """Say what it means to stop a computer for a while."""
        return await self._ask(request, "suspend")

    async def ask_revoke(self, request: PageRequest) -> Page:
        """Say what it means to take a computer out."""
        return await self._ask(request, "revoke")

    async def suspend(self, request: PageRequest) -> Page:
        """Stop it for a while."""
        return await self._act(request, "suspend", self.managing.suspend)

    async def revoke(self, request: PageRequest) -> Page:
        """Take it out for ever."""
        return await self._act(request, "revoke", self.managing.revoke)

    async def resume(self, request: PageRequest) -> Page:
        """Let a stopped one go on."""
        return await self._act_at_once(request, self.managing.resume)

    async def approve(self, request: PageRequest) -> Page:
        """Let one in again that came back: the one click."""
        return await self._act_at_once(request, self.managing.approve)

    async def _act_at_once(self, request: PageRequest, do: Callable[..., Awaitable[Acted]]) -> Page:
        found = await self.computers.changeable(request)
        if isinstance(found, Page):
            return found
        who, computer = found
        id_ = computer.picture.client.id
        acted = await do(who.account, id_, visit=visit(request))
        return self._after(request, who, acted, id_)

    async def _ask(self, request: PageRequest, act: str) -> Page:
        found = await self.computers.changeable(request, then=f"/{act}")
        if isinstance(found, Page):
            return found
        return self._question(request, *found, act, Form({}))

    async def _act(
        self, request: PageRequest, act: str, do: Callable[..., Awaitable[Acted]]
    ) -> Page:
        found = await self.computers.changeable(request, then=f"/{act}")
        if isinstance(found, Page):
            return found
        who, computer = found
        form = Form(request.form or {})
        reason = form.choice("reason", REASONS)
        if act == "revoke" and form.text("sure") != "yes":
            form.errors["sure"] = NOT_SURE
        if form.errors:
            return self._question(request, who, computer, act, form, status=400)
        id_ = computer.picture.client.id
        acted = await do(who.account, id_, reason=reason, visit=visit(request))
        return self._after(request, who, acted, id_)

    def _question(
        self,
        request: PageRequest,
        who: SignedIn,
        computer: Computer,
        act: str,
        form: Form,
        status: int = 200,
    ) -> Page:
        return self.desk.shown(
            "computer_act",
            request,
            who,
            status=status,
            here="computers",
            act=act,
            reasons=REASONS,
            why=form.text("reason"),
            errors=form.errors,
            **shown(computer),
        )

    def _after(self, request: PageRequest, who: SignedIn, acted: Acted, id_: str) -> Page:
        if acted in TROUBLES:
            return self.desk.trouble(TROUBLES[acted], request, who)
        return see_other(f"{LIST}/{id_}")
