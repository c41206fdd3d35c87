"""What keeps somebody from registering, and how it is told: of tokens, all is told alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from keyin.domain.enrolment import InitialAccessKind
from keyin.domain.records import Status
from keyin.oauth.errors import Code, Reason, Refusal, refused

if TYPE_CHECKING:
    from keyin.domain.enrolment import InitialAccess
    from keyin.domain.environment import Millis
    from keyin.oauth.enrolment_ports import Registered


def check_access(access: InitialAccess, now: Millis) -> Refusal | None:
    """Refuse a token that cannot be used, or not any more; all are told the same."""
    if access.status is not Status.ACTIVE or access.kind is InitialAccessKind.CHANNEL:
        return unusable(Reason.TOKEN_NOT_ACTIVE)
    if not access.not_before <= now < access.expires:
        return unusable(Reason.EXPIRED)
    return unusable(Reason.USED_UP) if access.used_up else None


def is_over(holder: Registered | None, kid: str) -> bool:
    """Tell whether a known key may become another client's: its own has lapsed.

    A key that was taken back stays with whom it was.
    """
    if holder is None or holder.client.status is not Status.EXPIRED:
        return False
    return any(key.kid == kid and key.status is Status.ACTIVE for key in holder.keys)


def is_open_channel(channel: InitialAccess | None, now: Millis) -> bool:
    """Tell whether releases of this channel may be registered."""
    return (
        channel is not None
        and channel.kind is InitialAccessKind.CHANNEL
        and channel.status is Status.ACTIVE
        and channel.not_before <= now < channel.expires
    )


def unusable(reason: Reason) -> Refusal:
    """Refuse a token: unknown, wrong, over and used up are told alike."""
    return Refusal(
        status=401,
        code=Code.INVALID_TOKEN,
        description="The token or its proof is not accepted",
        reason=reason,
    )


def metadata(description: str, reason: Reason = Reason.METADATA) -> Refusal:
    """Refuse what a client says of itself."""
    return refused(Code.INVALID_CLIENT_METADATA, description, reason)


KEY_KNOWN: Final = metadata("This key is registered already", Reason.KEY_KNOWN)
NAME_TAKEN: Final = metadata(
    "Another computer of this account has this name: choose another name", Reason.NAME_TAKEN
)
SAME_INSTALLATION: Final = metadata(
    "This installation is registered already: revoke the other one, or make this one a computer "
    "of its own (keyin requester seal)",
    Reason.SAME_INSTALLATION,
)
SOFTWARE_STOPPED: Final = refused(
    Code.UNAPPROVED_SOFTWARE_STATEMENT,
    "This version of the software was stopped",
    Reason.SOFTWARE_NOT_ACTIVE,
)
UNREADABLE: Final = metadata(
    "The request is no JSON object of the right shape; no addresses are taken"
)
