"""End a file or a code: alone, or with every computer that came with it (P34)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from keyin.oauth.managed_ports import Acted
from keyin.pages.answers import see_other
from keyin.pages.computer_acts import TROUBLES
from keyin.pages.desk import by
from keyin.pages.files import LIST
from keyin.pages.forms import Form
from keyin.pages.manage_texts import DESCENDANTS
from keyin.pages.texts import Trouble
from keyin.pages.views import access_view
from keyin.wire.pages import Page

if TYPE_CHECKING:
    from keyin.oauth.enrolment_ports import Listed
    from keyin.oauth.managed_files import ManagedFiles
    from keyin.oauth.sign_in import SignedIn
    from keyin.pages.desk import Desk
    from keyin.pages.files import Files
    from keyin.wire.pages import PageRequest


class FileActs(msgspec.Struct, frozen=True, kw_only=True):
    """See above."""

    desk: Desk
    files: Files
    managed: ManagedFiles

    async def ask(self, request: PageRequest) -> Page:
        """Say what ending it means."""
        found = await self._changeable(request)
        if isinstance(found, Page):
            return found
        return self._question(request, *found, Form({}))

    async def end(self, request: PageRequest) -> Page:
        """End it."""
        found = await self._changeable(request)
        if isinstance(found, Page):
            return found
        who, listed = found
        form = Form(request.form or {})
        descendants = form.choice("descendants", DESCENDANTS) == "yes"
        if form.errors:
            return self._question(request, who, listed, form, status=400)
        acted = await self.managed.end(
            who.account, listed.record.id, by(request, who), descendants=descendants
        )
        if acted in TROUBLES and acted is not Acted.OVER:
            return self.desk.trouble(TROUBLES[acted], request, who)
        return see_other(f"{LIST}/{listed.record.id}")

    async def _changeable(self, request: PageRequest) -> tuple[SignedIn, Listed] | Page:
        found = await self.files.found(request, recent=True, then="/revoke")
        if isinstance(found, Page):
            return found
        who, listed, may_change = found
        return (who, listed) if may_change else self.desk.trouble(Trouble.NOT_YOURS, request, who)

    def _question(
        self, request: PageRequest, who: SignedIn, listed: Listed, form: Form, status: int = 200
    ) -> Page:
        return self.desk.shown(
            "file_act",
            request,
            who,
            status=status,
            here="files",
            file=access_view(listed, now=request.now, may_change=True),
            errors=form.errors,
            options=DESCENDANTS,
        )
