"""`/manage/installations/new` and `/manage/enrolment-codes`: one more computer (M3).

A code is shown once, in the answer to the form, and nowhere else: the store has its digest. Whether
it was used, and by which computer, stands on the page of the code.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from keyin.domain.enrolment import Computer, InitialAccessKind, Template
from keyin.oauth.initial_access import NewAccess
from keyin.pages.desk import by
from keyin.pages.forms import Form
from keyin.pages.manage_texts import LIVES, TYPES
from keyin.wire.enrolment_code import code_of
from keyin.wire.pages import Page

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keyin.oauth.initial_access import InitialAccessService
    from keyin.oauth.managing import Managing
    from keyin.oauth.sign_in import SignedIn
    from keyin.pages.desk import Desk
    from keyin.wire.pages import PageRequest

ADD: Final = "/manage/installations/new"
CODE: Final = "/manage/enrolment-codes/new"
FIELDS: Final = ("name", "type", "site", "life")
_MINUTE: Final = 60_000


class Adding(msgspec.Struct, frozen=True, kw_only=True):
    """See above."""

    desk: Desk
    managing: Managing
    access: InitialAccessService

    async def show(self, request: PageRequest) -> Page:
        """Show the ways to add a computer."""
        who = await self.desk.visitor(request, ADD)
        if isinstance(who, Page):
            return who
        issuer = self.desk.services.issuer
        return self.desk.shown("add", request, who, here="add", issuer=issuer)

    async def ask(self, request: PageRequest) -> Page:
        """Ask for which computer a code shall be."""
        who = await self.desk.visitor(request, CODE, recent=True, query=_kept(request.query))
        if isinstance(who, Page):
            return who
        return await self._form(request, who, Form(_kept(request.query)))

    async def make(self, request: PageRequest) -> Page:
        """Make a code, and show it this once."""
        who = await self.desk.visitor(request, CODE, recent=True, query=_kept(request.form))
        if isinstance(who, Page):
            return who
        form = Form(request.form or {})
        name, kind = form.name("name"), form.choice("type", TYPES)
        life, site = form.choice("life", LIVES), form.text("site")
        sites = await self.managing.sites(who.account)
        if site:
            form.choice("site", sites)
        if form.errors:
            return await self._form(request, who, form, status=400)
        wish = NewAccess(
            kind=InitialAccessKind.CODE,
            owner=who.account.id,
            site=site or None,
            label=name,
            template=Template(computer_type=kind),
            lifetime_ms=int(life) * _MINUTE,
            computer=Computer(name=name, computer_type=kind),
        )
        minted = await self.access.make(wish, by(request, who))
        return self.desk.shown(
            "code",
            request,
            who,
            here="add",
            code=code_of(minted.token).reveal(),
            name=name,
            life=LIVES[life],
            expires=minted.record.expires,
            id=minted.record.id,
            issuer=self.desk.services.issuer,
        )

    async def _form(
        self,
        request: PageRequest,
        who: SignedIn,
        form: Form,
        **more: Any,  # noqa: ANN401 - the status
    ) -> Page:
        return self.desk.shown(
            "code_new",
            request,
            who,
            here="add",
            given={name: form.given.get(name, "") for name in FIELDS},
            errors=form.errors,
            types=TYPES,
            lives=LIVES,
            sites=await self.managing.sites(who.account),
            **more,
        )


def _kept(given: Mapping[str, str] | None) -> dict[str, str]:
    """Return what somebody typed already, so that a sign-in in between costs nothing."""
    found = given or {}
    return {name: found[name][:200] for name in FIELDS if found.get(name)}
