"""What passes between the flow manager and the access requester: three ops, one list of errors.

No op takes a path, a command, a URL or a host (P67); no answer has a field for a secret (P60): the
access token is what the whole process exists to give, and of use only to who has the key of the
proof. tests/unit/requester holds both by
enumerating these classes. Decides nothing.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Final, Literal, NamedTuple

import msgspec

from keyin.domain.errors import Refused, msgid

SERVICE: Final = "keyin-requester"
MAX_KEY: Final = 1024  # characters of a GPII key; the original's own have 36

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
RequestId = Annotated[str, msgspec.Meta(pattern="^[A-Za-z0-9_-]{8,64}$")]
KeyText = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_KEY)]
PinText = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
Thumbprint = Annotated[str, msgspec.Meta(pattern="^[A-Za-z0-9_-]{43}$")]
ProofText = Annotated[str, msgspec.Meta(min_length=1, max_length=4096)]


class _Request(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    v: Literal[1]
    id: Name
    request_id: RequestId | None = None


class TokenRequest(_Request, frozen=True, kw_only=True, tag_field="op", tag="token"):
    """Give me a token for this person's key, for use with my own key alone (RFC 9449)."""

    gpii_key: KeyText
    pin: PinText | None = None
    """Where the person's key asks for one."""
    dpop_jkt: Thumbprint
    """Of my key."""
    dpop_proof: ProofText
    """By my key, for the cloud's token endpoint; passed on as it is."""

    def __repr__(self) -> str:
        return f"TokenRequest(id={self.id!r})"


class ForgetRequest(_Request, frozen=True, kw_only=True, tag_field="op", tag="forget"):
    """The person has keyed out: drop the token of this key; without a key, all of my tokens."""

    gpii_key: KeyText | None = None

    def __repr__(self) -> str:
        return f"ForgetRequest(id={self.id!r})"


class StatusRequest(_Request, frozen=True, kw_only=True, tag_field="op", tag="status"):
    """Say whether you can do your work."""


Request = TokenRequest | ForgetRequest | StatusRequest


class TokenAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """RFC 6749 §5.1, without what a computer at run time has no use for."""

    access_token: str
    token_type: str
    expires_in: int
    """Seconds that are left, also when the token comes from the cache."""

    def __repr__(self) -> str:
        return "TokenAnswer()"


class ForgetAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What was dropped."""

    forgotten: int


class StatusAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """How the access requester stands."""

    enrolled: bool
    """True if it holds a credential that it can use."""
    client_id: str | None
    cloud: str
    version: str
    tokens: int
    """How many tokens it keeps for the caller's account."""
    problem: str | None
    """What the last contact with the cloud showed: a code of `ErrorCode`, or nothing."""


class ErrorCode(StrEnum):
    """Every way in which an op can fail; the list is closed."""

    NOT_ENROLLED = "not_enrolled"
    CREDENTIAL_REVOKED = "credential_revoked"
    COPIED_IDENTITY = "copied_identity"
    OTHER_CLOUD = "other_cloud"
    KEY_REFUSED = "key_refused"
    CLOUD_UNREACHABLE = "cloud_unreachable"
    RATE_LIMITED = "rate_limited"
    CLOCK_SKEW = "clock_skew"
    USE_DPOP_NONCE = "use_dpop_nonce"
    BAD_REQUEST = "bad_request"
    NOT_ALLOWED = "not_allowed"
    INTERNAL = "internal"


class ErrorText(NamedTuple):
    """What a person is told; catalogue keys."""

    message: str
    next_step: str


ERROR_TEXTS: Final[dict[ErrorCode, ErrorText]] = {
    ErrorCode.NOT_ENROLLED: ErrorText(
        msgid("this computer has no credential for the cloud that it can use: %(reason)s"),
        msgid("put the credential in place, readable by the access requester's account only"),
    ),
    ErrorCode.CREDENTIAL_REVOKED: ErrorText(
        msgid("the cloud does not accept this computer's credential"),
        msgid("ask whoever runs the cloud whether it was revoked, and for a new one"),
    ),
    ErrorCode.COPIED_IDENTITY: ErrorText(
        msgid("this computer's identity was made on another computer: it came here as a copy, so "
              "it is not used"),
        msgid("give this computer an identity of its own: keyin requester enrol --cloud URL"),
    ),
    ErrorCode.OTHER_CLOUD: ErrorText(
        msgid("this computer's identity is for another cloud than the one in its configuration"),
        msgid("enrol it there, or put the former address back"),
    ),
    ErrorCode.KEY_REFUSED: ErrorText(
        msgid("the cloud gave no token for this key: it is unknown or was revoked, or the cloud "
              "does not serve this computer's network"),
        msgid("try the key again, or ask whoever gave it out"),
    ),
    ErrorCode.CLOUD_UNREACHABLE: ErrorText(
        msgid("the cloud cannot be reached: %(reason)s"),
        msgid("check the network and the setting `cloud`, then try again"),
    ),
    ErrorCode.RATE_LIMITED: ErrorText(
        msgid("there were too many requests"),
        msgid("wait %(retry_after)s seconds, then try again"),
    ),
    ErrorCode.CLOCK_SKEW: ErrorText(
        msgid("the cloud refused, and this computer's clock is %(seconds)s seconds away from it"),
        msgid("set this computer's clock, then try again"),
    ),
    ErrorCode.USE_DPOP_NONCE: ErrorText(
        msgid("the cloud wants a proof that holds the word it has just given"),
        msgid("try again; if it stays so, tell whoever runs the cloud"),
    ),
    ErrorCode.BAD_REQUEST: ErrorText(
        msgid("the access requester does not understand this request"),
        msgid("see that both programs have the same version"),
    ),
    ErrorCode.NOT_ALLOWED: ErrorText(
        msgid("this account may not ask the access requester"),
        msgid("add the account to `allow` in the access requester's configuration"),
    ),
    ErrorCode.INTERNAL: ErrorText(
        msgid("the access requester failed in a way that it did not expect"),
        msgid("look for the request id in its log"),
    ),
}  # fmt: skip


def refusal(code: ErrorCode, **fields: object) -> Refused:
    """Return the error of this code; `fields` fills the places of its text."""
    text = ERROR_TEXTS[code]
    return Refused(code, text.message, next_step=text.next_step, **fields)


def read_request(message: object) -> Request:
    """Return the request in a decoded message. Raises Refused (`bad_request`)."""
    try:
        request: Request = msgspec.convert(message, Request)
    except (msgspec.ValidationError, RecursionError):
        # without its cause: msgspec's message may quote what was sent, which may be a key
        raise refusal(ErrorCode.BAD_REQUEST) from None
    return request
