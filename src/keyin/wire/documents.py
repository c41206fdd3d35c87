"""The original's five document types, as its database holds them (cloud-wire §6), and our safes'.

Schemas 0.1 and 0.2; members that are not named here are ignored, absent ones have the original's
meaning. Shapes only: what a document may do is decided where it is imported.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeAlias

import msgspec

from keyin.domain.environment import Millis
from keyin.domain.errors import InvalidDocument
from keyin.wire.faults import fault


class _Document(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    id: str = msgspec.field(name="_id")
    schema_version: Any = msgspec.field(name="schemaVersion", default=None)
    created: Any = msgspec.field(name="timestampCreated", default=None)
    updated: Any = msgspec.field(name="timestampUpdated", default=None)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


class GpiiKeyDocument(_Document, frozen=True, kw_only=True, tag="gpiiKey"):
    """`_id` is the key itself."""

    prefs_safe_id: str | None = msgspec.field(name="prefsSafeId", default=None)
    prefs_set_id: str | None = msgspec.field(name="prefsSetId", default=None)
    revoked: Any = False
    revoked_reason: str | None = msgspec.field(name="revokedReason", default=None)
    timestamp_revoked: Any = msgspec.field(name="timestampRevoked", default=None)
    limited: Any = msgspec.field(name="keyinLimited", default=False)
    """keyin's own exports say so of a key with a policy, which they do not hold."""


class PrefsSafeDocument(_Document, frozen=True, kw_only=True, tag="prefsSafe"):
    """`preferences`: preference sets by ontology."""

    prefs_safe_type: str = msgspec.field(name="prefsSafeType", default="user")
    name: str | None = None
    email: str | None = None
    password: Any = None
    preferences: dict[str, Any]


class ClientDocument(_Document, frozen=True, kw_only=True, tag="gpiiAppInstallationClient"):
    """One installation or site."""

    name: str | None = None
    computer_type: str | None = msgspec.field(name="computerType", default=None)
    revoked: Any = False
    """keyin's own exports say this and what follows; the original had no such members."""
    legacy_until: Any = msgspec.field(name="legacyUntil", default=msgspec.UNSET)
    site: Any = None


class CredentialDocument(_Document, frozen=True, kw_only=True, tag="clientCredential"):
    """`allowed_*`: null or absent says "no restriction" (§6.5)."""

    client_id: str = msgspec.field(name="clientId")
    oauth2_client_id: str = msgspec.field(name="oauth2ClientId")
    oauth2_client_secret: str = msgspec.field(name="oauth2ClientSecret", default="")
    allowed_ip_blocks: Any = msgspec.field(name="allowedIPBlocks", default=None)
    allowed_prefs_to_write: Any = msgspec.field(name="allowedPrefsToWrite", default=None)
    may_create_keys: Any = msgspec.field(name="isCreateGpiiKeyAllowed", default=False)
    may_create_safes: Any = msgspec.field(name="isCreatePrefsSafeAllowed", default=False)
    revoked: Any = None
    revoked_reason: str | None = msgspec.field(name="revokedReason", default=None)
    timestamp_revoked: Any = msgspec.field(name="timestampRevoked", default=None)


class AuthorizationDocument(
    _Document, frozen=True, kw_only=True, tag="gpiiAppInstallationAuthorization"
):
    """An access token, in clear."""

    client_id: str = msgspec.field(name="clientId")
    client_credential_id: str | None = msgspec.field(name="clientCredentialId", default=None)
    gpii_key: str = msgspec.field(name="gpiiKey")
    access_token: str = msgspec.field(name="accessToken")
    revoked: Any = None
    timestamp_expires: Any = msgspec.field(name="timestampExpires", default=None)


Document: TypeAlias = (
    GpiiKeyDocument
    | PrefsSafeDocument
    | ClientDocument
    | CredentialDocument
    | AuthorizationDocument
)


class _Head(msgspec.Struct, frozen=True):
    id: Any = msgspec.field(name="_id", default=None)
    type: Any = None


_document: Final = msgspec.json.Decoder(Document)
_head: Final = msgspec.json.Decoder(_Head)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class SafeContent(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What `records.Safe.sealed` holds: `id` is the original's, null in a safe of our own."""

    id: str | None = None
    name: str | None = None
    email: str | None = None
    password: None = None
    preferences: dict[str, Any]

    def __repr__(self) -> str:
        return "<SafeContent>"


_safe: Final = msgspec.json.Decoder(SafeContent)


def head(value: object) -> tuple[object, object]:
    """Return `_id` and `type` of a document, decoded or not; None for each that is not there."""
    if isinstance(value, msgspec.Raw):
        try:
            found = _head.decode(value)
        except (ValueError, RecursionError):
            return None, None
        return found.id, found.type
    return (value.get("_id"), value.get("type")) if isinstance(value, dict) else (None, None)


def read_document(value: object) -> Document:
    """Return one document, decoded or not, in its shape.

    Raises InvalidDocument, which quotes no value.
    """
    try:
        document: Document = (
            _document.decode(value)
            if isinstance(value, msgspec.Raw)
            else msgspec.convert(value, Document)
        )
    except msgspec.ValidationError as error:
        raise InvalidDocument(
            "it has not the shape of its type (%(fault)s)", fault=fault(error)
        ) from error
    except (ValueError, RecursionError) as error:
        raise fault(error) from error
    return document


def encode_safe(content: SafeContent) -> bytes:
    """Return the bytes to seal. Raises InvalidDocument for what no JSON can hold."""
    try:
        encoded = msgspec.json.encode(content)
        if _safe.decode(encoded) != content:  # NaN and infinities would have become null
            raise InvalidDocument("it holds a number that JSON does not have")
    except (ValueError, OverflowError, TypeError, RecursionError) as error:
        raise InvalidDocument("it holds a value that JSON does not have") from error
    return encoded


def decode_safe(plaintext: bytes) -> SafeContent:
    """Return what was sealed. Raises InvalidDocument."""
    try:
        return _safe.decode(plaintext)
    except ValueError as error:
        raise InvalidDocument("a stored safe has another shape than ours") from error


def millis(timestamp: object) -> Millis | None:
    """Return an ISO 8601 timestamp as milliseconds; None for anything else."""
    if not isinstance(timestamp, str):
        return None
    try:
        parsed = datetime.fromisoformat(timestamp)
    except ValueError:
        return None
    aware = parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
    return Millis(round(aware.timestamp() * 1000))


def timestamp(time: Millis | None) -> str | None:
    """Return milliseconds as the original writes them: UTC, three digits, `Z`."""
    if time is None:
        return None
    written = (_EPOCH + timedelta(milliseconds=time)).isoformat(timespec="milliseconds")
    return written.replace("+00:00", "Z")
