"""What the cloud remembers: clients, credentials, keys, safes, tokens.

Each carries from the first day what is dear to add later: owner, site, software, origin, status
and an epoch that revocation bumps. A token remembers the epochs it was issued under; when one of
them has moved on, the token is dead.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, StrEnum
from typing import TYPE_CHECKING, Final, Literal, NewType

import msgspec
from msgspec.structs import replace

if TYPE_CHECKING:
    from keyin.domain.environment import Millis
    from keyin.domain.key_policy import KeyPolicy

RecordId = NewType("RecordId", str)
"""A store-wide identifier of a client or credential; no secret."""

SafeId = NewType("SafeId", str)
"""A safe's identifier, made by us: never the original's, which contains the key."""

Digest = NewType("Digest", str)
"""`<pepper id>:<hex HMAC-SHA-256>` of a key, token or secret; cannot be presented."""


NO_SECRET: Final = Digest("-" * 8 + ":" + "0" * 64)
"""The secret of who has none: as long as a digest, and equal to none."""


NO_KEY: Final = Digest("-" * 8 + ":" + "1" * 64)
"""The key of a token that opens no preferences: equal to no key's digest."""


class Unrestricted(Enum):
    """Says "no limit" out loud, so that an empty list can mean "nothing" (deny first)."""

    UNRESTRICTED = "unrestricted"


UNRESTRICTED: Final = Unrestricted.UNRESTRICTED


class Status(StrEnum):
    """Only `ACTIVE` opens anything."""

    PENDING = "pending"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    REVOKED = "revoked"
    EXPIRED = "expired"


class StoppedBy(StrEnum):
    """What stops a client whose own record is in order."""

    SITE = "site"
    SOFTWARE = "software"


class Origin(StrEnum):
    """How a record came to be."""

    IMPORTED = "imported"
    ADMINISTRATOR = "administrator"
    GRANT = "grant"
    CLIENT_WRITE = "client_write"
    REGISTRATION = "registration"
    """It asked itself, with an initial access token (RFC 7591)."""


class ClientKind(StrEnum):
    """Server-side data, never taken from a request (S2)."""

    INSTALLATION = "gpiiAppInstallationClient"
    APPLICATION = "application"
    """See `domain.applications`."""
    OTHER = "other"


class Lineage(msgspec.Struct, frozen=True, kw_only=True):
    """Who answers for a record, and where it came from."""

    owner: str | None = None
    site: str | None = None
    software_id: str | None = None
    software_version: str | None = None
    origin: Origin


class Client(msgspec.Struct, frozen=True, kw_only=True):
    """One installation (or, imported, one site's worth of them)."""

    id: RecordId
    kind: ClientKind
    name: str | None
    computer_type: str | None
    lineage: Lineage
    status: Status
    epoch: int
    created: Millis
    updated: Millis | None
    legacy_until: Millis | None
    """The password grant is answered until then; None: never."""
    stopped_by: StoppedBy | None = None
    """Never stored. Not None: see `as_it_counts`."""


def as_it_counts(client: Client, *, site: bool, software: bool) -> Client:
    """Return a client as found: suspended where its site or its software's version is stopped.

    So whoever looks at `status` alone decides rightly.
    """
    if not (site or software) or client.status is not Status.ACTIVE:
        return client
    by = StoppedBy.SITE if site else StoppedBy.SOFTWARE
    return replace(client, status=Status.SUSPENDED, stopped_by=by)


class Site(msgspec.Struct, frozen=True, kw_only=True):
    """A place that has computers; without a record it is active."""

    name: str
    status: Status
    reason: str | None
    created: Millis
    updated: Millis | None


class SoftwareVersion(msgspec.Struct, frozen=True, kw_only=True):
    """One version of a software; without a record it is active."""

    id: str
    version: str
    status: Status
    reason: str | None
    created: Millis
    updated: Millis | None


class CredentialPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """What a credential may do; an empty tuple allows nothing."""

    networks: tuple[str, ...] | Unrestricted
    writable: tuple[str, ...] | Unrestricted
    may_create_keys: bool
    may_create_safes: bool


class Credential(msgspec.Struct, frozen=True, kw_only=True):
    """A `client_id` on the wire and what proves it."""

    id: RecordId
    client_id: RecordId
    oauth2_client_id: str
    secret_digest: Digest
    """`NO_SECRET` where keys prove it, see `ClientKey`: one way a credential (P59)."""
    policy: CredentialPolicy
    lineage: Lineage
    status: Status
    epoch: int
    revoked_reason: str | None
    created: Millis
    revoked: Millis | None


class ClientKey(msgspec.Struct, frozen=True, kw_only=True):
    """A public key that proves a credential; of several, each may, so that they can be changed."""

    kid: str
    """Its thumbprint (RFC 7638), in one credential only."""
    credential_id: RecordId
    jwk: bytes
    """The public key, canonical JSON (RFC 7638 §3)."""
    algorithm: str
    status: Status
    epoch: int
    added: Millis
    last_used: Millis | None
    """To the day."""


class ProofUse(msgspec.Struct, frozen=True, kw_only=True):
    """A proof that may come once until it expires; the digest is of who made it and its name."""

    namespace: str
    digest: str
    expires: Millis


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """A GPII key: looked up by digest; `sealed` opens only with the data key outside the store."""

    digest: Digest
    sealed: bytes
    safe_id: SafeId | None
    prefs_set_id: str | None
    lineage: Lineage
    status: Status
    epoch: int
    low_entropy: bool
    revoked_reason: str | None
    created: Millis
    updated: Millis | None
    revoked: Millis | None
    policy: KeyPolicy | None = None
    """None: it opens wherever somebody may ask at all."""


class Safe(msgspec.Struct, frozen=True, kw_only=True):
    """One person's preferences; `sealed` holds the document, encrypted."""

    id: SafeId
    kind: Literal["user", "snapset"]
    sealed: bytes
    created: Millis
    updated: Millis | None


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """One grant. A new one at every request, so that each can be told apart and revoked (S26)."""

    digest: Digest
    client_id: RecordId
    credential_id: RecordId
    key_digest: Digest
    audience: str
    scope: str
    lineage: Lineage
    status: Status
    client_epoch: int
    credential_epoch: int
    key_epoch: int | None
    """None: the key did not exist when the token was issued."""
    store_epoch: int
    issued: Millis
    expires: Millis
    cnf_jkt: str | None = None
    """The thumbprint of the key that must prove each use (RFC 9449 §6); None: a bearer token."""


@dataclass(frozen=True, slots=True, kw_only=True)  # a struct compares every field
class StoredGrant:
    """A token with everything that must still be true for it to open something."""

    token: Token
    client: Client
    credential: Credential
    key: Key | None
    store_epoch: int
    safe: Safe | None = field(default=None, compare=False)
    """The key's safe, where the store found it on the way; None: whoever wants it looks."""
