"""Revokes again what was revoked after a backup; what is not there any more is told, not made."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final, Protocol

from msgspec.structs import replace

from keyin.cloud.restore_enrolling import Enrolling, again
from keyin.cloud.restore_enrolling import Store as EnrollingStore
from keyin.cloud.since_backup import Left
from keyin.domain.events import Act, Event, pseudonym
from keyin.domain.records import RecordId, Status
from keyin.oauth import administration_ports as administration
from keyin.oauth.accounts import AccountChange, Accounts
from keyin.oauth.administration_ports import Word
from keyin.oauth.ports import ClientKeys, Inventory, Revocations

if TYPE_CHECKING:
    from keyin.cloud.since_backup import SinceBackup, Stopped
    from keyin.domain.environment import Millis
    from keyin.oauth.accounts import PasswordHash

_NOT_REVOKED: Final = frozenset(Status) - {Status.REVOKED}
_ONLY_FROM: Final = {Status.SUSPENDED: frozenset({Status.ACTIVE}), Status.REVOKED: _NOT_REVOKED}


class Store(
    administration.ClientRegister,
    administration.ClientKeyRegister,
    administration.Sites,
    administration.Software,
    Accounts,
    ClientKeys,
    Inventory,
    Revocations,
    EnrollingStore,
    Protocol,
):
    """What this reads and writes."""


class Applier:
    """Applies what came since a backup; safe to repeat."""

    def __init__(self, store: Store, now: Millis, *, nobodys: PasswordHash) -> None:
        self._store = store
        self._nobodys = nobodys
        self._now = now
        self.applied: Counter[str] = Counter()
        """How many records of each kind were stopped by this."""

    async def apply(self, since: SinceBackup) -> None:
        """Stop whoever was stopped. Raises StoreUnavailable."""
        for name, stopped in since.clients.items():
            await self._client(since, name, stopped)
        for name, stopped in since.sites.items():
            await self._site(name, stopped)
        for name, stopped in since.software.items():
            await self._software(name, stopped)
        for name, stopped in since.accounts.items():
            await self._account(since, name, stopped)
        for name in since.passwords:
            await self._password(since, name)
        for kid, reason in since.client_keys.items():
            await self._client_key(since, kid, reason)
        for name, reason in since.credentials.items():
            event = self._event(Act.CREDENTIAL_REVOKED, reason, credential=name)
            revoked = await self._store.revoke_credential(
                RecordId(name), reason=reason, now=self._now, event=event
            )
            self._found(since, "credentials", Act.CREDENTIAL_REVOKED, name, there=revoked)
        if since.keys:
            await self._keys(since)
        await Enrolling(self._store, self._now, self.applied).apply(since)

    async def _client(self, since: SinceBackup, name: str, stopped: Stopped) -> None:
        id_ = RecordId(name)
        revoked = stopped.status is Status.REVOKED
        act = Act.CLIENT_REVOKED if revoked else Act.CLIENT_SUSPENDED
        picture = await self._store.client_picture(id_)
        if picture is None:
            if name not in since.births:  # else `Enrolling` sees to it
                since.left.append(Left(act, name, "not_in_backup"))
            return
        event = replace(
            self._event(act, stopped.reason), client=id_, site=picture.client.lineage.site
        )
        changed = await self._store.set_client_status(
            id_, self._word(stopped, event), only_from=_ONLY_FROM[stopped.status]
        )
        self._count("clients", changed)

    async def _site(self, name: str, stopped: Stopped) -> None:
        event = self._event(Act.SITE_CHANGED, stopped.reason, status=stopped.status.value)
        word = self._word(stopped, replace(event, site=name))
        self._count("sites", await self._store.set_site(name, word, ending=True) is not None)

    async def _software(self, name: str, stopped: Stopped) -> None:
        id_, _, version = name.rpartition(" ")
        event = self._event(
            Act.SOFTWARE_CHANGED, stopped.reason, software=name, status=stopped.status.value
        )
        word = self._word(stopped, event)
        changed = await self._store.set_software(id_, version, word, ending=True)
        self._count("software", changed is not None)

    async def _account(self, since: SinceBackup, name: str, stopped: Stopped) -> None:
        event = self._event(Act.ACCOUNT_CHANGED, stopped.reason, account=name, what="suspended")
        change = AccountChange(status=stopped.status, end_sessions=True)
        changed = await self._store.change_account(
            RecordId(name), change, now=self._now, event=event
        )
        self._found(since, "accounts", Act.ACCOUNT_CHANGED, name, there=changed)

    async def _password(self, since: SinceBackup, name: str) -> None:
        """Let the old password open nothing; only a person can give another."""
        event = self._event(Act.ACCOUNT_CHANGED, None, account=name, what="password")
        change = AccountChange(password=self._nobodys, end_sessions=True)
        changed = await self._store.change_account(
            RecordId(name), change, now=self._now, event=event
        )
        why = "no_password" if changed else "not_in_backup"
        since.left.append(Left(Act.ACCOUNT_CHANGED, name, why))
        self._count("passwords", changed)

    async def _client_key(self, since: SinceBackup, kid: str, reason: str | None) -> None:
        event = self._event(Act.CLIENT_KEY_REVOKED, reason, kid=kid)
        if await self._store.find_client_key(kid) is None:
            since.left.append(Left(Act.CLIENT_KEY_REVOKED, kid, "not_in_backup"))
        else:
            self._count("client_keys", await self._store.end_client_key(kid, event=event))

    async def _keys(self, since: SinceBackup) -> None:
        """Look at each key once: the log knows them by names that nobody can turn back."""
        wanted = dict(since.keys)
        found = []
        async for key in self._store.all_keys():
            name = pseudonym(key.digest)
            if name in wanted:
                found.append((key, name, wanted.pop(name)))
        for key, name, reason in found:
            if key.status is Status.REVOKED:
                continue
            event = replace(self._event(Act.KEY_REVOKED, reason), key=name)
            revoked = await self._store.revoke_key(
                [key.digest], reason=reason, now=self._now, event=event
            )
            self._count("keys", revoked)
        since.left += [Left(Act.KEY_REVOKED, name, "not_in_backup") for name in wanted]

    def _found(self, since: SinceBackup, kind: str, act: Act, name: str, *, there: bool) -> None:
        if not there:
            since.left.append(Left(act, name, "not_in_backup"))
        self._count(kind, there)

    def _count(self, kind: str, changed: bool) -> None:  # noqa: FBT001 - it is what is counted
        self.applied[kind] += changed

    def _word(self, stopped: Stopped, event: Event) -> Word:
        return Word(status=stopped.status, reason=stopped.reason, now=self._now, event=event)

    def _event(self, act: Act, reason: str | None, **detail: str) -> Event:
        return again(act, self._now, reason, **detail)
