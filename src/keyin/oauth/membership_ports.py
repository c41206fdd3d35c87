"""What is asked of the store about who looks after which site. Each raises StoreUnavailable."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keyin.domain.events import Event
    from keyin.domain.membership import Membership
    from keyin.domain.records import RecordId


class Memberships(Protocol):
    """Who is what at which site; each change is one unit of work with its event."""

    async def put_membership(self, membership: Membership, *, event: Event) -> bool:
        """Write down what somebody is at a site; False, and nothing is written: it was so."""
        ...

    async def end_membership(self, account_id: RecordId, site: str, *, event: Event) -> bool:
        """Take it back; False: there was none."""
        ...

    async def memberships_of(self, account_id: RecordId) -> Sequence[Membership]:
        """Return an account's sites, by name."""
        ...

    async def members(self, site: str) -> Sequence[tuple[Membership, str | None]]:
        """Return a site's members, by account id, each with the account's name."""
        ...
