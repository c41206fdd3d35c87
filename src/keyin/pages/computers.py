"""`/manage/installations`: my computers, and all about one of them (M2, M4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

import msgspec

from keyin.domain.enrolment import STANDING
from keyin.domain.records import RecordId, Status
from keyin.oauth.managed_ports import Wanted
from keyin.pages.answers import see_other
from keyin.pages.history import MOST, history_view
from keyin.pages.manage_texts import STATUSES
from keyin.pages.texts import Trouble, plain
from keyin.pages.views import computer_view, notice_view
from keyin.wire.key_fingerprint import key_fingerprint
from keyin.wire.pages import Page

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keyin.domain.records import ClientKey
    from keyin.oauth.managing import Computer, Managing
    from keyin.oauth.notice_ports import Notices
    from keyin.oauth.sign_in import SignedIn
    from keyin.pages.desk import Desk
    from keyin.wire.pages import PageRequest

LIST: Final = "/manage/installations"
A_PAGE: Final = 50
_NOTICES: Final = 20
_LONGEST: Final = 100


class Computers(msgspec.Struct, frozen=True, kw_only=True):
    """See above."""

    desk: Desk
    managing: Managing
    notices: Notices

    async def show(self, request: PageRequest) -> Page:
        """Show the list, with what the owner should know above it."""
        who = await self.desk.visitor(request, LIST)
        if isinstance(who, Page):
            return who
        query = request.query or {}
        counts = await self.managing.counts(who.account)
        wanted, before = _wanted(query), number(query.get("before", ""))
        listing = await self.managing.page(who.account, wanted, before=before, most=A_PAGE)
        told = await self.notices.notices_of(who.account.id, most=_NOTICES)
        return self.desk.shown(
            "computers",
            request,
            who,
            here="computers",
            computers=[computer_view(one) for one in listing.computers],
            total=sum(counts.values()),
            counts=_by_status(counts),
            sites=sorted({site for site, _ in counts if site and site.isprintable()}),
            statuses=STATUSES,
            wanted=wanted,
            narrowed=wanted != Wanted(),
            first=before is None,
            more=_more(query, listing.before),
            notices=[notice_view(one) for one in told if not one.seen],
        )

    async def one(self, request: PageRequest) -> Page:
        """Show one computer."""
        found = await self.found(request)
        if isinstance(found, Page):
            return found
        who, computer = found
        id_ = computer.picture.client.id
        past = await self.managing.history(who.account, id_, most=MOST)
        names = [one.oauth2_client_id for one in computer.picture.credentials]
        return self.desk.shown(
            "computer",
            request,
            who,
            here="computers",
            past=history_view(past, reader=who.account.id, own=names) if past else None,
            **shown(computer),
        )

    async def found(
        self, request: PageRequest, *, recent: bool = False, then: str = ""
    ) -> tuple[SignedIn, Computer] | Page:
        """Return who asks and the computer in the path, or what to show instead."""
        id_ = RecordId(named_id(request))
        place = f"{LIST}/{id_}{then}" if is_ours(id_) else LIST
        who = await self.desk.visitor(request, place, recent=recent)
        if isinstance(who, Page):
            return who
        computer = await self.managing.one(who.account, id_)
        if computer is None:
            return self.desk.trouble(Trouble.NOT_THERE, request, who)
        return who, computer

    async def changeable(
        self, request: PageRequest, then: str = ""
    ) -> tuple[SignedIn, Computer] | Page:
        """Return who signed in just now, and a computer that they may change (P55, P96)."""
        found = await self.found(request, recent=True, then=then)
        if not isinstance(found, Page) and not found[1].may_change:
            return self.desk.trouble(Trouble.NOT_YOURS, request, found[0])
        return found

    async def read(self, request: PageRequest) -> Page:
        """Note that notices were read."""
        who = await self.desk.visitor(request, LIST)
        if isinstance(who, Page):
            return who
        told = await self.notices.notices_of(who.account.id, most=_NOTICES)
        wanted = (request.form or {}).get("seen", "")
        ids = [one.id for one in told if wanted in {"", one.id} and not one.seen]
        await self.notices.see_notices(who.account.id, ids, now=request.now)
        return see_other(LIST)


def has_edit(computer: Computer) -> bool:
    """Tell whether there is something to edit: it registered itself, and is not over."""
    return computer.registration is not None and computer.picture.client.status in STANDING


def shown(computer: Computer) -> dict[str, Any]:
    """Return what the page of one computer needs."""
    client, lineage = computer.picture.client, computer.picture.client.lineage
    credentials = computer.picture.credentials
    registration = computer.registration
    return {
        "computer": computer_view(computer),
        "client_ids": [plain(one.oauth2_client_id) for one in credentials],
        "created": client.created,
        "software_id": plain(lineage.software_id or ""),
        "software_version": plain(lineage.software_version or ""),
        "installation_id": (registration.installation_id or "")[:8] if registration else "",
        "activate_by": registration.activate_by if registration else None,
        "policy": credentials[0].policy if credentials else None,
        "keys": [_key(one) for one in computer.picture.keys],
        "can": {
            "edit": has_edit(computer),
            "suspend": client.status is Status.ACTIVE or client.stopped_by is not None,
            "resume": client.status is Status.SUSPENDED and client.stopped_by is None,
            "revoke": client.status not in {Status.REVOKED, Status.EXPIRED},
        },
    }


def named_id(request: PageRequest) -> str:
    """Return the id in the path; what cannot be seen is no id, and no store is asked for it."""
    text = request.named.get("id", "")
    return text if text.isprintable() else ""


def is_ours(id_: str) -> bool:
    """Tell whether an id may stand in an address of ours as it is."""
    return 0 < len(id_) <= _LONGEST and all(one.isalnum() or one in "-_." for one in id_)


def _key(key: ClientKey) -> dict[str, object]:
    return {
        "fingerprint": key_fingerprint(key.kid),
        "algorithm": key.algorithm,
        "status": STATUSES[key.status],
        "added": key.added,
        "last_used": key.last_used,
    }


def _wanted(query: Mapping[str, str]) -> Wanted:
    status = query.get("status", "")
    return Wanted(
        text=plain(query.get("text", "")).strip()[:_LONGEST],
        status=Status(status) if status in {*Status} else None,
        site=plain(query.get("site", "")) or None,
    )


def _more(query: Mapping[str, str], before: int | None) -> str | None:
    """Return the address of the next page."""
    if before is None:
        return None
    kept = {name: query[name] for name in ("text", "status", "site") if query.get(name)}
    return f"{LIST}?{urlencode({**kept, 'before': str(before)})}"


def number(text: str) -> int | None:
    """Return a number that a store can hold, as a page wrote it."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None  # noqa: PLR2004 - fits into 63 bits


def _by_status(counts: Mapping[tuple[str | None, Status], int]) -> list[tuple[str, int]]:
    found = {
        status: sum(count for (_, one), count in counts.items() if one is status)
        for status in STATUSES
    }
    return [(STATUSES[status], count) for status, count in found.items() if count]
