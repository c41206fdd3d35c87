"""`/account/email`: where news of a person's computers is mailed to, and in which language."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from keyin.domain.errors import msgid
from keyin.oauth.accounts import is_email
from keyin.pages.answers import see_other
from keyin.pages.desk import visit
from keyin.pages.forms import Form
from keyin.wire.pages import Page

if TYPE_CHECKING:
    from keyin.oauth.own_account import OwnAccount
    from keyin.oauth.sign_in import SignedIn
    from keyin.pages.desk import Desk
    from keyin.wire.pages import PageRequest

HERE: Final = "/account/email"
NO_EMAIL: Final = msgid("Mail cannot go there. Write it like ada@example.org, or leave it empty.")
LANGUAGES: Final = {"": msgid("As the service writes"), "en": "English", "de": "Deutsch"}


class OwnEmailPage(msgspec.Struct, frozen=True, kw_only=True):
    """See above."""

    desk: Desk
    own: OwnAccount

    async def show(self, request: PageRequest) -> Page:
        """Show where it goes."""
        who = await self._recent(request)
        if isinstance(who, Page):
            return who
        given = {"email": who.account.email or "", "language": who.account.language or ""}
        return self._form(request, who, Form(given), 200)

    async def take(self, request: PageRequest) -> Page:
        """Let it go elsewhere, or nowhere."""
        who = await self._recent(request)
        if isinstance(who, Page):
            return who
        form = Form(request.form or {})
        email, language = form.text("email"), form.choice("language", LANGUAGES)
        if email and not is_email(email):
            form.errors["email"] = NO_EMAIL
        if form.errors:
            return self._form(request, who, form, 400)
        await self.own.take_email(who.account, email, language, visit(request))
        return see_other("/account")

    async def _recent(self, request: PageRequest) -> SignedIn | Page:
        return await self.desk.visitor(request, HERE, recent=True, second=False)

    def _form(self, request: PageRequest, who: SignedIn, form: Form, status: int) -> Page:
        return self.desk.shown(
            "own_email",
            request,
            who,
            status=status,
            here="account",
            email=form.text("email"),
            chosen=form.text("language"),
            languages=LANGUAGES,
            errors=form.errors,
        )
