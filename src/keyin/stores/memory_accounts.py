"""The part of the forgetful store that holds accounts, sessions and wrong passwords."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from keyin.oauth.accounts import FORGOTTEN, Failures
from keyin.stores.memory_memberships import MemoryMemberships

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keyin.domain.environment import Millis
    from keyin.domain.events import Event
    from keyin.domain.records import Digest, RecordId
    from keyin.oauth.accounts import Account, AccountChange, Session


class MemoryAccounts(MemoryMemberships):
    """What a method does stands with its port in `oauth.accounts`."""

    def __init__(self) -> None:
        super().__init__()
        self._accounts: dict[RecordId, Account] = {}
        self._sessions: dict[Digest, Session] = {}
        self._failures: dict[Digest, Failures] = {}

    async def add_account(self, account: Account, *, event: Event) -> bool:
        """See Accounts."""
        if await self.find_account(account.name_key) is not None:
            return False
        self._accounts[account.id] = account
        self.append_event(event)
        return True

    async def find_account(self, name_key: str) -> Account | None:
        """See Accounts."""
        found = (one for one in self._accounts.values() if one.name_key == name_key)
        return next(found, None)

    async def account(self, id_: RecordId) -> Account | None:
        """See Accounts."""
        return self._accounts.get(id_)

    async def change_account(
        self, id_: RecordId, change: AccountChange, *, now: Millis, event: Event
    ) -> bool:
        """See Accounts."""
        account = self._accounts.get(id_)
        if account is None or change.instead_of not in {None, account.password}:
            return False
        self._accounts[id_] = replace(
            account,
            password=change.password or account.password,
            status=change.status or account.status,
            epoch=account.epoch + change.end_sessions,
            updated=now,
            email=(account.email if change.email is None else change.email) or None,
            language=(account.language if change.language is None else change.language) or None,
        )
        if change.end_sessions:
            self._sessions = {
                digest: one for digest, one in self._sessions.items() if one.account_id != id_
            }
        self.append_event(event)
        return True

    async def accounts_after(self, name_key: str, *, most: int) -> Sequence[Account]:
        """See Accounts."""
        found = [one for one in self._accounts.values() if one.name_key > name_key]
        return sorted(found, key=lambda account: account.name_key)[:most]

    async def open_session(
        self, session: Session, *, instead_of: Sequence[Digest], event: Event
    ) -> None:
        """See Sessions."""
        self._sessions = {
            digest: one
            for digest, one in self._sessions.items()
            if one.expires >= session.signed_in and digest not in instead_of
        }
        self._sessions[session.digest] = session
        self.append_event(event)

    async def find_session(self, digests: Sequence[Digest]) -> tuple[Session, Account] | None:
        """See Sessions."""
        for digest in digests:
            session = self._sessions.get(digest)
            account = self._accounts.get(session.account_id) if session else None
            if session is not None and account is not None:
                return session, account
        return None

    async def note_seen(self, digest: Digest, *, now: Millis) -> None:
        """See Sessions."""
        if digest in self._sessions:
            self._sessions[digest] = replace(self._sessions[digest], seen=now)

    async def close_session(self, digests: Sequence[Digest], *, event: Event) -> bool:
        """See Sessions."""
        closed = [self._sessions.pop(digest, None) for digest in digests]
        if any(closed):
            self.append_event(event)
        return any(closed)

    async def failures(self, buckets: Sequence[Digest]) -> Sequence[Failures | None]:
        """See Attempts."""
        return [self._failures.get(bucket) for bucket in buckets]

    async def note_failure(
        self, buckets: Sequence[Digest], *, now: Millis, forget_before: Millis, event: Event | None
    ) -> None:
        """See Attempts."""
        self._failures = {
            bucket: one
            for bucket, one in self._failures.items()
            if one.last >= (forget_before if bucket in buckets else now - FORGOTTEN)
        }
        for bucket in buckets:
            before = self._failures.get(bucket)
            self._failures[bucket] = Failures(count=before.count + 1 if before else 1, last=now)
        if event is not None:
            self.append_event(event)

    async def forget_failures(self, buckets: Sequence[Digest]) -> None:
        """See Attempts."""
        for bucket in buckets:
            self._failures.pop(bucket, None)
