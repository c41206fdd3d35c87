"""The part of the forgetful store that knows who looks after which site."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from keyin.stores.memory_second_factors import MemorySecondFactors

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keyin.domain.events import Event
    from keyin.domain.membership import Membership
    from keyin.domain.records import RecordId
    from keyin.oauth.accounts import Account


class MemoryMemberships(MemorySecondFactors):
    """What a method does stands with its port, oauth.membership_ports."""

    _accounts: dict[RecordId, Account]

    def __init__(self) -> None:
        super().__init__()
        self._memberships: dict[tuple[RecordId, str], Membership] = {}

    async def put_membership(self, membership: Membership, *, event: Event) -> bool:
        """See Memberships."""
        name = (membership.account_id, membership.site)
        there = self._memberships.get(name)
        if there is not None and there.role is membership.role:
            return False
        self._memberships[name] = replace(there, role=membership.role) if there else membership
        self.append_event(event)
        return True

    async def end_membership(self, account_id: RecordId, site: str, *, event: Event) -> bool:
        """See Memberships."""
        ended = self._memberships.pop((account_id, site), None) is not None
        if ended:
            self.append_event(event)
        return ended

    async def memberships_of(self, account_id: RecordId) -> Sequence[Membership]:
        """See Memberships."""
        found = [one for one in self._memberships.values() if one.account_id == account_id]
        return sorted(found, key=lambda one: one.site)

    async def members(self, site: str) -> Sequence[tuple[Membership, str | None]]:
        """See Memberships."""
        found = [one for one in self._memberships.values() if one.site == site]
        accounts = [self._accounts.get(one.account_id) for one in found]
        named = [
            (one, there.name if there else None) for one, there in zip(found, accounts, strict=True)
        ]
        return sorted(named, key=lambda pair: pair[0].account_id)
