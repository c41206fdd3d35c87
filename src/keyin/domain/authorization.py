"""What is remembered between an application's wish and its token (RFC 6749 §4.1).

A pushed request becomes a question to a person, the question a code, the code a token; each step
uses up the one before. None of them stands in the store in a form that could be presented.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from keyin.domain.enrolment import Computer
    from keyin.domain.environment import Millis
    from keyin.domain.records import Digest, RecordId

SLOWER_S: Final = 5
"""How much longer a device waits that asked too early."""


class AuthorizationRequest(msgspec.Struct, frozen=True, kw_only=True):
    """An application's wish, checked against its record."""

    credential_id: RecordId
    redirect_uri: str
    scope: str
    state: str | None
    code_challenge: str
    """S256, always (RFC 7636 §4.2)."""
    jkt: str | None
    """The key that the code will be bound to (RFC 9449 §10)."""
    computer: Computer | None = None
    """What wants to be enrolled, of a wish to register; as approved, once it is (RFC 9396)."""
    address: str | None = None
    """From where that was pushed."""


class PushedRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A wish that came through `/oauth2/par`; `digest` is its request_uri's."""

    digest: Digest
    request: AuthorizationRequest
    expires: Millis


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """A wish that one person, in one browser, is looking at."""

    digest: Digest
    request: AuthorizationRequest
    account_id: RecordId
    session: Digest
    expires: Millis


class Code(msgspec.Struct, frozen=True, kw_only=True):
    """An authorization code. It stays, used, for as long as what it produced may live (P7)."""

    digest: Digest
    request: AuthorizationRequest
    account_id: RecordId
    account_epoch: int
    expires: Millis
    kept_until: Millis
    used: bool = False
    token: Digest | None = None
    """What it produced."""
    site: str | None = None
    """Where the computer will belong."""
    initial_access: RecordId | None = None
    """What it produced instead of a token, where a computer is to be enrolled."""


class DeviceRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A wish of a device without a browser, and what the person said of it (RFC 8628)."""

    digest: Digest
    """Of the device code."""
    user_code: Digest
    credential_id: RecordId
    scope: str
    jkt: str | None
    address: str | None
    """From where the device asked."""
    interval_s: int
    polled: Millis | None
    account_id: RecordId | None
    account_epoch: int | None
    denied: bool
    expires: Millis
    computer: Computer | None = None
    site: str | None = None

    def too_early(self, now: Millis) -> bool:
        """Tell whether its client asks again before it may (RFC 8628 §3.5)."""
        return self.polled is not None and now - self.polled < self.interval_s * 1000
