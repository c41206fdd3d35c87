"""`/account/password`: a person takes another password (M13)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from keyin.domain.errors import Refused, msgid
from keyin.domain.secret import Secret, equal
from keyin.oauth.password_rules import SHORTEST
from keyin.pages.answers import no_cookie, see_other
from keyin.pages.desk import visit
from keyin.pages.guard import SESSION
from keyin.wire.pages import Page

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keyin.oauth.own_account import OwnAccount
    from keyin.oauth.sign_in import SignedIn
    from keyin.pages.desk import Desk
    from keyin.wire.pages import PageRequest

HERE: Final = "/account/password"
TOO_SHORT: Final = msgid("Take at least 12 characters; several words are easy to remember.")
TOO_EASY: Final = msgid(
    "This is one of the passwords that are tried first. Take several words that have nothing to do "
    "with each other or with you."
)
NOT_THE_SAME: Final = msgid("The two are not the same. Type it once more.")


class OwnPasswordPage(msgspec.Struct, frozen=True, kw_only=True):
    """See above."""

    desk: Desk
    own: OwnAccount

    async def show(self, request: PageRequest) -> Page:
        """Ask for it; who signed in just now has given the one before."""
        who = await self._recent(request)
        return who if isinstance(who, Page) else self._form(request, who, {}, 200)

    async def take(self, request: PageRequest) -> Page:
        """Take it; the person signs in with it next."""
        who = await self._recent(request)
        if isinstance(who, Page):
            return who
        form = request.form or {}
        password, again = form.get("password", ""), form.get("again", "")
        if len(password) < SHORTEST:
            return self._form(request, who, {"password": TOO_SHORT}, 400)
        if not equal(password, again):
            return self._form(request, who, {"again": NOT_THE_SAME}, 400)
        try:
            await self.own.take_password(who.account, Secret(password), visit(request))
        except Refused:
            return self._form(request, who, {"password": TOO_EASY}, 400)
        return see_other("/login", no_cookie(SESSION))

    async def _recent(self, request: PageRequest) -> SignedIn | Page:
        return await self.desk.visitor(request, HERE, recent=True, second=False)

    def _form(
        self, request: PageRequest, who: SignedIn, errors: Mapping[str, str], status: int
    ) -> Page:
        return self.desk.shown(
            "own_password", request, who, status=status, here="account", errors=errors
        )
