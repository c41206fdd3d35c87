"""Rows of memberships: the columns stand here once, in one order, for every store in SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from keyin.domain.environment import Millis
from keyin.domain.membership import Membership, Role
from keyin.domain.records import RecordId

if TYPE_CHECKING:
    from keyin.stores.rows import Row

MEMBERSHIP: Final = ("account_id", "site", "role", "added")


def membership(row: Row) -> Membership:
    """Return the membership in a row of `MEMBERSHIP`."""
    id_, site, role, added = row
    return Membership(account_id=RecordId(id_), site=site, role=Role(role), added=Millis(added))


def membership_row(record: Membership) -> Row:
    """Return the row of a membership."""
    return (record.account_id, record.site, record.role, record.added)
