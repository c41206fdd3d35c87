"""Refusals as values: what the client is told, and the reason that only the audit log learns.

The codes are RFC 6749 §5.2's and §4.1.2.1's. Statuses and texts of the GPII-key grant are those
that its clients rely on (cloud-wire §3.2), even where they are odd: 401 with `server_error`, and
one plain text. They are rendered in one place only, `cloud.errors`.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from keyin.domain.records import Digest


class Code(StrEnum):
    """Error codes of a token response, and of an authorization response (RFC 6749, 8628, 9449)."""

    INVALID_REQUEST = "invalid_request"
    UNSUPPORTED_GRANT_TYPE = "unsupported_grant_type"
    SERVER_ERROR = "server_error"
    INVALID_CLIENT = "invalid_client"
    UNAUTHORIZED_CLIENT = "unauthorized_client"
    INVALID_SCOPE = "invalid_scope"
    INVALID_TARGET = "invalid_target"
    INVALID_DPOP_PROOF = "invalid_dpop_proof"
    USE_DPOP_NONCE = "use_dpop_nonce"
    RATE_LIMITED = "rate_limited"
    INVALID_GRANT = "invalid_grant"
    ACCESS_DENIED = "access_denied"
    UNSUPPORTED_RESPONSE_TYPE = "unsupported_response_type"
    REQUEST_NOT_SUPPORTED = "request_not_supported"
    AUTHORIZATION_PENDING = "authorization_pending"
    SLOW_DOWN = "slow_down"
    INVALID_AUTHORIZATION_DETAILS = "invalid_authorization_details"
    EXPIRED_TOKEN = "expired_token"  # noqa: S105 - a code of RFC 8628, no token
    INVALID_TOKEN = "invalid_token"  # noqa: S105 - a code of RFC 6750, no token
    INVALID_CLIENT_METADATA = "invalid_client_metadata"
    INVALID_REDIRECT_URI = "invalid_redirect_uri"
    INVALID_SOFTWARE_STATEMENT = "invalid_software_statement"
    UNAPPROVED_SOFTWARE_STATEMENT = "unapproved_software_statement"


class Reason(StrEnum):
    """Why, for the audit log; never told to who asked."""

    NO_CREDENTIALS = "no_credentials"
    UNKNOWN_CLIENT = "unknown_client"
    WRONG_SECRET = "wrong_secret"  # noqa: S105 - a reason, no secret
    CREDENTIAL_NOT_ACTIVE = "credential_not_active"
    CLIENT_NOT_ACTIVE = "client_not_active"
    SITE_NOT_ACTIVE = "site_not_active"
    SOFTWARE_NOT_ACTIVE = "software_not_active"
    CLIENT_OF_ANOTHER_KIND = "client_of_another_kind"
    GRANT_TYPE = "grant_type"
    NOT_LEGACY = "not_legacy"
    PARAMETERS = "parameters"
    NETWORK = "network"
    UNKNOWN_KEY = "unknown_key"
    KEY_NOT_ACTIVE = "key_not_active"
    RESERVED_KEY = "reserved_key"
    ANOTHER_SITE = "another_site"
    WRONG_PIN = "wrong_pin"
    PIN_LOCKED = "pin_locked"
    NO_PLACE = "no_place"
    RATE_LIMITED = "rate_limited"
    DISTINCT_KEYS = "distinct_keys"
    NO_TOKEN = "no_token"  # noqa: S105 - a reason, no token
    UNKNOWN_TOKEN = "unknown_token"  # noqa: S105 - a reason, no token
    TOKEN_NOT_ACTIVE = "token_not_active"  # noqa: S105 - a reason, no token
    EXPIRED = "expired"
    WRONG_AUDIENCE = "wrong_audience"
    EPOCH = "epoch"
    ANOTHER_KEY = "another_key"
    TWO_METHODS = "two_methods"
    OTHER_METHOD = "other_method"
    WRONG_ASSERTION = "wrong_assertion"
    UNKNOWN_CLIENT_KEY = "unknown_client_key"
    CLIENT_KEY_NOT_ACTIVE = "client_key_not_active"
    REPLAYED = "replayed"
    SCHEME = "scheme"
    NO_PROOF = "no_proof"
    WRONG_PROOF = "wrong_proof"
    NO_NONCE = "no_nonce"
    SCOPE = "scope"
    TARGET = "target"
    GRANT_NOT_ALLOWED = "grant_not_allowed"
    REDIRECT_URI = "redirect_uri"
    REQUEST_URI = "request_uri"
    CHALLENGE = "challenge"
    DETAILS = "details"
    CODE = "code"
    CODE_USED_TWICE = "code_used_twice"
    VERIFIER = "verifier"
    PENDING = "pending"
    METADATA = "metadata"
    STATEMENT = "statement"
    USED_UP = "used_up"
    TOKEN_USED_TWICE = "token_used_twice"  # noqa: S105 - a reason, no token
    NAME_TAKEN = "name_taken"
    KEY_KNOWN = "key_known"
    SAME_INSTALLATION = "same_installation"
    OWNER_NOT_ACTIVE = "owner_not_active"
    CERTIFICATE = "certificate"
    DENIED = "denied"


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """No token. `code` None: the answer is the plain text of `description`."""

    status: int
    code: Code | None
    description: str
    reason: Reason
    key: Digest | None = None
    """Which key was refused, for the audit log."""
    retry_after_s: int | None = None
    """When to come again (RFC 9110 §10.2.3)."""


def no_credentials() -> Refusal:
    """Refuse for want of anything to authenticate with (cloud-wire §3.2, row 2)."""
    return Refusal(status=401, code=None, description="Unauthorized", reason=Reason.NO_CREDENTIALS)


def unauthorized(reason: Reason) -> Refusal:
    """Refuse with the same answer whoever asks, and for what (rows 4, 9, 10, 11)."""
    return Refusal(status=401, code=Code.SERVER_ERROR, description="Unauthorized", reason=reason)


def invalid_request(description: str) -> Refusal:
    """Refuse a parameter that is missing or of the wrong shape (rows 6 to 8)."""
    return Refusal(
        status=400,
        code=Code.INVALID_REQUEST,
        description=description,
        reason=Reason.PARAMETERS,
    )


def unsupported_grant_type(shown: str, reason: Reason = Reason.GRANT_TYPE) -> Refusal:
    """Refuse any grant type but the one, or a client whose time for it is over (row 5, P102)."""
    return Refusal(
        status=501,
        code=Code.UNSUPPORTED_GRANT_TYPE,
        description=f"Unsupported grant type: {shown}",
        reason=reason,
    )


def refused(code: Code, description: str, reason: Reason = Reason.PARAMETERS) -> Refusal:
    """Refuse at `/oauth2/token` with 400 (RFC 6749 §5.2, RFC 8693 §2.2.2, RFC 9449 §5)."""
    return Refusal(status=400, code=code, description=description, reason=reason)


def invalid_client(reason: Reason) -> Refusal:
    """Refuse a client that did not prove itself: one answer for every cause (P57)."""
    return Refusal(
        status=401,
        code=Code.INVALID_CLIENT,
        description="Client authentication failed",
        reason=reason,
    )


def too_many(wait_ms: int) -> Refusal:
    """Refuse because of a limit, before anything dear was done; the same for every limit."""
    return Refusal(
        status=429,
        code=Code.RATE_LIMITED,
        description="Too many requests",
        reason=Reason.RATE_LIMITED,
        retry_after_s=max(1, -(-wait_ms // 1000)),
    )


UNREADABLE: Final = invalid_request("The request body could not be read")
"""Row 1: neither a form nor JSON, or JSON that says something twice."""
TWO_METHODS: Final = refused(
    Code.INVALID_REQUEST, "More than one way of client authentication", Reason.TWO_METHODS
)
"""RFC 6749 §2.3."""
