"""Units of work that change the store: plain functions, run by the writer in a savepoint each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from keyin.stores import rows
from keyin.stores.sqlite import applications, audit, client_keys, reader, replays
from keyin.stores.sqlite.statements import adding
from keyin.stores.token_place import token_place

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable, Sequence

    from keyin.domain.environment import Millis
    from keyin.domain.events import Event
    from keyin.domain.records import Client, Credential, Digest, RecordId
    from keyin.oauth.ports import Enrolment
    from keyin.settings.ports import KeyAndSafe
    from keyin.stores.rows import Row


Told: TypeAlias = "tuple[Event | None, Row | None, Sequence[Row]]"
"""An event, the token whose making it is, and the proofs that were used up for it."""


def _replacing(table: str, columns: tuple[str, ...]) -> str:
    changes = ", ".join(f"{name} = excluded.{name}" for name in columns[1:])
    return f"{adding(table, columns)} ON CONFLICT ({columns[0]}) DO UPDATE SET {changes}"


def _enrolling(table: str, columns: tuple[str, ...], changes: str) -> str:
    """Insert, or let a revocation through; everything else stays as it is."""
    return (
        f"{adding(table, columns)} ON CONFLICT ({columns[0]}) DO UPDATE SET "
        f"status = 'revoked'{changes} "
        f"WHERE excluded.status = 'revoked' AND {table}.status <> 'revoked'"
    )


_MOVED_ON: Final = ", epoch = epoch + 1"
_WHY: Final = ", revoked_reason = excluded.revoked_reason, revoked = excluded.revoked"
_ENROL_CLIENT: Final = _enrolling(
    "clients", rows.CLIENT, f"{_MOVED_ON}, updated = excluded.updated"
)
_ENROL_CREDENTIAL: Final = _enrolling("credentials", rows.CREDENTIAL, _MOVED_ON + _WHY)
_ENROL_KEY: Final = _enrolling("keys", rows.KEY, _MOVED_ON + _WHY)
_ENROL_TOKEN: Final = _enrolling("tokens", rows.TOKEN, "")
_ENROL_SAFE: Final = (
    f"{_replacing('safes', rows.SAFE)} WHERE excluded.kind = 'snapset' AND safes.kind = 'snapset'"
)
_PUT_KEY: Final = _replacing("keys", rows.KEY)
_PUT_SAFE: Final = _replacing("safes", rows.SAFE)


_ADD_TOKEN: Final = (
    f"{adding('tokens', rows.TOKEN)} "
    "ON CONFLICT (place) DO UPDATE SET digest = NULL WHERE digest <> excluded.digest"
)
"""The same token twice is once. Another token in its place, which one in a billion pairs of one
millisecond would be, breaks NOT NULL: it is not given out."""


def tell(connection: sqlite3.Connection, told: Sequence[Told]) -> None:
    """Insert events, and the tokens and used proofs that belong to some of them."""
    tokens = [token for _, token, _ in told if token is not None]
    proofs = [proof for _, _, used in told for proof in used]
    if tokens:
        connection.executemany(_ADD_TOKEN, tokens)
    if proofs:
        replays.add(connection, proofs)
    audit.append_all(connection, [event for event, _, _ in told if event is not None])


def change_safe(
    connection: sqlite3.Connection,
    digests: Sequence[Digest],
    change: Callable[[KeyAndSafe | None], KeyAndSafe],
) -> None:
    """Read, change, write back; a key that stays as it is costs no page."""
    found = reader.find_safe(connection, digests)
    changed = change(found)
    if found is None or changed.key != found.key:
        connection.execute(_PUT_KEY, rows.key_row(changed.key))
    if changed.safe is not None:
        connection.execute(_PUT_SAFE, rows.safe_row(changed.safe))
    if changed.event is not None:
        audit.append(connection, changed.event)


def enrol(connection: sqlite3.Connection, records: Enrolment, event: Event) -> dict[str, int]:
    """Write all; return how many of each were new or changed."""
    audit.append(connection, event)
    if records.holds_test_credentials:
        put_meta(connection, "holds_test_credentials", "yes")
    return {
        "clients": _run_all(connection, _ENROL_CLIENT, map(rows.client_row, records.clients)),
        "credentials": _run_all(
            connection, _ENROL_CREDENTIAL, map(rows.credential_row, records.credentials)
        ),
        "safes": _run_all(connection, _ENROL_SAFE, map(rows.safe_row, records.safes)),
        "keys": _run_all(connection, _ENROL_KEY, map(rows.key_row, records.keys)),
        "tokens": _run_all(connection, _ENROL_TOKEN, map(rows.token_row, records.tokens)),
        "client_keys": client_keys.add(connection, records.client_keys),
        "applications": applications.add(connection, records.applications),
    }


def add_client(connection: sqlite3.Connection, client: Client, credential: Credential) -> None:
    """Write a new client; the caller writes the event, for this is part of another act."""
    connection.execute(_ENROL_CLIENT, rows.client_row(client))
    connection.execute(_ENROL_CREDENTIAL, rows.credential_row(credential))


def revoke_token(connection: sqlite3.Connection, digests: Sequence[Digest]) -> bool:
    """Mark a token; the caller writes the event, for this may be part of another act."""
    revoking = "UPDATE tokens SET status = 'revoked' WHERE place = ? AND digest = ?"
    found = [(token_place(digest), digest) for digest in digests]
    return _any(connection.executemany(revoking, found))


def told(
    connection: sqlite3.Connection, act: Callable[[sqlite3.Connection], bool], event: Event
) -> bool:
    """Run an act; write its event where it changed something."""
    changed = act(connection)
    if changed:
        audit.append(connection, event)
    return changed


def revoke_credential(
    connection: sqlite3.Connection, id_: RecordId, reason: str | None, now: Millis
) -> bool:
    """Mark a credential and move its epoch on."""
    return _any(
        connection.execute(
            "UPDATE credentials SET status = 'revoked', epoch = epoch + 1, "
            "revoked_reason = ?, revoked = ? WHERE id = ?",
            (reason, now, id_),
        )
    )


def revoke_client(connection: sqlite3.Connection, id_: RecordId, now: Millis) -> bool:
    """Mark a client and move its epoch on."""
    return _any(
        connection.execute(
            "UPDATE clients SET status = 'revoked', epoch = epoch + 1, updated = ? WHERE id = ?",
            (now, id_),
        )
    )


def revoke_key(
    connection: sqlite3.Connection, digests: Sequence[Digest], reason: str | None, now: Millis
) -> bool:
    """Mark a key and move its epoch on."""
    return _any(
        connection.execute(
            "UPDATE keys SET status = 'revoked', epoch = epoch + 1, revoked_reason = ?, "  # noqa: S608 - question marks
            f"revoked = ? WHERE digest IN ({_places(digests)})",
            (reason, now, *digests),
        )
    )


def bump_store_epoch(connection: sqlite3.Connection, event: Event) -> int:
    """Move the store's epoch on."""
    audit.append(connection, event)
    epoch = int(reader.meta(connection, "store_epoch") or 0) + 1
    put_meta(connection, "store_epoch", str(epoch))
    return epoch


REGISTRIES: Final = "registries"
"""Counts how often one was put."""


def put_registry(connection: sqlite3.Connection, os_id: str, content: bytes) -> None:
    """Keep one operating system's registry."""
    connection.execute(
        "INSERT INTO registries (os_id, content) VALUES (?, ?) "
        "ON CONFLICT (os_id) DO UPDATE SET content = excluded.content",
        (os_id, content),
    )
    count = int(reader.meta(connection, REGISTRIES) or 0) + 1
    put_meta(connection, REGISTRIES, str(count))


def put_meta(connection: sqlite3.Connection, name: str, value: str) -> None:
    """Set a value that concerns the whole store."""
    connection.execute(
        "INSERT INTO meta (name, value) VALUES (?, ?) "
        "ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        (name, value),
    )


def _run_all(connection: sqlite3.Connection, statement: str, all_rows: Iterable[Row]) -> int:
    return connection.executemany(statement, all_rows).rowcount


def _any(cursor: sqlite3.Cursor) -> bool:
    return cursor.rowcount > 0


def _places(values: Sequence[object]) -> str:
    return ", ".join("?" * len(values))
