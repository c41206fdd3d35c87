"""The original's documents made into records: each secret becomes a digest, each safe is sealed.

Deny first: what is not exactly as it must be allows nothing. Only null or absent restrictions,
which in the original mean "no restriction", become the explicit `UNRESTRICTED`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol

import msgspec

from keyin.domain.environment import Millis
from keyin.domain.errors import InvalidDocument
from keyin.domain.grant import SETTINGS_AUDIENCE, SETTINGS_SCOPE
from keyin.domain.key_strength import low_entropy
from keyin.domain.records import (
    UNRESTRICTED,
    Client,
    ClientKind,
    Credential,
    CredentialPolicy,
    Digest,
    Key,
    Lineage,
    Origin,
    RecordId,
    Safe,
    SafeId,
    Status,
    Token,
    Unrestricted,
)
from keyin.domain.secret import GpiiKey
from keyin.oauth.ports import Peppers
from keyin.settings.ports import Vault
from keyin.wire.documents import SafeContent, encode_safe, millis

if TYPE_CHECKING:
    from keyin.wire.documents import (
        AuthorizationDocument,
        ClientDocument,
        CredentialDocument,
        GpiiKeyDocument,
        PrefsSafeDocument,
    )

_OURS: Final = re.compile(r"s_[0-9a-f]{32}")
_LONGEST_TOKEN: Final = 3_600_000
_LONGEST_NAME: Final = 200
_LINEAGE: Final = Lineage(origin=Origin.IMPORTED)
_SAFE_KINDS: Final[dict[str, Literal["user", "snapset"]]] = {"user": "user", "snapset": "snapset"}


class Secrets(Peppers, Vault, Protocol):
    """Digests and ciphertexts."""


class Making(msgspec.Struct, frozen=True, kw_only=True):
    """What every record of one import has in common."""

    secrets: Secrets
    now: Millis
    legacy_until: Millis

    def client(self, document: ClientDocument) -> Client:
        """Return the client, which may use the password grant for a while. InvalidDocument."""
        return Client(
            id=RecordId(_given(document.id)),
            kind=ClientKind.INSTALLATION,
            name=document.name,
            computer_type=document.computer_type,
            lineage=Lineage(site=_site(document.site), origin=Origin.IMPORTED),
            status=_status(revoked=document.revoked is not False),
            epoch=0,
            created=millis(document.created) or self.now,
            updated=millis(document.updated),
            legacy_until=self._legacy_until(document),
        )

    def _legacy_until(self, document: ClientDocument) -> Millis | None:
        """Return what an export says of it, never more; the original's documents say nothing."""
        if document.legacy_until is msgspec.UNSET:
            return self.legacy_until
        return millis(document.legacy_until)

    def credential(self, document: CredentialDocument) -> Credential:
        """Return the credential; of the secret only its digest. Raises InvalidDocument."""
        if not document.oauth2_client_secret:
            raise InvalidDocument("it has no client secret (an export holds none)")
        return Credential(
            id=RecordId(_given(document.id)),
            client_id=RecordId(document.client_id),
            oauth2_client_id=_given(document.oauth2_client_id),
            secret_digest=self.secrets.digests("secret", _given(document.oauth2_client_secret))[0],
            policy=_policy(document),
            lineage=_LINEAGE,
            status=_status(revoked=document.revoked is not False),
            epoch=0,
            revoked_reason=document.revoked_reason,
            created=millis(document.created) or self.now,
            revoked=millis(document.timestamp_revoked),
        )

    def safe(self, document: PrefsSafeDocument, id_: SafeId) -> Safe:
        """Return the safe, sealed. Raises InvalidDocument."""
        kind = _SAFE_KINDS.get(document.prefs_safe_type)
        if kind is None:
            raise InvalidDocument("its prefsSafeType is neither user nor snapset")
        content = SafeContent(
            id=None if _OURS.fullmatch(document.id) else document.id,
            name=document.name,
            email=document.email,
            preferences=document.preferences,
        )
        return Safe(
            id=id_,
            kind=kind,
            sealed=self.secrets.seal(encode_safe(content), id_),
            created=millis(document.created) or self.now,
            updated=millis(document.updated),
        )

    def key(self, document: GpiiKeyDocument, digest: Digest, safe_id: SafeId | None) -> Key:
        """Return the key, sealed. Raises InvalidDocument."""
        if document.limited is not False:
            raise InvalidDocument("it is a key with a PIN or limits, which no export holds")
        return Key(
            digest=digest,
            sealed=self.secrets.seal(_given(document.id).encode(), digest),
            safe_id=safe_id,
            prefs_set_id=document.prefs_set_id,
            lineage=_LINEAGE,
            status=_status(revoked=document.revoked is not False),
            epoch=0,
            low_entropy=low_entropy(GpiiKey(document.id)),
            revoked_reason=document.revoked_reason,
            created=millis(document.created) or self.now,
            updated=millis(document.updated),
            revoked=millis(document.timestamp_revoked),
        )

    def token(
        self, document: AuthorizationDocument, key_digest: Digest, *, key_exists: bool, epoch: int
    ) -> Token:
        """Return the grant, with an hour to live at most. Raises InvalidDocument."""
        expires = millis(document.timestamp_expires)
        if expires is None:
            raise InvalidDocument("the token does not say when it expires")
        if expires <= self.now:
            raise InvalidDocument("the token has expired")
        if not document.client_credential_id:
            raise InvalidDocument("the token names no credential")
        return Token(
            digest=self.secrets.digests("token", _given(document.access_token))[0],
            client_id=RecordId(document.client_id),
            credential_id=RecordId(document.client_credential_id),
            key_digest=key_digest,
            audience=SETTINGS_AUDIENCE,
            scope=SETTINGS_SCOPE,
            lineage=_LINEAGE,
            status=_status(revoked=document.revoked is not False),
            client_epoch=0,
            credential_epoch=0,
            key_epoch=0 if key_exists else None,
            store_epoch=epoch,
            issued=millis(document.created) or self.now,
            expires=min(expires, Millis(self.now + _LONGEST_TOKEN)),
        )

    def safe_ids(self, original: str) -> list[SafeId]:
        """Return the ids that the safe may have, the one for a new record first.

        Derived, so that importing twice finds it again; not the original's, which holds the key.
        """
        if _OURS.fullmatch(original):
            return [SafeId(original)]
        digests = self.secrets.digests("safe", original)
        return [SafeId(f"s_{digest.partition(':')[2][:32]}") for digest in digests]


def _given(text: str) -> str:
    if not text or "\0" in text:
        raise InvalidDocument("a text in it that must be given is empty, or holds a zero byte")
    return text


def _site(name: object) -> str | None:
    """Return the site that an export names, if it is what a site may be called."""
    named = isinstance(name, str) and name.isprintable() and len(name) <= _LONGEST_NAME
    return str(name) or None if named else None


def _status(*, revoked: bool) -> Status:
    return Status.REVOKED if revoked else Status.ACTIVE


def _policy(document: CredentialDocument) -> CredentialPolicy:
    networks = document.allowed_ip_blocks
    return CredentialPolicy(
        networks=_allowed([networks] if isinstance(networks, str) else networks),
        writable=_allowed(document.allowed_prefs_to_write),
        may_create_keys=document.may_create_keys is True,
        may_create_safes=document.may_create_safes is True,
    )


def _allowed(listed: Any) -> tuple[str, ...] | Unrestricted:  # noqa: ANN401 - whatever stands there
    if listed is None:
        return UNRESTRICTED
    if isinstance(listed, list) and all(isinstance(entry, str) for entry in listed):
        return tuple(listed)
    return ()
