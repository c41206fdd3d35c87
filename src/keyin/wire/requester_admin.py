"""What an administrator asks of the access requester: ops of a door of their own.

No op takes a path, a command, a URL or a host (P67): which cloud is meant stands in the
configuration. Three ops bring something secret in, a code or a file; none brings anything out but
what a person is shown (P60). tests/unit/requester holds both by enumerating these classes.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Final, Literal

import msgspec

from keyin.wire.enrolment_file import LARGEST
from keyin.wire.requester import ErrorCode, RequestId, refusal

SERVICE: Final = "keyin-requester-administration"
SOCKET: Final = "admin.sock"
"""Beside the socket of the flow managers, where the configuration does not say otherwise."""
LONGEST_CODE: Final = 256


class _Request(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    v: Literal[1]
    id: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    request_id: RequestId | None = None


class EnrolRequest(_Request, frozen=True, kw_only=True, tag_field="op", tag="enrol"):
    """Begin to enrol with a browser of this computer, at the cloud that the configuration names."""


class DeviceRequest(_Request, frozen=True, kw_only=True, tag_field="op", tag="enrol_device"):
    """Begin to enrol with a browser of another computer (RFC 8628)."""


class CodeRequest(_Request, frozen=True, kw_only=True, tag_field="op", tag="enrol_code"):
    """Enrol with a code that the cloud's page showed."""

    code: Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_CODE)]

    def __repr__(self) -> str:
        return f"CodeRequest(id={self.id!r})"


class FileRequest(_Request, frozen=True, kw_only=True, tag_field="op", tag="enrol_file"):
    """Enrol with what stands in an enrolment file."""

    file: Annotated[str, msgspec.Meta(min_length=1, max_length=LARGEST)]

    def __repr__(self) -> str:
        return f"FileRequest(id={self.id!r})"


class StandingRequest(_Request, frozen=True, kw_only=True, tag_field="op", tag="enrol_status"):
    """Say how far it is."""


class CancelRequest(_Request, frozen=True, kw_only=True, tag_field="op", tag="enrol_cancel"):
    """Give up what has begun; the identity in use stays."""


class RotateRequest(_Request, frozen=True, kw_only=True, tag_field="op", tag="rotate"):
    """Change this computer's key."""


class LeaveRequest(_Request, frozen=True, kw_only=True, tag_field="op", tag="leave"):
    """Take this computer off the cloud and destroy its identity."""

    offline: bool = False
    """Also where the cloud cannot be told."""


class SealRequest(_Request, frozen=True, kw_only=True, tag_field="op", tag="seal"):
    """Make this computer ready for imaging."""

    without_file: bool = False
    """Also where its copies would have nothing to enrol with."""
    file: Annotated[str, msgspec.Meta(min_length=1, max_length=LARGEST)] | None = None
    """What stands in the enrolment file that copies enrol with; None: it lies there already."""

    def __repr__(self) -> str:
        return f"SealRequest(id={self.id!r})"


AdminRequest = (
    EnrolRequest
    | DeviceRequest
    | CodeRequest
    | FileRequest
    | StandingRequest
    | CancelRequest
    | RotateRequest
    | LeaveRequest
    | SealRequest
)


class Stage(StrEnum):
    """How far an enrolment is."""

    NONE = "none"
    """None has begun since this process started."""
    WAITING = "waiting"
    """For a person."""
    REGISTERING = "registering"
    PROVING = "proving"
    """The cloud has registered the new identity; it is shown to it for the first time."""
    AWAITING = "awaiting"
    """For the owner's yes, which may come whenever."""
    ENROLLED = "enrolled"
    FAILED = "failed"


class BegunAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What a person needs to see: where to go, and what to compare there."""

    url: str
    fingerprint: str
    """Of the new public key."""
    expires_in: int
    user_code: str | None = None
    """What to type there (RFC 8628 §3.3)."""


class StandingAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """How far the enrolment is, and who this computer is."""

    stage: Stage
    enrolled: bool
    """Whether there is an identity that this computer can use, new or old."""
    cloud: str | None
    """By the configuration as it is now."""
    client_id: str | None = None
    installation_id: str | None = None
    fingerprint: str | None = None
    """Of the key in use, or of the new one while a person is waited for."""
    name: str | None = None
    """As the cloud has it."""
    site: str | None = None
    problem: str | None = None
    """A code of `Trouble` or of `ErrorCode`."""
    fields: dict[str, str | int] = {}
    """For the places of its text."""


class DoneAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """It is done."""

    fingerprint: str | None = None
    """Of the key in use from now on."""
    told_cloud: bool = True
    """Whether the cloud knows of it."""


ANSWERS: Final[dict[str, type[msgspec.Struct]]] = {
    "enrol": BegunAnswer,
    "enrol_device": BegunAnswer,
    "enrol_code": StandingAnswer,
    "enrol_file": StandingAnswer,
    "enrol_status": StandingAnswer,
    "enrol_cancel": StandingAnswer,
    "rotate": DoneAnswer,
    "leave": DoneAnswer,
    "seal": DoneAnswer,
}


def read_admin_request(message: object) -> AdminRequest:
    """Return the request in a decoded message. Raises Refused (`bad_request`)."""
    try:
        request: AdminRequest = msgspec.convert(message, AdminRequest)
    except (msgspec.ValidationError, RecursionError):
        # without its cause: msgspec's message may quote a code
        raise refusal(ErrorCode.BAD_REQUEST) from None
    return request
