"""An application registered by hand: the record is the administrator's word, checked here.

Deny first: a grant that is not named is not open, and one that could not work is refused. A secret
has 256 bits and is kept as its keyed digest; a client that proves itself by a key has none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

import msgspec

from keyin.domain.applications import (
    AUTHORIZATION_CODE,
    CLIENT_CREDENTIALS,
    DEVICE_CODE,
    GRANT_TYPES,
    INSTALLATIONS_READ,
    SCOPES,
    Application,
    AuthMethod,
)
from keyin.domain.errors import Refused, msgid
from keyin.domain.records import (
    NO_SECRET,
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
from keyin.oauth.redirects import may_be_registered

if TYPE_CHECKING:
    from keyin.domain.environment import Entropy, Millis
    from keyin.domain.records import Credential
    from keyin.oauth.ports import Peppers
    from keyin.wire.jose import PublicKey

ID_PREFIX: Final = "app_"
_ASKS_A_PERSON: Final = frozenset({AUTHORIZATION_CODE, DEVICE_CODE})
_MustBe: TypeAlias = tuple[bool, str]  # what has to hold, and what is said where it does not


class ApplicationWish(msgspec.Struct, frozen=True, kw_only=True):
    """What the administrator says of the new application."""

    name: str
    auth_method: AuthMethod
    grant_types: tuple[str, ...]
    scopes: tuple[str, ...]
    redirect_uris: tuple[str, ...] = ()
    native: bool = False
    key: PublicKey | None = None
    site: str | None = None
    networks: tuple[str, ...] | Unrestricted = UNRESTRICTED
    par_required: bool = True
    typ_required: bool = True


class NewApplication(msgspec.Struct, frozen=True, kw_only=True):
    """The records to enrol, and what is told once."""

    client_id: str
    secret: ClientSecret | None
    records: Enrolment


def register_application(
    wish: ApplicationWish, *, peppers: Peppers, entropy: Entropy, now: Millis
) -> NewApplication:
    """Make the records. Raises Refused where the wish cannot be an application."""
    check_wish(wish)
    client_id = ID_PREFIX + random_text(entropy)
    secret = random_text(entropy, SECRET_BYTES) if wish.auth_method.by_secret else None
    client = new_client(
        client_record_id(entropy),
        ClientKind.APPLICATION,
        Lineage(site=wish.site, origin=Origin.ADMINISTRATOR),
        name=wish.name,
        now=now,
    )
    credential = new_credential(
        credential_record_id(entropy),
        client,
        client_id,
        CredentialPolicy(
            networks=wish.networks, writable=(), may_create_keys=False, may_create_safes=False
        ),
        secret_digest=peppers.digests("secret", secret)[0] if secret else NO_SECRET,
    )
    records = Enrolment(
        clients=[client],
        credentials=[credential],
        client_keys=[new_key(wish.key, credential.id, now)] if wish.key else [],
        applications=[_application(wish, credential)],
    )
    return NewApplication(
        client_id=client_id, secret=ClientSecret(secret) if secret else None, records=records
    )


def check_wish(wish: ApplicationWish) -> None:
    """Raise Refused for the first thing that does not fit together."""
    for holds, why in (*_about_grants(wish), *_about_proof(wish), *_about_redirects(wish)):
        if not holds:
            raise Refused(
                "bad_application",
                why,
                next_step=msgid("`keyin application create --help` says what goes together."),
            )


def _about_grants(wish: ApplicationWish) -> tuple[_MustBe, ...]:
    grants, scopes = set(wish.grant_types), set(wish.scopes)
    return (
        (bool(grants), msgid("an application without a grant could ask for nothing")),
        (grants <= set(GRANT_TYPES), msgid("there is no such grant")),
        (bool(scopes), msgid("an application without a scope could ask for nothing")),
        (scopes <= set(SCOPES), msgid("there is no such scope")),
        (
            INSTALLATIONS_READ not in scopes or CLIENT_CREDENTIALS in grants,
            msgid("installations:read belongs to the grant client_credentials"),
        ),
        (
            scopes <= {INSTALLATIONS_READ} or not grants.isdisjoint(_ASKS_A_PERSON),
            msgid("account:read belongs to a grant that asks a person"),
        ),
    )


def _about_proof(wish: ApplicationWish) -> tuple[_MustBe, ...]:
    return (
        (
            wish.auth_method is not AuthMethod.NONE,
            msgid("an application proves itself; the one that does not is built in"),
        ),
        (
            (wish.key is not None) == (wish.auth_method is AuthMethod.PRIVATE_KEY_JWT),
            msgid("a public key belongs to private_key_jwt, and to no other method"),
        ),
    )


def _about_redirects(wish: ApplicationWish) -> tuple[_MustBe, ...]:
    return (
        (
            bool(wish.redirect_uris) == (AUTHORIZATION_CODE in wish.grant_types),
            msgid("redirect addresses belong to the grant authorization_code, and it needs one"),
        ),
        (
            all(may_be_registered(uri, native=wish.native) for uri in wish.redirect_uris),
            msgid(
                "a redirect address must be https, or a native application's loopback literal or "
                "own scheme, such as com.example.app:/back"
            ),
        ),
    )


def _application(wish: ApplicationWish, credential: Credential) -> Application:
    return Application(
        credential_id=credential.id,
        auth_method=wish.auth_method,
        native=wish.native,
        redirect_uris=wish.redirect_uris,
        grant_types=wish.grant_types,
        scopes=wish.scopes,
        par_required=wish.par_required,
        typ_required=wish.typ_required,
    )
