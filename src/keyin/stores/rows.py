"""Records to rows and back: each table's columns stand here once, in one order.

Clients, credentials and the keys of those who are keyed in are asked for at every request, so the
records made from equal rows are shared (they are frozen): a cache that cannot go stale, since the
row is its key.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import msgspec

from keyin.domain.records import (
    UNRESTRICTED,
    Client,
    ClientKind,
    Credential,
    CredentialPolicy,
    Key,
    Lineage,
    Origin,
    Safe,
    Status,
    Token,
    Unrestricted,
)
from keyin.stores import key_policies
from keyin.stores.token_place import token_place

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Row: TypeAlias = tuple[Any, ...]

_LINEAGE: Final = ("owner", "site", "software_id", "software_version", "origin")
CLIENT: Final = (
    *("id", "kind", "name", "computer_type", *_LINEAGE),
    *("status", "epoch", "created", "updated", "legacy_until"),
)
CREDENTIAL: Final = (
    *("id", "client_id", "oauth2_client_id", "secret_digest", "networks", "writable"),
    *("may_create_keys", "may_create_safes", *_LINEAGE),
    *("status", "epoch", "revoked_reason", "created", "revoked"),
)
KEY: Final = (
    *("digest", "sealed", "safe_id", "prefs_set_id", *_LINEAGE, "status", "epoch"),
    *("low_entropy", "revoked_reason", "created", "updated", "revoked", "policy"),
)
SAFE: Final = ("id", "kind", "sealed", "created", "updated")
TOKEN: Final = (
    *(
        "place",
        "digest",
        "client_id",
        "credential_id",
        "key_digest",
        "audience",
        "scope",
        *_LINEAGE,
    ),
    *("status", "client_epoch", "credential_epoch", "key_epoch", "store_epoch"),
    *("issued", "expires", "cnf_jkt"),
)

_STATUS: Final = {status.value: status for status in Status}
_ORIGIN: Final = {origin.value: origin for origin in Origin}
_KIND: Final = {kind.value: kind for kind in ClientKind}
_SAFE_KIND: Final[dict[str, Literal["user", "snapset"]]] = {"user": "user", "snapset": "snapset"}


def names(columns: Iterable[str], table: str = "") -> str:
    """Return the columns as SQL, of `table` where a join needs it said."""
    return ", ".join(f"{table}.{name}" if table else name for name in columns)


@lru_cache(maxsize=1024)
def _lineage(row: Row) -> Lineage:
    owner, site, software_id, software_version, origin = row
    return Lineage(
        owner=owner,
        site=site,
        software_id=software_id,
        software_version=software_version,
        origin=_ORIGIN[origin],
    )


def _lineage_row(lineage: Lineage) -> Row:
    return (
        lineage.owner,
        lineage.site,
        lineage.software_id,
        lineage.software_version,
        lineage.origin,
    )


@lru_cache(maxsize=4096)
def client(row: Row) -> Client:
    """Return the client in a row of `CLIENT`."""
    id_, kind, name, computer_type = row[:4]
    status, epoch, created, updated, legacy_until = row[9:]
    return Client(
        id=id_,
        kind=_KIND[kind],
        name=name,
        computer_type=computer_type,
        lineage=_lineage(row[4:9]),
        status=_STATUS[status],
        epoch=epoch,
        created=created,
        updated=updated,
        legacy_until=legacy_until,
    )


def client_row(record: Client) -> Row:
    """Return the row of a client."""
    return (
        *(record.id, record.kind, record.name, record.computer_type),
        *_lineage_row(record.lineage),
        *(record.status, record.epoch, record.created, record.updated, record.legacy_until),
    )


@lru_cache(maxsize=4096)
def credential(row: Row) -> Credential:
    """Return the credential in a row of `CREDENTIAL`."""
    id_, client_id, oauth2_client_id, secret_digest = row[:4]
    networks, writable, may_create_keys, may_create_safes = row[4:8]
    status, epoch, revoked_reason, created, revoked = row[13:]
    return Credential(
        id=id_,
        client_id=client_id,
        oauth2_client_id=oauth2_client_id,
        secret_digest=secret_digest,
        policy=CredentialPolicy(
            networks=_allowed(networks),
            writable=_allowed(writable),
            may_create_keys=bool(may_create_keys),
            may_create_safes=bool(may_create_safes),
        ),
        lineage=_lineage(row[8:13]),
        status=_STATUS[status],
        epoch=epoch,
        revoked_reason=revoked_reason,
        created=created,
        revoked=revoked,
    )


def credential_row(record: Credential) -> Row:
    """Return the row of a credential."""
    policy = record.policy
    return (
        *(record.id, record.client_id, record.oauth2_client_id, record.secret_digest),
        *(_allowed_row(policy.networks), _allowed_row(policy.writable)),
        *(policy.may_create_keys, policy.may_create_safes, *_lineage_row(record.lineage)),
        *(record.status, record.epoch, record.revoked_reason, record.created, record.revoked),
    )


@lru_cache(maxsize=4096)
def key(row: Row) -> Key:
    """Return the key in a row of `KEY`."""
    digest, sealed, safe_id, prefs_set_id = row[:4]
    status, epoch, low_entropy, revoked_reason, created, updated, revoked, policy = row[9:]
    return Key(
        digest=digest,
        sealed=sealed,
        safe_id=safe_id,
        prefs_set_id=prefs_set_id,
        lineage=_lineage(row[4:9]),
        status=_STATUS[status],
        epoch=epoch,
        low_entropy=bool(low_entropy),
        revoked_reason=revoked_reason,
        created=created,
        updated=updated,
        revoked=revoked,
        policy=None if policy is None else key_policies.read(policy),
    )


def key_row(record: Key) -> Row:
    """Return the row of a key."""
    return (
        *(record.digest, record.sealed, record.safe_id, record.prefs_set_id),
        *_lineage_row(record.lineage),
        *(record.status, record.epoch, record.low_entropy, record.revoked_reason),
        *(record.created, record.updated, record.revoked),
        None if record.policy is None else key_policies.text(record.policy),
    )


def safe(row: Row) -> Safe:
    """Return the safe in a row of `SAFE`."""
    id_, kind, sealed, created, updated = row
    return Safe(id=id_, kind=_SAFE_KIND[kind], sealed=sealed, created=created, updated=updated)


def safe_row(record: Safe) -> Row:
    """Return the row of a safe."""
    return (record.id, record.kind, record.sealed, record.created, record.updated)


def token(row: Row) -> Token:
    """Return the token in a row of `TOKEN`."""
    digest, client_id, credential_id, key_digest, audience, scope = row[1:7]
    status, client_epoch, credential_epoch, key_epoch, store_epoch = row[12:17]
    issued, expires, cnf_jkt = row[17:]
    return Token(
        digest=digest,
        client_id=client_id,
        credential_id=credential_id,
        key_digest=key_digest,
        audience=audience,
        scope=scope,
        lineage=_lineage(row[7:12]),
        status=_STATUS[status],
        client_epoch=client_epoch,
        credential_epoch=credential_epoch,
        key_epoch=key_epoch,
        store_epoch=store_epoch,
        issued=issued,
        expires=expires,
        cnf_jkt=cnf_jkt,
    )


def token_row(record: Token) -> Row:
    """Return the row of a token."""
    return (
        token_place(record.digest),
        *(record.digest, record.client_id, record.credential_id, record.key_digest),
        *(record.audience, record.scope, *_lineage_row(record.lineage), record.status),
        *(record.client_epoch, record.credential_epoch, record.key_epoch, record.store_epoch),
        *(record.issued, record.expires, record.cnf_jkt),
    )


def _allowed(text: str) -> tuple[str, ...] | Unrestricted:
    return UNRESTRICTED if text == UNRESTRICTED.value else _decode_list(text)


def _allowed_row(allowed: tuple[str, ...] | Unrestricted) -> str:
    """Return JSON, or the word that says "no limit"; an empty list stays an empty list."""
    if isinstance(allowed, Unrestricted):
        return allowed.value
    return msgspec.json.encode(allowed).decode()


_decode_list: Final[Callable[[str], tuple[str, ...]]] = msgspec.json.Decoder(tuple[str, ...]).decode
