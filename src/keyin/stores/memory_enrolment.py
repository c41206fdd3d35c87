"""The part of the forgetful store that holds initial access tokens and registrations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from keyin.domain.enrolment import STANDING
from keyin.domain.membership import Role
from keyin.domain.records import RecordId, Status, StoppedBy
from keyin.oauth.enrolment_ports import Again, Born, Killed, Listed, Registered, Surroundings
from keyin.stores.memory_accounts import MemoryAccounts
from keyin.stores.memory_administration import MemoryAdministration
from keyin.stores.memory_notices import MemoryNotices

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from keyin.domain.enrolment import InitialAccess, Notice, Registration
    from keyin.domain.environment import Millis
    from keyin.domain.events import Event
    from keyin.domain.records import ClientKey, Digest, ProofUse
    from keyin.oauth.enrolment_ports import Decision, Ending, Question, Reach


class MemoryEnrolment(MemoryAdministration, MemoryNotices, MemoryAccounts):
    """What a method does stands with its port in `oauth.enrolment_ports`."""

    def __init__(self) -> None:
        super().__init__()
        self._initial_access: dict[RecordId, InitialAccess] = {}
        self._registrations: dict[RecordId, Registration] = {}
        """By the client's id."""
        self._returning: set[str] = set()

    async def add_initial_access(
        self, record: InitialAccess, *, event: Event, notices: Sequence[Notice] = ()
    ) -> bool:
        """See InitialAccesses."""
        added = self.put_initial_access(record, event)
        self.put_notices(notices if added else ())
        return added

    def put_initial_access(self, record: InitialAccess, event: Event) -> bool:
        """Add one within a unit of work."""
        if self._access_of([record.digest]) is not None:
            return False
        self._initial_access[record.id] = record
        self.append_event(event)
        return True

    async def find_initial_access(self, digests: Sequence[Digest]) -> InitialAccess | None:
        """See InitialAccesses."""
        return self._access_of(digests)

    def _access_of(self, digests: Sequence[Digest]) -> InitialAccess | None:
        return next((one for one in self._initial_access.values() if one.digest in digests), None)

    async def initial_access(self, id_: RecordId) -> Listed | None:
        """See InitialAccesses."""
        found = await self.initial_accesses(after=0, most=len(self._initial_access), reach=None)
        return next((one for one in found if one.record.id == id_), None)

    async def initial_accesses(
        self, *, after: int, most: int, reach: Reach | None
    ) -> Sequence[Listed]:
        """See InitialAccesses."""
        found = [
            Listed(number=number, record=one, clients=len(self._born(one.id)))
            for number, one in enumerate(self._initial_access.values(), 1)
            if number > after and (reach is None or reach.holds(one.owner, one.site))
        ]
        return found[:most]

    async def end_initial_access(
        self, id_: RecordId, ending: Ending, *, descendants: bool
    ) -> int | None:
        """See InitialAccesses."""
        clients = self.end_access(id_, ending.reason, ending.now, descendants=descendants)
        if clients is not None:
            self.append_event(ending.event)
        return clients

    def end_access(
        self, id_: RecordId, reason: str, now: Millis, *, descendants: bool
    ) -> int | None:
        """Revoke a token, and the clients born from it, within a unit of work."""
        there = self._initial_access.get(id_)
        ends = there is not None and there.status is not Status.REVOKED
        if there is not None and ends:
            self._initial_access[id_] = replace(there, status=Status.REVOKED, revoked_reason=reason)
        clients = [
            one
            for one in self._born(id_)
            if descendants or self._clients[one].status is Status.PENDING
        ]
        for client_id in clients:
            self.revoke_one(client_id, now)
        return len(clients) if ends or clients else None

    def revoke_one(self, id_: RecordId, now: Millis) -> None:
        """Mark a client within a unit of work."""
        there = self._clients[id_]
        self._clients[id_] = replace(
            there, status=Status.REVOKED, epoch=there.epoch + 1, updated=now
        )

    def _born(self, access_id: RecordId) -> list[RecordId]:
        return [
            one.client_id
            for one in self._registrations.values()
            if access_id in {one.initial_access_id, one.channel_id}
            and self._clients[one.client_id].status in STANDING
        ]

    async def register(
        self,
        question: Question,
        decide: Callable[[Surroundings], Decision],
        *,
        uses: Sequence[ProofUse] = (),
    ) -> ProofUse | None:
        """See Registering."""
        before = self.used_before(uses)
        if before is not None:
            return before
        decision = decide(self._look(question))
        if isinstance(decision, Born):
            self._bear(decision)
        elif isinstance(decision, Again):
            self._change(decision)
        elif isinstance(decision, Killed):
            ending = decision.ending
            self.end_access(decision.access_id, ending.reason, ending.now, descendants=True)
            self._tell(ending.event, decision.notices)
        return None

    def _look(self, question: Question) -> Surroundings:
        standing = [one for one in self._clients.values() if one.status in STANDING]
        owner, site = question.owner, question.site
        named = question.client_id
        account = self._accounts.get(RecordId(owner)) if owner else None
        return Surroundings(
            access=self._access_of(question.access),
            channel=self._access_of(question.channel),
            named=self._registered(named) if named else None,
            holders={
                kid: self._of_credential(self._client_keys[kid].credential_id)
                for kid in question.kids
                if kid in self._client_keys
            },
            same_name=[
                one.id
                for one in standing
                if owner and one.lineage.owner == owner and one.name == question.name
            ],
            same_installation=[
                one.id
                for one in standing
                if question.installation_id
                and one.id in self._registrations
                and self._registrations[one.id].installation_id == question.installation_id
                and ((owner and one.lineage.owner == owner) or (site and one.lineage.site == site))
            ],
            stopped=self._stopped(question),
            owner_stands=owner is None or (account is not None and account.status is Status.ACTIVE),
            returns_by_itself=site in self._returning,
            site_owners=sorted(
                one.account_id
                for one in self._memberships.values()
                if one.site == site and one.role is Role.OWNER
            )[:10],
        )

    def _stopped(self, question: Question) -> StoppedBy | None:
        site = self._sites.get(question.site or "")
        id_, version = question.software
        software = self._software.get((id_ or "", version or ""))
        if site is not None and site.status is not Status.ACTIVE:
            return StoppedBy.SITE
        stopped = software is not None and software.status is not Status.ACTIVE
        return StoppedBy.SOFTWARE if stopped else None

    async def registered(self, oauth2_client_id: str) -> Registered | None:
        """See Registering."""
        return self._registered(oauth2_client_id)

    def _registered(self, oauth2_client_id: str) -> Registered | None:
        found = [
            self._of_credential(one.id)
            for one in self._credentials.values()
            if one.oauth2_client_id == oauth2_client_id
        ]
        return next((one for one in found if one is not None), None)

    def _of_credential(self, credential_id: RecordId) -> Registered | None:
        found = (o for o in self._registrations.values() if o.credential_id == credential_id)
        registration = next(found, None)
        if registration is None:
            return None
        client, credential = self._clients[registration.client_id], self._credentials[credential_id]
        keys = [key for key in self._client_keys.values() if key.credential_id == credential_id]
        return Registered(
            registration=registration,
            client=self.as_found(client, credential),
            credential=credential,
            keys=sorted(keys, key=lambda key: (key.added, key.kid)),
        )

    def _bear(self, born: Born) -> None:
        now = born.registration.created
        there = self._initial_access.get(born.access_id) if born.access_id else None
        if there is not None:
            self._initial_access[there.id] = replace(there, uses=there.uses + 1, last_used=now)
        for id_ in born.ends:
            self.revoke_one(id_, now)
        self._clients[born.client.id] = born.client
        self._credentials[born.credential.id] = born.credential
        self._put_keys([born.key])
        self._registrations[born.client.id] = born.registration
        self._tell(born.event, born.notices)

    def _change(self, again: Again) -> None:
        id_, credential_id = again.registration.client_id, again.registration.credential_id
        client, credential = self._clients[id_], self._credentials[credential_id]
        moved = again.status is not None and again.status is not client.status
        version, place = again.software_version, again.place
        site = place.site if place else client.lineage.site
        self._clients[id_] = replace(
            client,
            name=again.name,
            computer_type=place.computer_type if place else client.computer_type,
            updated=again.now,
            lineage=replace(client.lineage, software_version=version, site=site),
            status=again.status or client.status,
            epoch=client.epoch + moved,
        )
        self._credentials[credential_id] = replace(
            credential,
            lineage=replace(
                credential.lineage,
                software_version=version,
                site=site if place else credential.lineage.site,
            ),
        )
        wanted = {key.kid for key in again.keys}
        for key in list(self._client_keys.values()):
            ours = key.credential_id == credential_id and key.kid not in wanted
            if ours and key.status is Status.ACTIVE:
                self.end_key_of_client(key.kid)
        self._put_keys(again.keys)
        self._registrations[id_] = again.registration
        self._tell(again.event, again.notices)

    def _put_keys(self, keys: Sequence[ClientKey]) -> None:
        for key in keys:
            there = self._client_keys.get(key.kid)
            if there is None or there.credential_id != key.credential_id:
                self._client_keys[key.kid] = key

    def _tell(self, event: Event, notices: Sequence[Notice]) -> None:
        self.put_notices(notices)
        self.append_event(event)

    async def activate(self, credential_id: RecordId, *, now: Millis, event: Event) -> bool:
        """See Registering."""
        found = self._of_credential(credential_id)
        if found is None or self._clients[found.client.id].status is not Status.PENDING:
            return False
        registration = found.registration
        if registration.activate_by is None or registration.activate_by < now:
            return False
        self._registrations[found.client.id] = replace(
            registration, activate_by=None, version=registration.version + 1
        )
        client = self._clients[found.client.id]
        self._clients[client.id] = replace(client, status=Status.ACTIVE, updated=now)
        self.append_event(event)
        return True

    async def returns_by_itself(self, site: str) -> bool:
        """See SitePolicies."""
        return site in self._returning

    async def set_returns(self, site: str, *, by_itself: bool, event: Event) -> bool:
        """See SitePolicies."""
        if (site in self._returning) == by_itself:
            return False
        (self._returning.add if by_itself else self._returning.discard)(site)
        self.append_event(event)
        return True
