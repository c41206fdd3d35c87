"""A person looks after enrolment files and codes: their own, and those of their sites (P96, P34).

What is not within reach is answered as what is not there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import msgspec

from keyin.domain.membership import reach_of
from keyin.domain.records import RecordId
from keyin.oauth import managed_ports
from keyin.oauth.enrolment_ports import Ending
from keyin.oauth.initial_access import ended
from keyin.oauth.managed_ports import Acted
from keyin.oauth.membership_ports import Memberships

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keyin.oauth.accounts import Account
    from keyin.oauth.enrolment_ports import Listed
    from keyin.oauth.initial_access import By


class Store(managed_ports.ManagedClients, Memberships, Protocol):
    """What this reads and writes."""

    async def initial_access(self, id_: RecordId) -> Listed | None:
        """See oauth.enrolment_ports.InitialAccesses."""
        ...

    async def end_initial_access(
        self, id_: RecordId, ending: Ending, *, descendants: bool
    ) -> int | None:
        """See oauth.enrolment_ports.InitialAccesses."""
        ...


class ManagedFiles(msgspec.Struct, frozen=True, kw_only=True):
    """See above. Each method raises StoreUnavailable."""

    store: Store

    async def page(
        self, account: Account, *, before: int | None, most: int
    ) -> Sequence[tuple[Listed, bool]]:
        """Return files and codes within reach, each with whether the account may change it."""
        reach = reach_of(account.id, await self.store.memberships_of(account.id))
        found = await self.store.managed_access(account.id, before=before, most=most)
        return [(one, reach.changes(one.record.owner, one.record.site)) for one in found]

    async def one(self, account: Account, id_: str) -> tuple[Listed, bool] | None:
        """Return one within reach, and whether the account may change it."""
        reach = reach_of(account.id, await self.store.memberships_of(account.id))
        found = await self.store.initial_access(RecordId(id_))
        if found is None or not reach.sees(found.record.owner, found.record.site):
            return None
        return found, reach.changes(found.record.owner, found.record.site)

    async def end(self, account: Account, id_: RecordId, by: By, *, descendants: bool) -> Acted:
        """End a file or a code, and with `descendants` every computer that came with it."""
        found = await self.one(account, id_)
        if found is None or not found[1]:
            return Acted.NOT_ALLOWED if found else Acted.NOT_THERE
        reason = "compromised" if descendants else "other"
        ending = Ending(
            reason=reason, now=by.now, event=ended(found[0].record, by, reason, all_=descendants)
        )
        clients = await self.store.end_initial_access(id_, ending, descendants=descendants)
        return Acted.OVER if clients is None else Acted.DONE
