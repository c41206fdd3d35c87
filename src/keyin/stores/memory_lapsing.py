"""The part of the forgetful store in which clients lapse, or end with their owner."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from keyin.domain.enrolment import STANDING, InitialAccessKind
from keyin.domain.records import Status
from keyin.stores.lapsing_statements import expired
from keyin.stores.memory_enrolment import MemoryEnrolment

if TYPE_CHECKING:
    from keyin.domain.enrolment import Registration
    from keyin.domain.environment import Millis
    from keyin.oauth.enrolment_ports import Ending


class MemoryLapsing(MemoryEnrolment):
    """What a method does stands with its port, oauth.enrolment_ports."""

    async def expire_unproved(self, *, now: Millis, most: int) -> int:
        """See Lapsing."""
        found = [
            one
            for one in self._registrations.values()
            if _due(one, now) and self._clients[one.client_id].status is Status.PENDING
        ]
        return self._expire(found[:most], now, "unproved")

    async def expire_unused(self, *, since: Millis, now: Millis, most: int) -> int:
        """See Lapsing."""
        found = [one for one in self._registrations.values() if self._unheard(one, since)]
        return self._expire(found[:most], now, "unused")

    def _unheard(self, one: Registration, since: Millis) -> bool:
        client = self._clients[one.client_id]
        keys = [key for key in self._client_keys.values() if key.credential_id == one.credential_id]
        return (
            client.status is Status.ACTIVE
            and (client.updated or client.created) < since
            and any((key.last_used or key.added) < since for key in keys)
            and not any(
                key.status is Status.ACTIVE and (key.last_used or key.added) >= since
                for key in keys
            )
        )

    def _expire(self, found: list[Registration], now: Millis, why: str) -> int:
        for one in found:
            client = self._clients[one.client_id]
            self._clients[client.id] = replace(
                client, status=Status.EXPIRED, epoch=client.epoch + 1, updated=now
            )
            self.append_event(expired(client.id, client.lineage.site, now, why))
        return len(found)

    async def forget_unproved(self, *, before: Millis, most: int) -> int:
        """See Lapsing."""
        found = [
            one
            for one in self._registrations.values()
            if _due(one, before) and self._clients[one.client_id].status is Status.EXPIRED
        ][:most]
        for one in found:
            del self._registrations[one.client_id], self._clients[one.client_id]
            del self._credentials[one.credential_id]
            kept = self._client_keys.items()
            self._client_keys = {
                kid: key for kid, key in kept if key.credential_id != one.credential_id
            }
        return len(found)

    async def forget_access(self, *, before: Millis, most: int) -> int:
        """See Lapsing."""
        parents = {one.initial_access_id for one in self._registrations.values()}
        found = [
            one.id
            for one in self._initial_access.values()
            if one.expires < before
            and one.kind is not InitialAccessKind.CHANNEL
            and one.id not in parents
        ][:most]
        for id_ in found:
            del self._initial_access[id_]
        return len(found)

    async def end_owned(self, owner: str, ending: Ending) -> int | None:
        """See Owners."""
        tokens = [
            one
            for one in self._initial_access.values()
            if one.owner == owner and one.status is not Status.REVOKED
        ]
        clients = [
            one.id
            for one in self._clients.values()
            if one.lineage.owner == owner and one.status in STANDING
        ]
        if not tokens and not clients:
            return None
        for token in tokens:
            self._initial_access[token.id] = replace(
                token, status=Status.REVOKED, revoked_reason=ending.reason
            )
        for id_ in clients:
            self.revoke_one(id_, ending.now)
        self.append_event(ending.event)
        return len(clients)


def _due(one: Registration, before: Millis) -> bool:
    return one.activate_by is not None and one.activate_by < before
