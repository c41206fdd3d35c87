"""`/account/second-step`: a person sets up a second step, is shown paper codes once, or ends it.

The secret is shown while nobody has confirmed it, as text and as a picture, and never again.
"""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any, Final

import msgspec

from keyin.domain.errors import msgid
from keyin.pages.answers import picture, see_other
from keyin.pages.desk import visit
from keyin.pages.texts import Trouble
from keyin.wire.pages import Page

if TYPE_CHECKING:
    from keyin.oauth.second_factor import Pending, SecondSteps
    from keyin.oauth.sign_in import SignedIn
    from keyin.pages.desk import Desk
    from keyin.wire.pages import PageRequest

HERE: Final = "/account/second-step"
NEW: Final = f"{HERE}/new"
WRONG: Final = msgid("This code is not right. Type the one that the telephone shows now.")
_DOT: Final = 6
"""Pixels of the picture's smallest square."""


class OwnSecondStep(msgspec.Struct, frozen=True, kw_only=True):
    """See above."""

    desk: Desk
    steps: SecondSteps

    async def show(self, request: PageRequest) -> Page:
        """Say whether there is one, and what it is good for."""
        who = await self.desk.visitor(request, HERE)
        if isinstance(who, Page):
            return who
        factor = await self.steps.of(who.account)
        needed = (request.query or {}).get("needed") == "yes" and factor is None
        return self.desk.shown(
            "own_second_step", request, who, here="account", factor=factor, needed=needed
        )

    async def begin(self, request: PageRequest) -> Page:
        """Make a secret."""
        who = await self._recent(request)
        if isinstance(who, Page):
            return who
        if not await self.steps.begin(who.account, request.now):
            return see_other(HERE)
        return see_other(NEW)

    async def ask(self, request: PageRequest) -> Page:
        """Show the secret, and ask for a first code."""
        found = await self._pending(request)
        if isinstance(found, Page):
            return found
        return self._form(request, *found)

    async def picture(self, request: PageRequest) -> Page:
        """Show the secret as a picture for a telephone's camera."""
        found = await self._pending(request)
        if isinstance(found, Page):
            return found
        drawn = BytesIO()
        import segno  # noqa: PLC0415 - brings an HTTP client along, which a cloud has no use for (P95)

        segno.make(found[1].address.reveal(), error="m").save(drawn, kind="png", scale=_DOT)
        return picture(drawn.getvalue())

    async def confirm(self, request: PageRequest) -> Page:
        """Let it count, and show the codes for paper."""
        found = await self._pending(request)
        if isinstance(found, Page):
            return found
        who, pending = found
        code = (request.form or {}).get("code", "")
        codes = await self.steps.confirm(who, code, visit(request))
        if codes is None:
            return self._form(request, who, pending, status=400, errors={"code": WRONG})
        shown = [one.reveal() for one in codes]
        return self.desk.shown("recovery_codes", request, who, here="account", codes=shown)

    async def end(self, request: PageRequest) -> Page:
        """End it: the password alone is asked from now on."""
        who = await self._recent(request)
        if isinstance(who, Page):
            return who
        await self.steps.end(who.account, visit(request))
        return see_other(HERE)

    async def _recent(self, request: PageRequest) -> SignedIn | Page:
        return await self.desk.visitor(request, HERE, recent=True, second=False)

    async def _pending(self, request: PageRequest) -> tuple[SignedIn, Pending] | Page:
        who = await self._recent(request)
        if isinstance(who, Page):
            return who
        pending = await self.steps.pending(who.account)
        return (who, pending) if pending else self.desk.trouble(Trouble.OVER, request, who)

    def _form(
        self,
        request: PageRequest,
        who: SignedIn,
        pending: Pending,
        **context: Any,  # noqa: ANN401 - whatever the template shows
    ) -> Page:
        text = pending.secret.reveal()
        return self.desk.shown(
            "second_step_new",
            request,
            who,
            **{
                "here": "account",
                "pictures": True,
                "secret": " ".join(text[at : at + 4] for at in range(0, len(text), 4)),
                "errors": {},
                **context,
            },
        )
