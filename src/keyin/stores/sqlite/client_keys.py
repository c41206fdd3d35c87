"""Client keys in SQL: plain functions, those that change run by the writer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from keyin.stores.client_key_rows import CLIENT_KEY, client_key, client_key_row
from keyin.stores.rows import names
from keyin.stores.sqlite.statements import adding, insert

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

    from keyin.domain.environment import Millis
    from keyin.domain.records import ClientKey, RecordId

_ADD: Final = insert("client_keys", CLIENT_KEY)
_PUT: Final = (
    f"{adding('client_keys', CLIENT_KEY)} ON CONFLICT (kid) DO UPDATE SET "
    "credential_id = excluded.credential_id, status = excluded.status, added = excluded.added, "
    "last_used = excluded.last_used WHERE credential_id <> excluded.credential_id"
)
"""Another credential's key becomes this one's; who asks has looked whether it may."""
_SELECT: Final = f"SELECT {names(CLIENT_KEY)} FROM client_keys "  # noqa: S608 - ours
_FIND: Final = f"{_SELECT} WHERE kid = ?"
_OF_CLIENT: Final = f"""
{_SELECT} WHERE credential_id IN (SELECT id FROM credentials WHERE client_id = ?)
ORDER BY added, kid
"""  # noqa: S608 - column names of ours


def find(connection: sqlite3.Connection, kid: str) -> ClientKey | None:
    """Return the key."""
    row = connection.execute(_FIND, (kid,)).fetchone()
    return None if row is None else client_key(row)


def of_client(connection: sqlite3.Connection, id_: RecordId) -> list[ClientKey]:
    """Return the keys of all of a client's credentials, in the order in which they were added."""
    return [client_key(row) for row in connection.execute(_OF_CLIENT, (id_,)).fetchall()]


def add(connection: sqlite3.Connection, keys: Iterable[ClientKey]) -> int:
    """Write what is new; return how many."""
    return max(0, connection.executemany(_ADD, map(client_key_row, keys)).rowcount)


def put(connection: sqlite3.Connection, keys: Iterable[ClientKey]) -> None:
    """Write keys, also such as were another credential's that is over."""
    connection.executemany(_PUT, map(client_key_row, keys))


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
