"""Records as a page shows them: words for codes, times as text, warnings."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import msgspec

from keyin.domain.enrolment import Flag, InitialAccessKind
from keyin.domain.errors import msgid
from keyin.domain.records import Status, Unrestricted
from keyin.oauth.managing import own_status
from keyin.pages.manage_texts import (
    AWAITING,
    KINDS,
    NOTICE,
    NOTICES,
    ORIGINS,
    SHORT_TYPES,
    STATUSES,
    STOPPED,
)
from keyin.pages.texts import plain
from keyin.wire.key_fingerprint import key_fingerprint

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keyin.domain.enrolment import Notice
    from keyin.domain.environment import Millis
    from keyin.domain.records import ClientKey
    from keyin.oauth.enrolment_ports import Listed
    from keyin.oauth.managing import Computer

UNNAMED: Final = msgid("Without a name")
COPY: Final = msgid("Another computer says that it is the same installation. One may be a copy.")
RETURNED: Final = msgid("It came back after the cloud had lost sight of it.")
LEGACY: Final = msgid("It proves itself with a password-like secret, in the old way.")
UNRESTRICTED: Final = msgid("It may change any preference from any network.")
NEVER_PROVEN: Final = msgid("It has not shown itself yet; that is due soon after it was enrolled.")
_HAS_ENDED: Final = frozenset({Status.REVOKED, Status.EXPIRED})


class ComputerView(msgspec.Struct, frozen=True, kw_only=True):
    """A computer on a page."""

    id: str
    name: str
    unnamed: bool
    type: str
    type_is_ours: bool
    """Whether `type` is a text of ours."""
    site: str
    status: str
    state: Status
    waits: bool
    """It needs a yes."""
    last_used: Millis | None
    version: str
    fingerprint: str
    born: str
    label: str
    """Of the file or the code it came with."""
    access_id: str | None
    warnings: Sequence[str]
    may_change: bool


def computer_view(one: Computer) -> ComputerView:
    """Return what a page shows of a computer."""
    client, lineage = one.picture.client, one.picture.client.lineage
    waits, used = _waits(one), _last_used(one.picture.keys)
    living = [key for key in one.picture.keys if key.status is Status.ACTIVE] or one.picture.keys
    state = own_status(one.picture)
    return ComputerView(
        id=client.id,
        name=plain(client.name or "") or UNNAMED,
        unnamed=not plain(client.name or ""),
        type=SHORT_TYPES.get(client.computer_type or "", plain(client.computer_type or "")),
        type_is_ours=client.computer_type in SHORT_TYPES,
        site=plain(lineage.site or ""),
        status=AWAITING if waits else STATUSES[state],
        state=state,
        waits=waits,
        last_used=used,
        version=plain(lineage.software_version or ""),
        fingerprint=key_fingerprint(living[-1].kid) if living else "",
        born=KINDS[one.access.kind] if one.access else ORIGINS.get(lineage.origin, ""),
        label=plain(one.access.label) if one.access else "",
        access_id=one.access.id if one.access else None,
        warnings=() if state in _HAS_ENDED else tuple(_warnings(one)),
        may_change=one.may_change,
    )


def _waits(one: Computer) -> bool:
    flags = one.registration.flags if one.registration else ()
    return Flag.AWAITING in flags and own_status(one.picture) is Status.PENDING


def _last_used(keys: Sequence[ClientKey]) -> Millis | None:
    return max((key.last_used for key in keys if key.last_used is not None), default=None)


def _warnings(one: Computer) -> list[str]:
    client = one.picture.client
    flags = one.registration.flags if one.registration else ()
    policies = [credential.policy for credential in one.picture.credentials]
    open_ = any(
        isinstance(policy.networks, Unrestricted) and isinstance(policy.writable, Unrestricted)
        for policy in policies
    )
    return [
        *([STOPPED[client.stopped_by]] if client.stopped_by else []),
        *([COPY] if Flag.SAME_INSTALLATION in flags else []),
        *([RETURNED] if Flag.RETURNED in flags else []),
        *([LEGACY] if client.legacy_until is not None else []),
        *([UNRESTRICTED] if open_ else []),
    ]


class AccessView(msgspec.Struct, frozen=True, kw_only=True):
    """An enrolment file or code on a page."""

    id: str
    label: str
    kind: str
    one_computer: bool
    site: str
    type: str
    uses: int
    max_uses: int
    clients: int
    expires: Millis
    created: Millis
    last_used: Millis | None
    networks: Sequence[str] | None
    """None: from any."""
    status: str
    open: bool
    may_change: bool


REVOKED: Final = msgid("Revoked")
USED_UP: Final = msgid("Used up")
ENDED: Final = msgid("Ended")
USABLE: Final = msgid("Can be used")


def access_view(listed: Listed, *, now: Millis, may_change: bool) -> AccessView:
    """Return what a page shows of a file or a code."""
    one = listed.record
    if one.status is not Status.ACTIVE:
        status = REVOKED
    elif one.used_up:
        status = USED_UP
    else:
        status = ENDED if now >= one.expires else USABLE
    return AccessView(
        id=one.id,
        label=plain(one.label),
        kind=KINDS[one.kind],
        one_computer=one.kind in {InitialAccessKind.CODE, InitialAccessKind.BROWSER},
        site=plain(one.site or ""),
        type=SHORT_TYPES.get(one.template.computer_type or "", ""),
        uses=one.uses,
        max_uses=one.max_uses,
        clients=listed.clients,
        expires=one.expires,
        created=one.created,
        last_used=one.last_used,
        networks=None if isinstance(one.networks, Unrestricted) else one.networks,
        status=status,
        open=status == USABLE,
        may_change=may_change,
    )


class NoticeView(msgspec.Struct, frozen=True, kw_only=True):
    """Something an owner should know."""

    id: str
    text: str
    name: str
    at: Millis
    address: str
    where: str | None
    """The page that tells more."""


def notice_view(one: Notice) -> NoticeView:
    """Return what a page shows of a notice."""
    where = None
    if one.client_id is not None:
        where = f"/manage/installations/{one.client_id}"
    elif one.initial_access_id is not None:
        where = f"/manage/initial-access-tokens/{one.initial_access_id}"
    return NoticeView(
        id=one.id,
        text=NOTICES.get(one.kind, NOTICE),
        name=plain(one.name or ""),
        at=one.at,
        address=one.address or "",
        where=where,
    )


def moment(at: Millis) -> str:
    """Return a time to the minute, the same in every language: `2026-11-22 06:40 UTC`."""
    return datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")


def day(at: Millis) -> str:
    """Return a day."""
    return datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%d")
