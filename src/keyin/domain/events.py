"""What the audit log is made of: one event an act, written in the transaction of the act."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keyin.domain.environment import Millis
    from keyin.domain.records import RecordId


class Act(StrEnum):
    """Everything that leaves an event; `refused` ones are of a client that was authenticated."""

    TOKEN_ISSUED = "token.issued"  # noqa: S105 - an act, no token
    TOKEN_REFUSED = "token.refused"  # noqa: S105 - an act, no token
    TOKEN_REVOKED = "token.revoked"  # noqa: S105 - an act, no token
    CLIENT_REGISTERED = "client.registered"
    CLIENT_REVOKED = "client.revoked"
    CLIENT_SUSPENDED = "client.suspended"
    CLIENT_RESUMED = "client.resumed"
    CREDENTIAL_REVOKED = "credential.revoked"
    CLIENT_KEY_REVOKED = "client_key.revoked"
    SITE_CHANGED = "site.changed"
    SOFTWARE_CHANGED = "software.changed"
    KEY_CREATED = "key.created"
    KEY_REVOKED = "key.revoked"
    POLICY_CHANGED = "policy.changed"
    ACCOUNT_CREATED = "account.created"
    ACCOUNT_CHANGED = "account.changed"
    SIGNED_IN = "session.signed_in"
    SIGN_IN_REFUSED = "session.sign_in_refused"
    SIGNED_OUT = "session.signed_out"
    CONSENT_GIVEN = "consent.given"
    CONSENT_DENIED = "consent.denied"
    EPOCH_MOVED = "store.epoch_moved"
    IMPORTED = "store.imported"
    ALERT = "alert"


_NOTHING: Final[Mapping[str, str]] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One act (P90). Nothing in it can be presented: a key stands as its pseudonym."""

    act: Act
    at: Millis
    actor: str
    """Who acted: an `oauth2_client_id`, an account id, or `administrator`."""
    client: RecordId | None = None
    """Whose record the act is about."""
    site: str | None = None
    key: str | None = None
    """See `pseudonym`."""
    address: str | None = None
    """From where, as the edge understood it."""
    reason: str | None = None
    """Of a refusal, a revocation or an alert: a code of a closed set."""
    request_id: str | None = None
    detail: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    """What belongs to this act only; never a secret."""
