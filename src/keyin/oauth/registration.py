"""A client registered by hand: an administrator brings its public key; no secret exists.

For an old program that can only send a secret, one is made here, shown once and kept as a digest;
such a client uses the password grant, until its date (P102).

Deny first: what is not asked for is not allowed. Ids come from the server, in a space of their own
(P4), and the computer's rights from the administrator's words, never from the computer's.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from keyin.domain.records import (
    NO_SECRET,
    UNRESTRICTED,
    Client,
    ClientKey,
    ClientKind,
    Credential,
    CredentialPolicy,
    Lineage,
    Origin,
    RecordId,
    Status,
    Unrestricted,
)
from keyin.domain.secret import ClientSecret
from keyin.oauth.ports import Enrolment

if TYPE_CHECKING:
    from keyin.domain.environment import Entropy, Millis
    from keyin.oauth.ports import Peppers
    from keyin.wire.jose import PublicKey

ID_PREFIX: Final = "gai_"
_ID_BYTES: Final = 16
_SECRET_BYTES: Final = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What the administrator says of the new client."""

    name: str | None = None
    site: str | None = None
    software: tuple[str, str] | None = None
    """Id and version of what runs there."""
    computer_type: str | None = None
    networks: tuple[str, ...] | Unrestricted = UNRESTRICTED
    writable: tuple[str, ...] | Unrestricted = ()


def register(key: PublicKey, wish: Wish, *, entropy: Entropy, now: Millis) -> tuple[str, Enrolment]:
    """Return the new `client_id` and the records to enrol."""
    client_id = ID_PREFIX + _random(entropy)
    client = _client(RecordId("c_" + _random(entropy)), wish, now)
    credential = _credential(RecordId("cc_" + _random(entropy)), client, wish, client_id=client_id)
    client_key = ClientKey(
        kid=key.thumbprint,
        credential_id=credential.id,
        jwk=key.jwk,
        algorithm=key.algorithm,
        status=Status.ACTIVE,
        epoch=0,
        added=now,
        last_used=None,
    )
    return client_id, Enrolment(
        clients=[client], credentials=[credential], client_keys=[client_key]
    )


def register_legacy(
    wish: Wish, *, until: Millis, peppers: Peppers, entropy: Entropy, now: Millis
) -> tuple[str, ClientSecret, Enrolment]:
    """Return the new `client_id`, its secret of 256 bits, and the records to enrol."""
    client_id, secret = ID_PREFIX + _random(entropy), _random(entropy, _SECRET_BYTES)
    client = replace(_client(RecordId("c_" + _random(entropy)), wish, now), legacy_until=until)
    made = _credential(RecordId("cc_" + _random(entropy)), client, wish, client_id=client_id)
    credential = replace(made, secret_digest=peppers.digests("secret", secret)[0])
    records = Enrolment(clients=[client], credentials=[credential])
    return client_id, ClientSecret(secret), records


def _client(id_: RecordId, wish: Wish, now: Millis) -> Client:
    return Client(
        id=id_,
        kind=ClientKind.INSTALLATION,
        name=wish.name,
        computer_type=wish.computer_type,
        lineage=Lineage(
            site=wish.site,
            software_id=wish.software[0] if wish.software else None,
            software_version=wish.software[1] if wish.software else None,
            origin=Origin.ADMINISTRATOR,
        ),
        status=Status.ACTIVE,
        epoch=0,
        created=now,
        updated=None,
        legacy_until=None,
    )


def _credential(id_: RecordId, client: Client, wish: Wish, *, client_id: str) -> Credential:
    return Credential(
        id=id_,
        client_id=client.id,
        oauth2_client_id=client_id,
        secret_digest=NO_SECRET,
        policy=CredentialPolicy(
            networks=wish.networks,
            writable=wish.writable,
            may_create_keys=False,
            may_create_safes=False,
        ),
        lineage=client.lineage,
        status=Status.ACTIVE,
        epoch=0,
        revoked_reason=None,
        created=client.created,
        revoked=None,
    )


def _random(entropy: Entropy, length: int = _ID_BYTES) -> str:
    return urlsafe_b64encode(entropy.token_bytes(length)).rstrip(b"=").decode()
