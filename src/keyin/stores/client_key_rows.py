"""Client keys to rows and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from keyin.domain.records import ClientKey, RecordId, Status

if TYPE_CHECKING:
    from keyin.stores.rows import Row

CLIENT_KEY: Final = (
    *("kid", "credential_id", "jwk", "algorithm", "status", "epoch", "added", "last_used"),
)


def client_key(row: Row) -> ClientKey:
    """Return the key in a row of `CLIENT_KEY`."""
    return ClientKey(
        kid=row[0],
        credential_id=RecordId(row[1]),
        jwk=row[2].encode(),
        algorithm=row[3],
        status=Status(row[4]),
        epoch=row[5],
        added=row[6],
        last_used=row[7],
    )


def client_key_row(key: ClientKey) -> Row:
    """Return the row of a key."""
    return (
        *(key.kid, key.credential_id, key.jwk.decode(), key.algorithm),
        *(key.status, key.epoch, key.added, key.last_used),
    )
