"""What `keyin login|logout|status` and the flow manager say to each other.

Requests `login {gpii_key, pin?, dry_run?}`, `logout {gpii_key?}`, `status {}`; each carries a
`request_id`. Replies hold the shapes below beside `ok`. Error codes are a closed list.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

import msgspec

from keyin.domain.errors import InvalidDocument

SERVICE: Final = "keyin-flow-manager"

ERRORS: Final = frozenset(
    {
        "bad_request",
        "bounce",
        "cloud_refused",
        "cloud_unreachable",
        "clock_skew",
        "credential_revoked",
        "handler_failed",
        "internal",
        "invalid_document",
        "key_refused",
        "nobody_active",
        "not_allowed",
        "not_enrolled",
        "not_restored",
        "other_active",
        "rate_limited",
        "requester_unreachable",
        "reserved_key",
        "shutting_down",
        "store_unavailable",
        "unauthorized",
    }
)


Name = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
RequestId = Annotated[str, msgspec.Meta(pattern="^[A-Za-z0-9_-]{8,64}$")]
KeyText = Annotated[str, msgspec.Meta(min_length=1, max_length=1024)]
PinText = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]


class _Request(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    v: Literal[1]
    id: Name
    request_id: RequestId | None = None


class Login(_Request, frozen=True, kw_only=True, tag_field="op", tag="login"):
    """Key somebody in; with `dry_run` only say what would change."""

    gpii_key: KeyText
    pin: PinText | None = None
    dry_run: bool = False

    def __repr__(self) -> str:
        return f"Login(id={self.id!r})"


class Logout(_Request, frozen=True, kw_only=True, tag_field="op", tag="logout"):
    """Key out; without a key whoever is keyed in."""

    gpii_key: KeyText | None = None

    def __repr__(self) -> str:
        return f"Logout(id={self.id!r})"


class Status(_Request, frozen=True, kw_only=True, tag_field="op", tag="status"):
    """Ask how things are."""


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """One setting that a login would change. An absent value is left out of the message."""

    solution: str
    setting: str
    now: Any = msgspec.UNSET
    then: Any = msgspec.UNSET


class Skipped(msgspec.Struct, frozen=True, kw_only=True):
    """A block or action that no handler of this computer took."""

    solution: str
    step: str
    type: str


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What a key event did. `settings` counts what changed."""

    answer: Literal["login", "logout", "reset"]
    solutions: tuple[str, ...] = ()
    settings: int = 0
    skipped: tuple[Skipped, ...] = ()


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    """What a login would do."""

    differences: tuple[Difference, ...]
    skipped: tuple[Skipped, ...] = ()


class State(msgspec.Struct, frozen=True, kw_only=True):
    """How things are. Says that somebody is keyed in, not who: the key is theirs."""

    keyed_in: bool
    busy: bool
    waiting: int
    since: int | None
    """Milliseconds since 1970 of the last login or logout."""
    not_restored: int
    """Earlier sessions of which something could not be put back yet."""
    version: str


Request = Login | Logout | Status


def request_of(message: dict[str, Any]) -> Request:
    """Read a request. Raises InvalidDocument; its text holds nothing of the request."""
    try:
        request: Request = msgspec.convert(message, Request)
    except msgspec.ValidationError:
        raise InvalidDocument("the request has a wrong shape") from None
    return request
