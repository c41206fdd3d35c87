"""Accounts, sessions and wrong passwords in SQL: the port, and what the writer runs."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from keyin.domain.environment import Millis
from keyin.oauth.accounts import FORGOTTEN, Failures
from keyin.stores import account_rows
from keyin.stores.account_rows import ACCOUNT, SESSION
from keyin.stores.rows import names
from keyin.stores.sqlite import audit
from keyin.stores.sqlite.connection import our_errors
from keyin.stores.sqlite.memberships import SqliteMemberships
from keyin.stores.sqlite.statements import adding

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from keyin.domain.events import Event
    from keyin.domain.records import Digest, RecordId
    from keyin.oauth.accounts import Account, AccountChange, Session

_ACCOUNT: Final = names(ACCOUNT, "accounts")
_SESSION: Final = names(SESSION, "sessions")
_SESSION_END: Final = len(SESSION)
_ADD: Final = f"{adding('accounts', ACCOUNT)} ON CONFLICT (name_key) DO NOTHING"
_CHANGE: Final = (
    "UPDATE accounts SET password = coalesce(:password, password), "
    "status = coalesce(:status, status), epoch = epoch + :end_sessions, updated = :now, "
    "email = nullif(coalesce(:email, email), ''), "
    "language = nullif(coalesce(:language, language), '') "
    "WHERE id = :id AND (:instead_of IS NULL OR password = :instead_of)"
)
_AFTER: Final = (
    f"SELECT {_ACCOUNT} FROM accounts "  # noqa: S608 - names of columns
    "WHERE name_key > ? ORDER BY name_key LIMIT ?"
)
_OPEN: Final = adding("sessions", SESSION)
_FIND_SESSION: Final = (
    f"SELECT {_SESSION}, {_ACCOUNT} FROM sessions "  # noqa: S608 - names of columns
    "JOIN accounts ON accounts.id = sessions.account_id WHERE sessions.digest = ?"
)
_COUNT: Final = (
    "INSERT INTO sign_in_failures (bucket, count, last) VALUES (?, 1, ?) "
    "ON CONFLICT (bucket) DO UPDATE SET count = count + 1, last = excluded.last"
)


class SqliteAccounts(SqliteMemberships):
    """What a method does stands with its port in `oauth.accounts`."""

    async def add_account(self, account: Account, *, event: Event) -> bool:
        """See Accounts."""
        return await self._writer.run(partial(_add, account=account, event=event))

    async def find_account(self, name_key: str) -> Account | None:
        """See Accounts."""
        return self._one_account("name_key", name_key)

    async def account(self, id_: RecordId) -> Account | None:
        """See Accounts."""
        return self._one_account("id", id_)

    def _one_account(self, column: str, value: str) -> Account | None:
        query = f"SELECT {_ACCOUNT} FROM accounts WHERE {column} = ?"  # noqa: S608 - our own words
        with our_errors():
            row = self._lookups.execute(query, (value,)).fetchone()
        return None if row is None else account_rows.account(row)

    async def change_account(
        self, id_: RecordId, change: AccountChange, *, now: Millis, event: Event
    ) -> bool:
        """See Accounts."""
        unit = partial(_change, id_=id_, change=change, now=now, event=event)
        return await self._writer.run(unit)

    async def accounts_after(self, name_key: str, *, most: int) -> Sequence[Account]:
        """See Accounts."""
        with our_errors():
            rows = self._lookups.execute(_AFTER, (name_key, most)).fetchall()
        return [account_rows.account(row) for row in rows]

    async def open_session(
        self, session: Session, *, instead_of: Sequence[Digest], event: Event
    ) -> None:
        """See Sessions."""
        unit = partial(_open, session=session, instead_of=instead_of, event=event)
        await self._writer.run(unit)

    async def find_session(self, digests: Sequence[Digest]) -> tuple[Session, Account] | None:
        """See Sessions."""
        with our_errors():
            for digest in digests:
                row = self._lookups.execute(_FIND_SESSION, (digest,)).fetchone()
                if row is not None:
                    return account_rows.session(row[:_SESSION_END]), account_rows.account(
                        row[_SESSION_END:]
                    )
        return None

    async def note_seen(self, digest: Digest, *, now: Millis) -> None:
        """See Sessions."""
        await self._writer.run(partial(_note_seen, digest=digest, now=now))

    async def close_session(self, digests: Sequence[Digest], *, event: Event) -> bool:
        """See Sessions."""
        return await self._writer.run(partial(_close, digests=digests, event=event))

    async def failures(self, buckets: Sequence[Digest]) -> Sequence[Failures | None]:
        """See Attempts."""
        query = "SELECT count, last FROM sign_in_failures WHERE bucket = ?"
        with our_errors():
            rows = [self._lookups.execute(query, (one,)).fetchone() for one in buckets]
        return [row and Failures(count=row[0], last=Millis(row[1])) for row in rows]

    async def note_failure(
        self, buckets: Sequence[Digest], *, now: Millis, forget_before: Millis, event: Event | None
    ) -> None:
        """See Attempts."""
        unit = partial(
            _note_failure, buckets=buckets, now=now, forget_before=forget_before, event=event
        )
        await self._writer.run(unit)

    async def forget_failures(self, buckets: Sequence[Digest]) -> None:
        """See Attempts."""
        await self._writer.run(partial(_forget_failures, buckets=buckets))


def _add(connection: sqlite3.Connection, account: Account, event: Event) -> bool:
    added = connection.execute(_ADD, account_rows.account_row(account)).rowcount > 0
    if added:
        audit.append(connection, event)
    return added


def _change(
    connection: sqlite3.Connection, id_: RecordId, change: AccountChange, now: Millis, event: Event
) -> bool:
    values = {
        "id": id_,
        "password": change.password,
        "instead_of": change.instead_of,
        "status": change.status,
        "end_sessions": int(change.end_sessions),
        "email": change.email,
        "language": change.language,
        "now": now,
    }
    changed = connection.execute(_CHANGE, values).rowcount > 0
    if changed:
        audit.append(connection, event)
        if change.end_sessions:
            connection.execute("DELETE FROM sessions WHERE account_id = ?", (id_,))
    return changed


def _open(
    connection: sqlite3.Connection, session: Session, instead_of: Sequence[Digest], event: Event
) -> None:
    connection.execute("DELETE FROM sessions WHERE expires < ?", (session.signed_in,))
    _delete(connection, instead_of)
    connection.execute(_OPEN, account_rows.session_row(session))
    audit.append(connection, event)


def _note_seen(connection: sqlite3.Connection, digest: Digest, now: Millis) -> None:
    connection.execute("UPDATE sessions SET seen = ? WHERE digest = ?", (now, digest))


def _close(connection: sqlite3.Connection, digests: Sequence[Digest], event: Event) -> bool:
    closed = _delete(connection, digests)
    if closed:
        audit.append(connection, event)
    return closed


def _delete(connection: sqlite3.Connection, digests: Sequence[Digest]) -> bool:
    query = "DELETE FROM sessions WHERE digest = ?"
    return sum(connection.execute(query, (digest,)).rowcount for digest in digests) > 0


def _note_failure(
    connection: sqlite3.Connection,
    buckets: Sequence[Digest],
    now: Millis,
    forget_before: Millis,
    event: Event | None,
) -> None:
    connection.execute("DELETE FROM sign_in_failures WHERE last < ?", (now - FORGOTTEN,))
    anew = "DELETE FROM sign_in_failures WHERE bucket = ? AND last < ?"
    connection.executemany(anew, [(bucket, forget_before) for bucket in buckets])
    connection.executemany(_COUNT, [(bucket, now) for bucket in buckets])
    if event is not None:
        audit.append(connection, event)


def _forget_failures(connection: sqlite3.Connection, buckets: Sequence[Digest]) -> None:
    query = "DELETE FROM sign_in_failures WHERE bucket = ?"
    connection.executemany(query, [(bucket,) for bucket in buckets])
