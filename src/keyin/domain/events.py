"""What the audit log is made of: one event an act, written in the transaction of the act."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - msgspec looks at the annotations
from enum import StrEnum
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING, Final

import msgspec

from keyin.domain.environment import Millis  # noqa: TC001 - as above
from keyin.domain.records import RecordId  # noqa: TC001 - as above

if TYPE_CHECKING:
    from keyin.domain.records import Digest


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
    CLIENT_KEY_ADDED = "client_key.added"
    CLIENT_KEY_REVOKED = "client_key.revoked"
    SITE_CHANGED = "site.changed"
    MEMBERSHIP_CHANGED = "membership.changed"
    SOFTWARE_CHANGED = "software.changed"
    INITIAL_ACCESS_MADE = "initial_access.made"
    INITIAL_ACCESS_REVOKED = "initial_access.revoked"
    REGISTRATION_CHANGED = "registration.changed"
    REGISTRATION_REFUSED = "registration.refused"
    CLIENT_ACTIVATED = "client.activated"
    CLIENT_RETURNED = "client.returned"
    CLIENT_EXPIRED = "client.expired"
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
    CONSENT_REPORTED = "consent.reported"
    """Denied by who says that it was not they who began it."""
    ADMINISTRATOR_ASKED = "administrator.asked"
    """Looked, changed nothing, or was refused."""
    EPOCH_MOVED = "store.epoch_moved"
    IMPORTED = "store.imported"
    ALERT = "alert"


class Outcome(StrEnum):
    """What became of it."""

    DONE = "done"
    REFUSED = "refused"


ADMINISTRATOR: Final = "administrator"
"""The actor of what is done by the command or its socket."""

_REFUSALS: Final = frozenset(
    {
        *(Act.TOKEN_REFUSED, Act.SIGN_IN_REFUSED, Act.REGISTRATION_REFUSED),
        *(Act.CONSENT_DENIED, Act.CONSENT_REPORTED),
    }
)
_PSEUDONYM_BYTES: Final = 16


class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One act (P90). Nothing in it can be presented: a key stands as its pseudonym.

    The fields stand in the order of their names, which is that of the canonical JSON.
    """

    act: Act
    actor: str
    """Who acted: an `oauth2_client_id`, an account id, or `ADMINISTRATOR`."""
    address: str | None = None
    """From where, as the edge understood it."""
    at: Millis
    client: RecordId | None = None
    """Whose record the act is about."""
    detail: Mapping[str, str] | None = None
    """What belongs to this act only; never a secret."""
    key: str | None = None
    """See `pseudonym`."""
    outcome: Outcome | None = None
    """Left out, it is what the act says; the canonical JSON always has it."""
    reason: str | None = None
    """Of a refusal, a revocation or an alert: a code of a closed set."""
    request_id: str | None = None
    site: str | None = None


def outcome_of(act: Act) -> Outcome:
    """Say what an act came to, where the event does not."""
    return Outcome.REFUSED if act in _REFUSALS else Outcome.DONE


@lru_cache(maxsize=4096)
def pseudonym(key_digest: Digest) -> str:
    """Return the name of a key in events: always the same, and no use for finding the key.

    The digest is keyed already (`Peppers`), so nobody who has the log can try keys on it.
    """
    hashed = sha256(b"keyin audit key\0" + key_digest.encode()).digest()
    return "k_" + hashed[:_PSEUDONYM_BYTES].hex()
