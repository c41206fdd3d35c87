"""A client registered by hand: an administrator brings its public key; no secret exists.

For an old program that can only send a secret, one is made here, shown once and kept as a digest;
such a client uses the password grant, until its date (P102).

Deny first: what is not asked for is not allowed. Ids come from the server, in a space of their own
(P4), and the computer's rights from the administrator's words, never from the computer's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from keyin.domain.records import (
    UNRESTRICTED,
    ClientKind,
    CredentialPolicy,
    Lineage,
    Origin,
    Unrestricted,
)
from keyin.domain.secret import ClientSecret
from keyin.oauth.new_clients import (
    SECRET_BYTES,
    client_record_id,
    credential_record_id,
    new_client,
    new_credential,
    new_key,
    random_text,
)
from keyin.oauth.ports import Enrolment

if TYPE_CHECKING:
    from keyin.domain.environment import Entropy, Millis
    from keyin.domain.records import Client
    from keyin.oauth.ports import Peppers
    from keyin.wire.jose import PublicKey

ID_PREFIX: Final = "gai_"


class Wish(msgspec.Struct, frozen=True, kw_only=True):
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
    client_id = ID_PREFIX + random_text(entropy)
    client = _client(wish, entropy, now)
    credential = new_credential(credential_record_id(entropy), client, client_id, _policy(wish))
    client_key = new_key(key, credential.id, now)
    return client_id, Enrolment(
        clients=[client], credentials=[credential], client_keys=[client_key]
    )


def register_legacy(
    wish: Wish, *, until: Millis, peppers: Peppers, entropy: Entropy, now: Millis
) -> tuple[str, ClientSecret, Enrolment]:
    """Return the new `client_id`, its secret of 256 bits, and the records to enrol."""
    client_id, secret = ID_PREFIX + random_text(entropy), random_text(entropy, SECRET_BYTES)
    client = _client(wish, entropy, now, legacy_until=until)
    credential = new_credential(
        credential_record_id(entropy),
        client,
        client_id,
        _policy(wish),
        secret_digest=peppers.digests("secret", secret)[0],
    )
    records = Enrolment(clients=[client], credentials=[credential])
    return client_id, ClientSecret(secret), records


def _client(
    wish: Wish, entropy: Entropy, now: Millis, legacy_until: Millis | None = None
) -> Client:
    return new_client(
        client_record_id(entropy),
        ClientKind.INSTALLATION,
        Lineage(
            site=wish.site,
            software_id=wish.software[0] if wish.software else None,
            software_version=wish.software[1] if wish.software else None,
            origin=Origin.ADMINISTRATOR,
        ),
        name=wish.name,
        computer_type=wish.computer_type,
        now=now,
        legacy_until=legacy_until,
    )


def _policy(wish: Wish) -> CredentialPolicy:
    return CredentialPolicy(
        networks=wish.networks,
        writable=wish.writable,
        may_create_keys=False,
        may_create_safes=False,
    )
