"""What every grant for applications has in common: whom it is for, and the token that comes out.

No token from here opens preferences: its audience is another, and no GPII key stands in it (P4).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from keyin.domain.address_text import address_text
from keyin.domain.events import Act, Event
from keyin.domain.records import NO_KEY
from keyin.oauth.errors import Code, Reason, Refusal, refused
from keyin.oauth.granting import Given
from keyin.oauth.issuing import Asked

if TYPE_CHECKING:
    from keyin.domain.applications import Application
    from keyin.domain.secret import AccessToken
    from keyin.oauth.granting import GrantRequest

LIFETIME_S: Final = 900
NOT_ACCEPTED: Final = "The grant is not accepted"


def application_for(request: GrantRequest, grant_type: str) -> Application | Refusal:
    """Return the application, whose record must name the grant: nothing is open by default."""
    application = request.application
    if application is None:
        return refused(
            Code.UNAUTHORIZED_CLIENT, "Not for this client", Reason.CLIENT_OF_ANOTHER_KIND
        )
    if grant_type not in application.grant_types:
        return refused(Code.UNAUTHORIZED_CLIENT, "Not for this client", Reason.GRANT_NOT_ALLOWED)
    return application


def not_accepted(reason: Reason) -> Refusal:
    """Refuse a code of whatever kind in the same words, whatever the cause (RFC 6749 §5.2)."""
    return refused(Code.INVALID_GRANT, NOT_ACCEPTED, reason)


def wanted(request: GrantRequest, *, scope: str, audience: str) -> Asked:
    """Return what the token is to be."""
    return Asked(
        key=None,
        key_digest=NO_KEY,
        scope=scope,
        lifetime_s=LIFETIME_S,
        jkt=request.jkt,
        audience=audience,
        grant=request.named("grant_type"),
    )


def given(request: GrantRequest, token: AccessToken, scope: str) -> Given:
    """Return the answer."""
    return Given(
        token=token,
        token_type="DPoP" if request.jkt else "Bearer",
        scope=scope,
        lifetime_s=LIFETIME_S,
    )


def event_of(
    request: GrantRequest, act: Act, *, reason: Reason | None = None, **detail: str
) -> Event:
    """Return the event that tells what came of a request."""
    asked, client = request.asked, request.by.client
    return Event(
        act=act,
        at=asked.now,
        actor=request.by.credential.oauth2_client_id,
        client=client.id,
        site=client.lineage.site,
        address=address_text(asked.address),
        request_id=asked.request_id,
        reason=reason,
        detail=detail,
    )
