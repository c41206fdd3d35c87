"""Client keys in SQL: plain functions, those that change run by the writer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from keyin.domain.records import ClientKey, RecordId, Status

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

    from keyin.domain.environment import Millis

_ADD: Final = (
    "INSERT INTO client_keys "
    "(kid, credential_id, jwk, algorithm, status, epoch, added, last_used) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
)
_PUT: Final = (
    "INSERT INTO client_keys "
    "(kid, credential_id, jwk, algorithm, status, epoch, added, last_used) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (kid) DO UPDATE SET "
    "credential_id = excluded.credential_id, status = excluded.status, added = excluded.added, "
    "last_used = excluded.last_used WHERE credential_id <> excluded.credential_id"
)
"""Another credential's key becomes this one's; who asks has looked whether it may."""
_SELECT: Final = (
    "SELECT kid, credential_id, jwk, algorithm, status, epoch, added, last_used FROM client_keys "
)
_FIND: Final = f"{_SELECT} WHERE kid = ?"
_OF_CLIENT: Final = f"""
{_SELECT} WHERE credential_id IN (SELECT id FROM credentials WHERE client_id = ?)
ORDER BY added, kid
"""  # noqa: S608 - column names of ours


def find(connection: sqlite3.Connection, kid: str) -> ClientKey | None:
    """Return the key."""
    row = connection.execute(_FIND, (kid,)).fetchone()
    return None if row is None else _key(row)


def of_client(connection: sqlite3.Connection, id_: RecordId) -> list[ClientKey]:
    """Return the keys of all of a client's credentials, in the order in which they were added."""
    return [_key(row) for row in connection.execute(_OF_CLIENT, (id_,)).fetchall()]


def _key(row: tuple[Any, ...]) -> ClientKey:
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


def add(connection: sqlite3.Connection, keys: Iterable[ClientKey]) -> int:
    """Write what is new; return how many."""
    return max(0, connection.executemany(_ADD, _rows(keys)).rowcount)


def put(connection: sqlite3.Connection, keys: Iterable[ClientKey]) -> None:
    """Write keys, also such as were another credential's that is over."""
    connection.executemany(_PUT, _rows(keys))


def _rows(keys: Iterable[ClientKey]) -> list[tuple[Any, ...]]:
    return [
        (
            *(key.kid, key.credential_id, key.jwk.decode(), key.algorithm),
            *(key.status, key.epoch, key.added, key.last_used),
        )
        for key in keys
    ]


def note_use(connection: sqlite3.Connection, kid: str, now: Millis) -> None:
    """Set the time of the last use."""
    connection.execute("UPDATE client_keys SET last_used = ? WHERE kid = ?", (now, kid))


def revoke(connection: sqlite3.Connection, kid: str) -> bool:
    """Mark a key; its credential's epoch moves on, so that the tokens got with it are dead."""
    connection.execute(
        "UPDATE credentials SET epoch = epoch + 1 "
        "WHERE id = (SELECT credential_id FROM client_keys WHERE kid = ?)",
        (kid,),
    )
    revoked = connection.execute(
        "UPDATE client_keys SET status = 'revoked', epoch = epoch + 1 WHERE kid = ?", (kid,)
    )
    return revoked.rowcount > 0
