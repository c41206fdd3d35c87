"""What the code and device grants give a computer: an initial access token, for its key alone.

It registers one computer, within five minutes, as a person approved it. A code that comes twice
takes token and computer back, and whoever said yes is told (RFC 6749 §4.1.2, P7).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from keyin.domain.address_text import address_text
from keyin.domain.enrolment import (
    AT_ONCE_MS,
    REGISTER_SCOPE,
    InitialAccessKind,
    Notice,
    NoticeKind,
    Template,
)
from keyin.domain.events import Act
from keyin.domain.secret import AccessToken
from keyin.oauth.errors import Reason
from keyin.oauth.granting import Given
from keyin.oauth.grants.application_grants import event_of
from keyin.oauth.initial_access import By, NewAccess, made
from keyin.oauth.notices import notice_id_of
from keyin.wire.enrolment import details_of

if TYPE_CHECKING:
    from keyin.domain.authorization import Code
    from keyin.domain.enrolment import Computer
    from keyin.domain.environment import Millis
    from keyin.domain.records import RecordId
    from keyin.oauth.flow_ports import Produced, Reused
    from keyin.oauth.granting import GrantRequest
    from keyin.oauth.initial_access import InitialAccessService, Minted

UNNAMED: Final = "computer"


class Approval(msgspec.Struct, frozen=True, kw_only=True):
    """Which computer, whose, and where; and the key that it proved."""

    computer: Computer
    owner: RecordId
    site: str | None
    jkt: str | None


class ComputerGrants(msgspec.Struct, frozen=True, kw_only=True):
    """Makes such tokens for the units of work of the grants."""

    access: InitialAccessService

    def produce(
        self, approval: Approval, request: GrantRequest, kind: InitialAccessKind
    ) -> tuple[Given, Produced]:
        """Return the answer, and what is written with the code's use."""
        asked = request.asked
        minted = self.mint(approval, kind, now=asked.now)
        by = By(
            actor=request.by.credential.oauth2_client_id,
            now=asked.now,
            address=address_text(asked.address),
            request_id=asked.request_id,
        )
        given = Given(
            token=AccessToken(minted.token.reveal()),
            token_type="DPoP",  # noqa: S106 - RFC 9449 §5, no password
            scope=REGISTER_SCOPE,
            lifetime_s=AT_ONCE_MS // 1000,
            details=(details_of(approval.computer, name=UNNAMED, jkt=approval.jkt or ""),),
        )
        return given, (minted.record, made(minted.record, by))

    def mint(
        self,
        approval: Approval,
        kind: InitialAccessKind,
        *,
        now: Millis,
        lifetime_ms: int = AT_ONCE_MS,
    ) -> Minted:
        """Make a token; it is nowhere yet."""
        computer = approval.computer
        wish = NewAccess(
            kind=kind,
            owner=approval.owner,
            site=approval.site,
            label=label_of(computer),
            template=Template(computer_type=computer.computer_type),
            lifetime_ms=lifetime_ms,
            computer=computer,
            bound_jkt=approval.jkt,
        )
        return self.access.mint(wish, now=now)


def label_of(computer: Computer) -> str:
    """Return what lists call a computer's token: letters that can be seen."""
    return "".join(one for one in computer.name or "" if one.isprintable()).strip() or UNNAMED


def reused(code: Code, request: GrantRequest) -> Reused:
    """Return what tells that a code came twice; of a computer's, its owner is told too."""
    computer = code.request.computer
    if computer is None:
        return event_of(request, Act.TOKEN_REVOKED, why=Reason.CODE_USED_TWICE), ()
    event = event_of(
        request,
        Act.INITIAL_ACCESS_REVOKED,
        reason=Reason.CODE_USED_TWICE,
        initial_access=code.initial_access or "",
        account=code.account_id,
    )
    notice = Notice(
        id=notice_id_of(code.digest),
        account_id=code.account_id,
        kind=NoticeKind.CODE_USED_TWICE,
        client_id=None,
        initial_access_id=code.initial_access,
        at=event.at,
        name=label_of(computer),
        address=event.address,
    )
    return event, (notice,)
