"""Who looks after which site, and what that lets an account see and change (P96).

What nobody owns and no site has belongs to no account: only the administrator's command sees it.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable

    from keyin.domain.environment import Millis
    from keyin.domain.records import RecordId


class Role(StrEnum):
    """What somebody is at a site."""

    OWNER = "owner"
    MANAGER = "manager"
    VIEWER = "viewer"


CHANGING: Final = frozenset({Role.OWNER, Role.MANAGER})
"""These may change what belongs to the site; a viewer looks."""


class Membership(msgspec.Struct, frozen=True, kw_only=True):
    """One account at one site."""

    account_id: RecordId
    site: str
    role: Role
    added: Millis


class Reach(msgspec.Struct, frozen=True, kw_only=True):
    """How far an account's arm reaches: what is its own, and its sites."""

    account_id: RecordId
    seen: frozenset[str]
    """Sites of which it sees everything."""
    changed: frozenset[str]
    """Those of them of which it changes everything."""

    def sees(self, owner: str | None, site: str | None) -> bool:
        """Tell whether the account sees a record of this owner and this site."""
        return owner == self.account_id or site in self.seen

    def changes(self, owner: str | None, site: str | None) -> bool:
        """Tell whether it may change it."""
        return owner == self.account_id or site in self.changed


def reach_of(account_id: RecordId, memberships: Iterable[Membership]) -> Reach:
    """Return how far an account reaches."""
    kept = [one for one in memberships if one.account_id == account_id]
    return Reach(
        account_id=account_id,
        seen=frozenset(one.site for one in kept),
        changed=frozenset(one.site for one in kept if one.role in CHANGING),
    )
