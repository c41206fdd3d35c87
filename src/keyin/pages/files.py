"""`/manage/initial-access-tokens`: enrolment files and codes; made, looked at, ended (M8).

A file leaves in the answer to the form, once, and is kept nowhere: the store has its digest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

import msgspec

from keyin.domain.address_text import address_text
from keyin.domain.enrolment import InitialAccessKind, Template
from keyin.domain.errors import msgid
from keyin.domain.records import UNRESTRICTED
from keyin.oauth.initial_access import NewAccess
from keyin.pages.answers import attachment
from keyin.pages.computers import is_ours, named_id, number
from keyin.pages.desk import by
from keyin.pages.forms import Form
from keyin.pages.manage_texts import TYPES
from keyin.pages.texts import Trouble
from keyin.pages.views import access_view, computer_view
from keyin.wire import enrolment_file
from keyin.wire.enrolment_file import EnrolmentFile
from keyin.wire.pages import Page
from keyin.wire.utc_text import text_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keyin.oauth.enrolment_ports import Listed
    from keyin.oauth.initial_access import InitialAccessService
    from keyin.oauth.managed_files import ManagedFiles
    from keyin.oauth.managing import Managing
    from keyin.oauth.sign_in import SignedIn
    from keyin.pages.desk import Desk
    from keyin.wire.enrolment_file import Signs
    from keyin.wire.pages import PageRequest

LIST: Final = "/manage/initial-access-tokens"
NEW: Final = f"{LIST}/new"
FIELDS: Final = ("label", "type", "site", "uses", "days", "networks")
MOST_USES: Final = 1000
MOST_DAYS: Final = 30
A_PAGE: Final = 50
WRONG_USES: Final = msgid("Enter a number from 1 to 1000.")
WRONG_DAYS: Final = msgid("Enter a number from 1 to 30.")
_DAY: Final = 24 * 60 * 60_000
_IN_NAMES: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")


class Files(msgspec.Struct, frozen=True, kw_only=True):
    """See above."""

    desk: Desk
    managing: Managing
    managed: ManagedFiles
    access: InitialAccessService
    signing: Signs | None

    async def show(self, request: PageRequest) -> Page:
        """Show files and codes, the newest first."""
        who = await self.desk.visitor(request, LIST)
        if isinstance(who, Page):
            return who
        before = number((request.query or {}).get("before", ""))
        found = await self.managed.page(who.account, before=before, most=A_PAGE + 1)
        shown = [
            access_view(one, now=request.now, may_change=may_change)
            for one, may_change in found[:A_PAGE]
        ]
        more = urlencode({"before": found[A_PAGE - 1][0].number}) if len(found) > A_PAGE else ""
        return self.desk.shown(
            "files",
            request,
            who,
            here="files",
            files=shown,
            more=f"{LIST}?{more}" if more else None,
            first=before is None,
        )

    async def ask(self, request: PageRequest) -> Page:
        """Ask what a file shall be for."""
        who = await self.desk.visitor(request, NEW, recent=True, query=_kept(request.query))
        if isinstance(who, Page):
            return who
        return await self._form(request, who, Form({"days": "7", **_kept(request.query)}))

    async def make(self, request: PageRequest) -> Page:
        """Make a file, and let it be downloaded this once."""
        who = await self.desk.visitor(request, NEW, recent=True, query=_kept(request.form))
        if isinstance(who, Page):
            return who
        if self.signing is None:
            return self.desk.trouble(Trouble.UNAVAILABLE, request, who)
        form = Form(request.form or {})
        sites = await self.managing.sites(who.account)
        wish = _wish(form, sites, who)
        if form.errors:
            return await self._form(request, who, form, status=400)
        minted = await self.access.make(wish, by(request, who))
        content = EnrolmentFile(
            issuer=self.desk.services.issuer,
            iat=minted.token.reveal(),
            site=wish.site,
            label=wish.label,
            expires_at=text_of(minted.record.expires),
            max_uses=wish.max_uses,
        )
        body = enrolment_file.write(content, self.signing)
        return attachment(body, enrolment_file.MEDIA_TYPE, _file_name(wish.label))

    async def one(self, request: PageRequest) -> Page:
        """Show one, and the computers that came with it."""
        found = await self.found(request)
        if isinstance(found, Page):
            return found
        who, listed, may_change = found
        born = await self.managing.born_from(who.account, listed.record.id, most=A_PAGE)
        return self.desk.shown(
            "file",
            request,
            who,
            here="files",
            file=access_view(listed, now=request.now, may_change=may_change),
            computers=[computer_view(one) for one in born],
        )

    async def found(
        self, request: PageRequest, *, recent: bool = False, then: str = ""
    ) -> tuple[SignedIn, Listed, bool] | Page:
        """Return who asks, the file in the path, and whether they may change it; or a page."""
        id_ = named_id(request)
        place = f"{LIST}/{id_}{then}" if is_ours(id_) else LIST
        who = await self.desk.visitor(request, place, recent=recent)
        if isinstance(who, Page):
            return who
        found = await self.managed.one(who.account, id_)
        if found is None:
            return self.desk.trouble(Trouble.NOT_THERE, request, who)
        return (who, *found)

    async def _form(
        self,
        request: PageRequest,
        who: SignedIn,
        form: Form,
        **more: Any,  # noqa: ANN401 - the status
    ) -> Page:
        return self.desk.shown(
            "file_new",
            request,
            who,
            here="files",
            given={name: form.given.get(name, "") for name in FIELDS},
            errors=form.errors,
            types=TYPES,
            sites=await self.managing.sites(who.account),
            address=address_text(request.address) or "?",
            issuer=self.desk.services.issuer,
            most_uses=MOST_USES,
            most_days=MOST_DAYS,
            **more,
        )


def _wish(form: Form, sites: list[str], who: SignedIn) -> NewAccess:
    """Read the form; what is wrong with it stands there afterwards."""
    site = form.text("site")
    if site:
        form.choice("site", sites)
    networks = form.networks("networks")
    return NewAccess(
        kind=InitialAccessKind.FILE,
        owner=who.account.id,
        site=site or None,
        label=form.name("label"),
        template=Template(computer_type=form.choice("type", TYPES)),
        max_uses=form.number("uses", 1, MOST_USES, WRONG_USES),
        lifetime_ms=form.number("days", 1, MOST_DAYS, WRONG_DAYS) * _DAY,
        networks=UNRESTRICTED if networks is None else networks,
    )


def _file_name(label: str) -> str:
    """Return a name that means nothing to any shell or file system."""
    plain = "".join(one if one in _IN_NAMES else "-" for one in label)
    return f"keyin-enrol-{plain[:60].strip('-') or 'file'}{enrolment_file.SUFFIX}"


def _kept(given: Mapping[str, str] | None) -> dict[str, str]:
    """Return what somebody typed already, so that a sign-in in between costs nothing."""
    found = given or {}
    return {name: found[name][:1000] for name in FIELDS if found.get(name)}
