"""The administrator's ops on who looks after which site."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import msgspec

from keyin.domain.errors import Refused, msgid
from keyin.domain.events import Act
from keyin.domain.membership import Membership, Role
from keyin.oauth import administration_ports as ports
from keyin.oauth.accounts import Accounts
from keyin.oauth.admin_accounts import account_named
from keyin.oauth.admin_sites import site_known
from keyin.oauth.membership_ports import Memberships
from keyin.wire import admin_members as wire
from keyin.wire.admin import Changed

if TYPE_CHECKING:
    from keyin.domain.events import Event
    from keyin.oauth.accounts import Account
    from keyin.oauth.administration import Acting, Operations


class Store(Memberships, Accounts, ports.Sites, Protocol):
    """What this reads and writes."""


class MemberOperations(msgspec.Struct, frozen=True, kw_only=True):
    """Answers about members."""

    store: Store

    def operations(self) -> Operations:
        """Return what answers each op."""
        return {
            wire.ListMembers: self.page,
            wire.AddMember: self.add,
            wire.RemoveMember: self.remove,
        }

    async def page(self, op: wire.ListMembers, _: Acting) -> wire.MemberList:
        """Name them."""
        await site_known(self.store, op.site)
        found = await self.store.members(op.site)
        return wire.MemberList(members=tuple(_line(*one) for one in found))

    async def add(self, op: wire.AddMember, acting: Acting) -> Changed:
        """Let somebody look after a site that is there."""
        await site_known(self.store, op.site)
        account = await account_named(self.store, op.account)
        membership = Membership(
            account_id=account.id, site=op.site, role=Role(op.role), added=acting.at
        )
        event = _event(acting, op.site, account, op.role)
        changed = await self.store.put_membership(membership, event=event)
        return Changed(changed=changed, status=op.role)

    async def remove(self, op: wire.RemoveMember, acting: Acting) -> Changed:
        """Let somebody look after a site no more."""
        account = await account_named(self.store, op.account)
        event = _event(acting, op.site, account, "none")
        if not await self.store.end_membership(account.id, op.site, event=event):
            raise Refused(
                "no_member",
                msgid("%(name)s does not look after %(site)s"),
                next_step=msgid("`keyin site member list` names who does."),
                name=account.name,
                site=op.site,
            )
        return Changed(changed=True, status="none")


def _line(one: Membership, name: str | None) -> wire.MemberLine:
    return wire.MemberLine(
        site=one.site,
        account=name or "?",
        account_id=one.account_id,
        role=one.role.value,
        added=one.added,
    )


def _event(acting: Acting, site: str, account: Account, role: str) -> Event:
    return acting.event(
        Act.MEMBERSHIP_CHANGED, site=site, detail={"account": account.id, "role": role}
    )
