"""The records of a new client, whoever asked for it: nothing is allowed but what is said here.

Ids come from the server, in spaces of their own (P4).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from keyin.domain.records import NO_SECRET, Client, ClientKey, Credential, RecordId, Status
from keyin.wire.jose import wrapped

if TYPE_CHECKING:
    from keyin.domain.environment import Entropy, Millis
    from keyin.domain.records import ClientKind, CredentialPolicy, Digest, Lineage
    from keyin.wire.jose import PublicKey

ID_BYTES: Final = 16
SECRET_BYTES: Final = 32


def random_text(entropy: Entropy, length: int = ID_BYTES) -> str:
    """Return so many unpredictable bytes as base64url."""
    return wrapped(entropy.token_bytes(length))


def client_record_id(entropy: Entropy) -> RecordId:
    """Make the id of a client's record."""
    return RecordId("c_" + random_text(entropy))


def credential_record_id(entropy: Entropy) -> RecordId:
    """Make the id of a credential's record."""
    return RecordId("cc_" + random_text(entropy))


def new_client(  # noqa: PLR0913 - what is said of a client
    id_: RecordId,
    kind: ClientKind,
    lineage: Lineage,
    *,
    name: str | None,
    now: Millis,
    computer_type: str | None = None,
    status: Status = Status.ACTIVE,
    legacy_until: Millis | None = None,
) -> Client:
    """Return the record of a client that nobody knew before."""
    return Client(
        id=id_,
        kind=kind,
        name=name,
        computer_type=computer_type,
        lineage=lineage,
        status=status,
        epoch=0,
        created=now,
        updated=None,
        legacy_until=legacy_until,
    )


def new_credential(
    id_: RecordId,
    client: Client,
    client_id: str,
    policy: CredentialPolicy,
    *,
    secret_digest: Digest = NO_SECRET,
) -> Credential:
    """Return the record of a client's first credential."""
    return Credential(
        id=id_,
        client_id=client.id,
        oauth2_client_id=client_id,
        secret_digest=secret_digest,
        policy=policy,
        lineage=client.lineage,
        status=Status.ACTIVE,
        epoch=0,
        revoked_reason=None,
        created=client.created,
        revoked=None,
    )


def new_key(key: PublicKey, credential_id: RecordId, now: Millis) -> ClientKey:
    """Return the record of a public key."""
    return ClientKey(
        kid=key.thumbprint,
        credential_id=credential_id,
        jwk=key.jwk,
        algorithm=key.algorithm,
        status=Status.ACTIVE,
        epoch=0,
        added=now,
        last_used=None,
    )
