"""`/manage/installations/{id}/edit`: another name, type or site for a computer (M5).

The form carries the version of the record that it was made from: of two people at once, the second
is told so. The site is one of the person's own, or stays as it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from keyin.oauth.consent import Choice
from keyin.oauth.managed_ports import Acted
from keyin.pages.answers import see_other
from keyin.pages.computer_acts import TROUBLES
from keyin.pages.computer_questions import NAME_TAKEN, read_name
from keyin.pages.computers import LIST, has_edit, number, shown
from keyin.pages.desk import visit
from keyin.pages.forms import Form
from keyin.pages.manage_texts import TYPES
from keyin.pages.texts import Trouble, plain
from keyin.wire.pages import Page

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from keyin.oauth.managing import Computer, Managing
    from keyin.oauth.sign_in import SignedIn
    from keyin.pages.computers import Computers
    from keyin.pages.desk import Desk
    from keyin.wire.pages import PageRequest

STAY: Final = "stay"
NOWHERE: Final = "none"
AT: Final = "at:"
"""Before the name of a site, so that no name passes for another word."""


class ComputerEdit(msgspec.Struct, frozen=True, kw_only=True):
    """See above."""

    desk: Desk
    computers: Computers
    managing: Managing

    async def ask(self, request: PageRequest) -> Page:
        """Show what a computer is called, and where it stands."""
        found = await self._changeable(request)
        if isinstance(found, Page):
            return found
        who, computer = found
        return await self._form(request, who, computer, Form(_now(computer)))

    async def take(self, request: PageRequest) -> Page:
        """Change it."""
        found = await self._changeable(request)
        if isinstance(found, Page):
            return found
        who, computer = found
        form = Form(request.form or {})
        choice = self._choice(form, computer, await self._sites(who, computer))
        version = number(form.text("version"))
        if version is None:
            return self.desk.trouble(Trouble.REQUEST, request, who)
        if form.errors:
            return await self._form(request, who, computer, form, status=400)
        id_ = computer.picture.client.id
        acted = await self.managing.edit(
            who.account, id_, choice, version=version, visit=visit(request)
        )
        if acted is Acted.TAKEN:
            form.errors["name"] = NAME_TAKEN
            return await self._form(request, who, computer, form, status=400)
        if acted in TROUBLES:
            return self.desk.trouble(TROUBLES[acted], request, who)
        return see_other(f"{LIST}/{id_}")

    async def _changeable(self, request: PageRequest) -> tuple[SignedIn, Computer] | Page:
        """Return who asks, and a computer of which they may change what it is called."""
        found = await self.computers.changeable(request, then="/edit")
        if not isinstance(found, Page) and not has_edit(found[1]):
            return self.desk.trouble(Trouble.OVER, request, found[0])
        return found

    async def _sites(self, who: SignedIn, computer: Computer) -> Sequence[str]:
        """Name where it may go: not where it is."""
        here = computer.picture.client.lineage.site
        return [site for site in await self.managing.sites(who.account) if site != here]

    def _choice(self, form: Form, computer: Computer, sites: Sequence[str]) -> Choice:
        client = computer.picture.client
        name, wrong = read_name(form.text("name"))
        if wrong:
            form.errors["name"] = wrong
        kind = form.choice("type", {*TYPES, STAY})
        site = form.choice("site", {STAY, NOWHERE, *(AT + one for one in sites)})
        places = {STAY: client.lineage.site, NOWHERE: None}
        return Choice(
            name=name,
            computer_type=client.computer_type if kind == STAY else kind,
            site=places.get(site, site.removeprefix(AT)),
        )

    async def _form(
        self, request: PageRequest, who: SignedIn, computer: Computer, form: Form, status: int = 200
    ) -> Page:
        lineage = computer.picture.client.lineage
        own = lineage.owner == who.account.id
        return self.desk.shown(
            "computer_edit",
            request,
            who,
            status=status,
            here="computers",
            given=form.given,
            version=computer.registration.version if computer.registration else 0,
            types=TYPES,
            places=[(AT + site, site) for site in await self._sites(who, computer)],
            nowhere=own and lineage.site is not None,
            errors=form.errors,
            **shown(computer),
        )


def _now(computer: Computer) -> Mapping[str, str]:
    client = computer.picture.client
    kind = client.computer_type
    return {
        "name": plain(client.name or ""),
        "type": kind if kind in TYPES else STAY,
        "site": STAY,
    }
