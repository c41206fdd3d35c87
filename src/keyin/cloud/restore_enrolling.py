"""Revokes again, after a backup was put back, what was revoked of enrolment.

A computer that registered since is unknown now, and comes back with its certificate; one that was
taken back since must not. Of it a revoked record is made, which its certificate meets. An initial
access token for one computer that was used since would open once more: it ends.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Final, Protocol

from msgspec.structs import replace

from keyin.cloud.since_backup import Left
from keyin.domain.enrolment import Registration
from keyin.domain.events import ADMINISTRATOR, Act, Event
from keyin.domain.membership import Membership, Role
from keyin.domain.records import (
    NO_SECRET,
    Client,
    ClientKey,
    ClientKind,
    Credential,
    CredentialPolicy,
    Digest,
    Lineage,
    Origin,
    RecordId,
    Status,
)
from keyin.oauth.enrolment_ports import Born, Ending, InitialAccesses, Question, Registering
from keyin.oauth.membership_ports import Memberships

if TYPE_CHECKING:
    from collections import Counter

    from keyin.cloud.since_backup import Birth, SinceBackup
    from keyin.domain.environment import Millis
    from keyin.oauth.enrolment_ports import Surroundings

_RANK: Final = {Role.VIEWER: 0, Role.MANAGER: 1, Role.OWNER: 2}
_REASON: Final = "restored"


class Store(InitialAccesses, Registering, Memberships, Protocol):
    """What this reads and writes."""


class Enrolling:
    """Applies what came since a backup; safe to repeat."""

    def __init__(self, store: Store, now: Millis, applied: Counter[str]) -> None:
        self._store = store
        self._now = now
        self._applied = applied

    async def apply(self, since: SinceBackup) -> None:
        """End what was ended. Raises StoreUnavailable."""
        for name, reason in since.access.items():
            with_all = name in since.access_with_all
            await self._end(since, name, reason or _REASON, descendants=with_all)
        for name, clients in since.uses.items():
            if name not in since.access:
                await self._used(since, name, len(clients))
        for id_, birth in since.taken_back:
            await self._bury(RecordId(id_), birth)
        for (account, site), role in since.members.items():
            await self._member(since, RecordId(account), site, role)

    async def _end(self, since: SinceBackup, name: str, reason: str, *, descendants: bool) -> None:
        id_ = RecordId(name)
        if await self._store.initial_access(id_) is None:
            if name not in since.uses:
                since.left.append(Left(Act.INITIAL_ACCESS_REVOKED, name, "not_in_backup"))
            return
        event = self._event(Act.INITIAL_ACCESS_REVOKED, reason, initial_access=name)
        ending = Ending(reason=reason, now=self._now, event=event)
        ended = await self._store.end_initial_access(id_, ending, descendants=descendants)
        self._applied["initial_access"] += ended is not None

    async def _used(self, since: SinceBackup, name: str, times: int) -> None:
        """End a token whose last use was forgotten; of one for many, say how many were."""
        found = await self._store.initial_access(RecordId(name)) if name else None
        if found is None or found.record.status is not Status.ACTIVE:
            return
        if found.record.uses + times >= found.record.max_uses:
            await self._end(since, name, _REASON, descendants=False)
        else:
            since.left.append(Left(Act.CLIENT_REGISTERED, name, "uses_forgotten"))

    async def _bury(self, id_: RecordId, birth: Birth) -> None:
        if await self._store.registered(birth.client_id) is not None:
            return
        event = replace(self._event(Act.CLIENT_REVOKED, _REASON), client=id_, site=birth.site)
        grave = _grave(id_, birth, self._now, event)

        def decide(_: Surroundings) -> Born:
            return grave

        await self._store.register(Question(client_id=birth.client_id), decide)
        self._applied["computers"] += 1

    async def _member(self, since: SinceBackup, account: RecordId, site: str, role: str) -> None:
        """Take a role back; one that grew since, or is new, is left to a person."""
        there = {one.site: one for one in await self._store.memberships_of(account)}.get(site)
        event = replace(
            self._event(Act.MEMBERSHIP_CHANGED, None, account=account, role=role), site=site
        )
        if role == "none":
            ended = await self._store.end_membership(account, site, event=event)
            self._applied["members"] += ended
        elif there is not None and role in set(Role) and _RANK[Role(role)] < _RANK[there.role]:
            less = Membership(account_id=account, site=site, role=Role(role), added=there.added)
            self._applied["members"] += await self._store.put_membership(less, event=event)
        elif there is None or there.role != role:
            since.left.append(Left(Act.MEMBERSHIP_CHANGED, account, "by_hand"))

    def _event(self, act: Act, reason: str | None, **detail: str) -> Event:
        return again(act, self._now, reason, **detail)


def again(act: Act, now: Millis, reason: str | None, **detail: str) -> Event:
    """Return the event of what a restore does once more."""
    said = {"after": "restore", **detail}
    return Event(act=act, at=now, actor=ADMINISTRATOR, reason=reason, detail=said)


def _grave(id_: RecordId, birth: Birth, now: Millis, event: Event) -> Born:
    """Return a client that is revoked and can do nothing, under the id that it had."""
    lineage = Lineage(site=birth.site, origin=Origin.REGISTRATION)
    credential_id = RecordId(f"cc_{id_}")
    nothing = sha256(id_.encode()).hexdigest()
    client = Client(
        id=id_, kind=ClientKind.INSTALLATION, name=None, computer_type=None, lineage=lineage,
        status=Status.REVOKED, epoch=1, created=now, updated=None, legacy_until=None,
    )  # fmt: skip
    credential = Credential(
        id=credential_id, client_id=id_, oauth2_client_id=birth.client_id,
        secret_digest=NO_SECRET,
        policy=CredentialPolicy(
            networks=(), writable=(), may_create_keys=False, may_create_safes=False
        ),
        lineage=lineage, status=Status.REVOKED, epoch=1, revoked_reason=_REASON, created=now,
        revoked=now,
    )  # fmt: skip
    key = ClientKey(
        kid=f"gone:{nothing}", credential_id=credential_id, jwk=b"{}", algorithm="none",
        status=Status.REVOKED, epoch=1, added=now, last_used=None,
    )  # fmt: skip
    registration = Registration(
        client_id=id_, credential_id=credential_id, token_digest=Digest(f"{'-' * 8}:{nothing}"),
        initial_access_id=None, channel_id=None, installation_id=None, scopes=(), activate_by=None,
        version=1, flags=(), created=now,
    )  # fmt: skip
    return Born(
        client=client, credential=credential, key=key, registration=registration, event=event
    )
