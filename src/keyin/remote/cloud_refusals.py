"""What a cloud's refusal means to a computer that enrols: one error of ours for each.

A refusal that comes with another time than this computer's is the clock's fault, and said to be:
proofs and assertions are dated.
"""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import msgspec

from keyin.domain.errors import msgid
from keyin.remote.cloud_http import unreachable
from keyin.wire.requester import ErrorCode, refusal
from keyin.wire.requester_trouble import Trouble, trouble

if TYPE_CHECKING:
    from keyin.domain.environment import Millis
    from keyin.domain.errors import CloudUnreachable, Refused
    from keyin.remote.cloud_http import CloudAnswer

MAX_SKEW_MS: Final = 20_000
"""From here on the clock is told of: at 30 seconds assertions and proofs begin to fail."""
_DEFAULT_RETRY: Final = 30
_SHOWN: Final = re.compile(r"[ -~]{1,160}")
_METADATA: Final = "invalid_client_metadata"
_CODES: Final = {
    "authorization_pending": Trouble.PENDING,
    "slow_down": Trouble.TOO_FAST,
    "access_denied": Trouble.DENIED,
    "expired_token": Trouble.EXPIRED,
    "unsupported_grant_type": Trouble.NOT_OFFERED,
    "unauthorized_client": Trouble.NOT_OFFERED,
    "invalid_software_statement": Trouble.STATEMENT_NOT_TAKEN,
    "unapproved_software_statement": Trouble.RELEASE_STOPPED,
}
_OF_PEOPLE: Final = frozenset({"authorization_pending", "slow_down", "access_denied"})


class Failure(msgspec.Struct, frozen=True):
    """RFC 6749 §5.2."""

    error: str = ""
    error_description: str = ""


def failure(answer: CloudAnswer) -> Failure:
    """Return the error in an answer's body, an empty one where there is none."""
    try:
        return msgspec.json.decode(answer.body, type=Failure)
    except (msgspec.MsgspecError, RecursionError):
        return Failure()


def skew_of(answer: CloudAnswer, now: Millis) -> int:
    """Return this computer's clock minus the cloud's, in seconds; 0 if they nearly agree."""
    skew = 0 if answer.date is None else now - answer.date
    return skew // 1000 if abs(skew) > MAX_SKEW_MS else 0


def too_many(answer: CloudAnswer) -> Refused:
    """Return the error for an answer that says to come back later."""
    return refusal(ErrorCode.RATE_LIMITED, retry_after=answer.retry_after or _DEFAULT_RETRY)


def out_of_order(answer: CloudAnswer) -> CloudUnreachable:
    """Return the error for an answer that no cloud at work gives."""
    if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return unreachable(msgid("it is out of order"))
    return unreachable(msgid("what answers at its address is no cloud"))


def refused(answer: CloudAnswer, skew: int) -> Refused | CloudUnreachable:
    """Return the error for an answer that is not what was asked for."""
    if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
        return too_many(answer)
    if answer.status not in {400, 401, 403, 409}:
        return out_of_order(answer)
    said = failure(answer)
    if skew and said.error not in _OF_PEOPLE:
        return refusal(ErrorCode.CLOCK_SKEW, seconds=skew)
    if said.error == _METADATA:
        told = said.error_description
        return trouble(Trouble.NOT_ACCEPTED, reason=told if _SHOWN.fullmatch(told) else said.error)
    return trouble(_CODES.get(said.error, Trouble.NOT_TAKEN))
