"""Records for tests, each with everything in order; say only what matters."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from keyin.domain.environment import Millis
from keyin.domain.events import Act, Event
from keyin.domain.records import (
    UNRESTRICTED,
    Client,
    ClientKey,
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
)
from keyin.oauth.administration_ports import Word
from keyin.oauth.ports import Enrolment

LINEAGE = Lineage(
    owner="a library", site="main hall", software_id="s", software_version="1", origin=Origin.GRANT
)
NOW = Millis(1_700_000_000_000)


def client(id_: str = "client-1", **changes: Any) -> Client:
    made = Client(
        id=RecordId(id_),
        kind=ClientKind.INSTALLATION,
        name="Main library",
        computer_type="public",
        lineage=LINEAGE,
        status=Status.ACTIVE,
        epoch=0,
        created=NOW,
        updated=None,
        legacy_until=None,
    )
    return replace(made, **changes)


def credential(id_: str = "credential-1", **changes: Any) -> Credential:
    made = Credential(
        id=RecordId(id_),
        client_id=RecordId("client-1"),
        oauth2_client_id="main-hall",
        secret_digest=Digest("p:00"),
        policy=CredentialPolicy(
            networks=UNRESTRICTED,
            writable=("http://registry.gpii.net/common/language",),
            may_create_keys=False,
            may_create_safes=True,
        ),
        lineage=LINEAGE,
        status=Status.ACTIVE,
        epoch=0,
        revoked_reason=None,
        created=NOW,
        revoked=None,
    )
    return replace(made, **changes)


def client_key(kid: str = "kid-1", **changes: Any) -> ClientKey:
    made = ClientKey(
        kid=kid,
        credential_id=RecordId("credential-1"),
        jwk=b'{"crv":"P-256","kty":"EC","x":"x","y":"y"}',
        algorithm="ES256",
        status=Status.ACTIVE,
        epoch=0,
        added=NOW,
        last_used=None,
    )
    return replace(made, **changes)


def key(digest: str = "p:k1", **changes: Any) -> Key:
    made = Key(
        digest=Digest(digest),
        sealed=b"sealed key",
        safe_id=SafeId("s_1"),
        prefs_set_id="gpii-default",
        lineage=LINEAGE,
        status=Status.ACTIVE,
        epoch=0,
        low_entropy=True,
        revoked_reason=None,
        created=NOW,
        updated=None,
        revoked=None,
    )
    return replace(made, **changes)


def safe(id_: str = "s_1", **changes: Any) -> Safe:
    made = Safe(id=SafeId(id_), kind="user", sealed=b"sealed safe", created=NOW, updated=None)
    return replace(made, **changes)


def token(digest: str = "p:t1", **changes: Any) -> Token:
    made = Token(
        digest=Digest(digest),
        client_id=RecordId("client-1"),
        credential_id=RecordId("credential-1"),
        key_digest=Digest("p:k1"),
        audience="https://cloud.example",
        scope="settings",
        lineage=LINEAGE,
        status=Status.ACTIVE,
        client_epoch=0,
        credential_epoch=0,
        key_epoch=0,
        store_epoch=0,
        issued=NOW,
        expires=Millis(NOW + 3_600_000),
    )
    return replace(made, **changes)


def event(act: Act = Act.TOKEN_ISSUED, **fields: Any) -> Event:
    return Event(**{"act": act, "at": NOW, "actor": "main-hall", **fields})


def enrolment(**named: Any) -> Enrolment:
    return Enrolment(**named)


def word(**named: Any) -> Word:
    return Word(**named)
