"""Accounts, sessions and wrong passwords, shared by every worker."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from keyin.domain.environment import Millis
from keyin.oauth.accounts import FORGOTTEN, Failures
from keyin.stores import account_rows
from keyin.stores.account_rows import ACCOUNT, SESSION
from keyin.stores.postgres.lookups import Lookup
from keyin.stores.postgres.part import PostgresPart
from keyin.stores.postgres.statements import insert
from keyin.stores.rows import names

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keyin.domain.events import Event
    from keyin.domain.records import Digest, RecordId
    from keyin.oauth.accounts import Account, AccountChange, Session
    from keyin.stores.postgres.transaction import Transaction

_SESSION_END: Final = len(SESSION)
_BY_NAME: Final = Lookup(
    f"SELECT name_key, {names(ACCOUNT)} FROM accounts WHERE name_key = any($1)"  # noqa: S608 - ours
)
_BY_ID: Final = Lookup(f"SELECT id, {names(ACCOUNT)} FROM accounts WHERE id = any($1)")  # noqa: S608 - ours
_AFTER: Final = (
    f"SELECT {names(ACCOUNT)} FROM accounts WHERE name_key > $1 ORDER BY name_key LIMIT $2"  # noqa: S608 - ours
)
_ADD: Final = f"{insert('accounts', ACCOUNT)} ON CONFLICT (name_key) DO NOTHING"
_CHANGE: Final = (
    "UPDATE accounts SET password = coalesce($2, password), status = coalesce($3, status), "
    "epoch = epoch + $4, updated = $5, email = nullif(coalesce($6, email), ''), "
    "language = nullif(coalesce($7, language), '') "
    "WHERE id = $1 AND ($8::text IS NULL OR password = $8)"
)
_OPEN: Final = insert("sessions", SESSION)
# a few at a time, and past what another worker has: grants are in the same transaction
_OVER: Final = """
DELETE FROM sessions WHERE digest IN (
  SELECT digest FROM sessions WHERE expires < $1 ORDER BY expires LIMIT 100 FOR UPDATE SKIP LOCKED)
"""
_FORGET: Final = """
DELETE FROM sign_in_failures WHERE bucket IN (
  SELECT bucket FROM sign_in_failures WHERE last < $1 ORDER BY last LIMIT 100
  FOR UPDATE SKIP LOCKED)
"""
_FIND_SESSION: Final = Lookup(
    f"SELECT s.digest, {names(SESSION, 's')}, {names(ACCOUNT, 'a')} FROM sessions AS s "  # noqa: S608 - ours
    "JOIN accounts AS a ON a.id = s.account_id WHERE s.digest = any($1)"
)
_CLOSE: Final = "DELETE FROM sessions WHERE digest = any($1::text[])"
_FAILURES: Final = Lookup(
    "SELECT bucket, bucket, count, last FROM sign_in_failures WHERE bucket = any($1)"
)
_COUNT: Final = (
    "INSERT INTO sign_in_failures AS f (bucket, count, last) "
    "SELECT bucket, 1, $2 FROM unnest($1::text[]) AS asked (bucket) "
    "ON CONFLICT (bucket) DO UPDATE SET "
    "count = CASE WHEN f.last < $3 THEN 1 ELSE f.count + 1 END, last = excluded.last"
)


class PostgresAccounts(PostgresPart):
    """What a method does stands with its port in `oauth.accounts`."""

    async def add_account(self, account: Account, *, event: Event) -> bool:
        """See Accounts."""
        return await self._told(event, _ADD, *account_rows.account_row(account))

    async def find_account(self, name_key: str) -> Account | None:
        """See Accounts."""
        row = await self._lookups.row(_BY_NAME, (name_key,))
        return None if row is None else account_rows.account(row)

    async def account(self, id_: RecordId) -> Account | None:
        """See Accounts."""
        row = await self._lookups.row(_BY_ID, (id_,))
        return None if row is None else account_rows.account(row)

    async def change_account(
        self, id_: RecordId, change: AccountChange, *, now: Millis, event: Event
    ) -> bool:
        """See Accounts."""
        values = (
            *(id_, change.password, change.status, int(change.end_sessions), now),
            *(change.email, change.language, change.instead_of),
        )

        async def unit(transaction: Transaction) -> bool:
            changed = await transaction.execute(_CHANGE, *values) > 0
            if changed:
                transaction.append(event)
                if change.end_sessions:
                    await transaction.execute("DELETE FROM sessions WHERE account_id = $1", id_)
            return changed

        return await self._writer.run(unit)

    async def accounts_after(self, name_key: str, *, most: int) -> Sequence[Account]:
        """See Accounts."""
        found = await self._lookups.fetch(_AFTER, name_key, most)
        return [account_rows.account(row) for row in found]

    async def open_session(
        self, session: Session, *, instead_of: Sequence[Digest], event: Event
    ) -> None:
        """See Sessions."""

        async def unit(transaction: Transaction) -> None:
            await transaction.execute(_OVER, session.signed_in)
            await transaction.execute(_CLOSE, list(instead_of))
            await transaction.execute(_OPEN, *account_rows.session_row(session))
            transaction.append(event)

        await self._writer.run(unit)

    async def find_session(self, digests: Sequence[Digest]) -> tuple[Session, Account] | None:
        """See Sessions."""
        row = await self._lookups.row(_FIND_SESSION, digests)
        if row is None:
            return None
        session, account = row[:_SESSION_END], row[_SESSION_END:]
        return account_rows.session(session), account_rows.account(account)

    async def note_seen(self, digest: Digest, *, now: Millis) -> None:
        """See Sessions."""
        await self._change("UPDATE sessions SET seen = $2 WHERE digest = $1", digest, now)

    async def close_session(self, digests: Sequence[Digest], *, event: Event) -> bool:
        """See Sessions."""
        return await self._told(event, _CLOSE, list(digests))

    async def failures(self, buckets: Sequence[Digest]) -> Sequence[Failures | None]:
        """See Attempts."""
        found = {
            bucket: Failures(count=count, last=Millis(last))
            for bucket, count, last in await self._lookups.rows(_FAILURES, buckets)
        }
        return [found.get(bucket) for bucket in buckets]

    async def note_failure(
        self, buckets: Sequence[Digest], *, now: Millis, forget_before: Millis, event: Event | None
    ) -> None:
        """See Attempts."""
        # in an order that all workers keep: none waits for another's
        counted = sorted(set(buckets))

        async def unit(transaction: Transaction) -> None:
            await transaction.execute(_FORGET, now - FORGOTTEN)
            await transaction.execute(_COUNT, counted, now, forget_before)
            if event is not None:
                transaction.append(event)

        await self._writer.run(unit)

    async def forget_failures(self, buckets: Sequence[Digest]) -> None:
        """See Attempts."""
        query = "DELETE FROM sign_in_failures WHERE bucket = any($1::text[])"
        await self._change(query, list(buckets))
