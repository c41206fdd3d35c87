"""Lookups: one query each, run inline on a connection that cannot write."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

from keyin.domain.records import Status, as_it_counts
from keyin.settings.ports import KeyAndSafe
from keyin.stores import rows
from keyin.stores.rows import names
from keyin.stores.token_place import token_place

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Sequence

    from keyin.domain.records import Client, Credential, Digest, Key, RecordId, Token

PAGE: Final = 200
_CREDENTIAL_END: Final = len(rows.CREDENTIAL)
_KEY_END: Final = len(rows.KEY)
_TOKEN_END: Final = len(rows.TOKEN)

_STOPPED: Final = """
EXISTS (SELECT 1 FROM sites WHERE status <> 'active' AND name IN (c.site, o.site)),
EXISTS (SELECT 1 FROM software WHERE status <> 'active' AND (id, version) IN (
  VALUES (c.software_id, c.software_version), (o.software_id, o.software_version)))
"""
_FIND_CREDENTIAL: Final = f"""
SELECT {names(rows.CREDENTIAL, "c")}, {names(rows.CLIENT, "o")}, {_STOPPED}
FROM credentials AS c LEFT JOIN clients AS o ON o.id = c.client_id
WHERE c.oauth2_client_id = ? ORDER BY c.seq
"""  # noqa: S608 - column names of ours
_STATUS: Final = rows.CREDENTIAL.index("status")


def _places(count: int) -> str:
    return "?" if count == 1 else ", ".join("?" * count)


@cache
def _find_key(count: int) -> str:
    return f"SELECT {names(rows.KEY)} FROM keys WHERE digest IN ({_places(count)})"  # noqa: S608 - ours


@cache
def _find_safe(count: int) -> str:
    return f"""
SELECT {names(rows.KEY, "k")}, {names(rows.SAFE, "s")}
FROM keys AS k LEFT JOIN safes AS s ON s.id = k.safe_id
WHERE k.digest IN ({_places(count)})
"""  # noqa: S608 - column names of ours


@cache
def _find_token(count: int) -> str:
    return f"""
SELECT {names(rows.TOKEN, "t")}, {names(rows.KEY, "k")}
FROM tokens AS t LEFT JOIN keys AS k ON k.digest = t.key_digest
WHERE t.place IN ({_places(count)}) AND t.digest IN ({_places(count)})
"""  # noqa: S608 - column names of ours


_FIND_CREDENTIAL_BY_ID: Final = f"""
SELECT {names(rows.CREDENTIAL, "c")}, {names(rows.CLIENT, "o")}, {_STOPPED}
FROM credentials AS c JOIN clients AS o ON o.id = ? WHERE c.id = ?
"""  # noqa: S608 - column names of ours


def find_credential(
    connection: sqlite3.Connection, oauth2_client_id: str
) -> tuple[Credential, Client | None] | None:
    """Return the credential and its client; sorting here costs nothing where there is one."""
    found = connection.execute(_FIND_CREDENTIAL, (oauth2_client_id,)).fetchall()
    if not found:
        return None
    row = next((row for row in found if row[_STATUS] == Status.ACTIVE), found[0])
    credential = rows.credential(row[:_CREDENTIAL_END])
    there = row[_CREDENTIAL_END] is not None
    return credential, _client(row) if there else None


def find_key(connection: sqlite3.Connection, digests: Sequence[Digest]) -> Key | None:
    """Return the key."""
    row = connection.execute(_find_key(len(digests)), digests).fetchone()
    return None if row is None else rows.key(row)


def find_safe(connection: sqlite3.Connection, digests: Sequence[Digest]) -> KeyAndSafe | None:
    """Return the key and its safe."""
    row = connection.execute(_find_safe(len(digests)), digests).fetchone()
    if row is None:
        return None
    there = row[_KEY_END] is not None
    return KeyAndSafe(
        key=rows.key(row[:_KEY_END]), safe=rows.safe(row[_KEY_END:]) if there else None
    )


def find_token(
    connection: sqlite3.Connection, digests: Sequence[Digest]
) -> tuple[Token, Key | None] | None:
    """Return the token and the key that it is for."""
    row = connection.execute(
        _find_token(len(digests)), (*map(token_place, digests), *digests)
    ).fetchone()
    if row is None:
        return None
    there = row[_TOKEN_END] is not None
    return rows.token(row[:_TOKEN_END]), rows.key(row[_TOKEN_END:]) if there else None


def find_client_and_credential(
    connection: sqlite3.Connection, client_id: RecordId, credential_id: RecordId
) -> tuple[Client, Credential] | None:
    """Return what a token was issued to, if both are still there."""
    row = connection.execute(_FIND_CREDENTIAL_BY_ID, (client_id, credential_id)).fetchone()
    if row is None:
        return None
    return _client(row), rows.credential(row[:_CREDENTIAL_END])


def _client(row: rows.Row) -> Client:
    """Return the client beside a credential, as it counts."""
    client = rows.client(row[_CREDENTIAL_END:-2])
    return as_it_counts(client, site=bool(row[-2]), software=bool(row[-1]))


def meta(connection: sqlite3.Connection, name: str) -> str | None:
    """Return a value that concerns the whole store."""
    row = connection.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
    return None if row is None else str(row[0])


def pages(
    connection: sqlite3.Connection, table: str, columns: tuple[str, ...]
) -> Iterator[list[rows.Row]]:
    """Return a whole table in its order, a page at a time; no reading outlives its page."""
    after = 0
    page = f"SELECT seq, {names(columns)} FROM {table} WHERE seq > ? ORDER BY seq LIMIT {PAGE}"  # noqa: S608 - ours
    while found := connection.execute(page, (after,)).fetchall():
        after = found[-1][0]
        yield [row[1:] for row in found]
