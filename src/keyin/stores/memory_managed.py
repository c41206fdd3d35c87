"""The part of the forgetful store that knows which computers are within an account's reach."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import msgspec

from keyin.domain.events import Event
from keyin.domain.membership import reach_of
from keyin.domain.records import ClientKind
from keyin.oauth.managed_ports import SHOWN_KINDS, History, SeenFrom
from keyin.stores.history_rows import beginnings
from keyin.stores.memory_enrolment import MemoryEnrolment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from keyin.domain.records import Client, RecordId, Status
    from keyin.oauth.administration_ports import ClientPicture
    from keyin.oauth.enrolment_ports import Listed
    from keyin.oauth.managed_ports import Beginning, Wanted


class MemoryManaged(MemoryEnrolment):
    """What a method does stands with its port, oauth.managed_ports."""

    async def managed(
        self, account_id: RecordId, wanted: Wanted, *, before: int | None, most: int
    ) -> Sequence[ClientPicture]:
        """See ManagedClients."""
        found = [
            self.picture(number, client)
            for number, client in self._within(account_id)
            if (before is None or number < before)
            and _is_wanted(client, wanted)
            and (wanted.born_from is None or client.id in self._born_from(wanted.born_from))
        ]
        return found[::-1][:most]

    async def managed_one(self, account_id: RecordId, id_: RecordId) -> ClientPicture | None:
        """See ManagedClients."""
        found = self._within(account_id)
        return next((self.picture(n, client) for n, client in found if client.id == id_), None)

    async def beginnings(self, client_ids: Sequence[RecordId]) -> Mapping[RecordId, Beginning]:
        """See Beginnings."""
        registered = [one for one in self._registrations.values() if one.client_id in client_ids]
        return beginnings(registered, [*self._initial_access.values()])

    async def managed_history(
        self, account_id: RecordId, id_: RecordId, *, most: int
    ) -> History | None:
        """See ManagedClients."""
        if await self.managed_one(account_id, id_) is None:
            return None
        told = [msgspec.json.decode(row.event, type=Event) for row in self._audit]
        acts = [one for one in told if one.client == id_ and not one.act.startswith("token.")]
        seen = self._networks.get(id_, {}).items()
        networks = [SeenFrom(network=one, first=at[0], last=at[1]) for one, at in seen]
        return History(
            events=sorted(acts, key=lambda one: one.at)[::-1][:most],
            networks=sorted(networks, key=lambda one: (-one.last, one.network)),
        )

    async def managed_counts(self, account_id: RecordId) -> Mapping[tuple[str | None, Status], int]:
        """See ManagedClients."""
        found = self._within(account_id)
        return Counter((client.lineage.site, client.status) for _, client in found)

    async def managed_access(
        self, account_id: RecordId, *, before: int | None, most: int
    ) -> Sequence[Listed]:
        """See ManagedClients."""
        reach = reach_of(account_id, self._memberships.values())
        found = [
            one
            for one in await self.initial_accesses(after=0, most=10**9, reach=None)
            if (before is None or one.number < before)
            and one.record.kind in SHOWN_KINDS
            and reach.sees(one.record.owner, one.record.site)
        ]
        return found[::-1][:most]

    def _born_from(self, access_id: RecordId) -> set[RecordId]:
        made = self._registrations.values()
        return {one.client_id for one in made if one.initial_access_id == access_id}

    def _within(self, account_id: RecordId) -> list[tuple[int, Client]]:
        reach = reach_of(account_id, self._memberships.values())
        return [
            (number, client)
            for number, client in enumerate(self._clients.values(), 1)
            if client.kind is ClientKind.INSTALLATION
            and reach.sees(client.lineage.owner, client.lineage.site)
        ]


def _is_wanted(client: Client, wanted: Wanted) -> bool:
    lineage = client.lineage
    texts = (client.name, lineage.site, client.computer_type, lineage.software_version)
    return (
        wanted.status in {None, client.status}
        and wanted.site in {None, lineage.site}
        and (
            not wanted.text or any(_folded(wanted.text) in _folded(text) for text in texts if text)
        )
    )


def _folded(text: str) -> str:
    return "".join(letter.lower() if letter.isascii() else letter for letter in text)
