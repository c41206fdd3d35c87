"""A person's account, opened by a token that the person let an application have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import msgspec

from keyin.domain.records import Status
from keyin.oauth.flow_ports import AccountTokens

if TYPE_CHECKING:
    from keyin.domain.records import RecordId, Token
    from keyin.oauth.accounts import Account


class Store(AccountTokens, Protocol):
    """What this reads."""

    async def account(self, id_: RecordId) -> Account | None:
        """See oauth.accounts.Accounts."""
        ...


class AccountAccess(msgspec.Struct, frozen=True, kw_only=True):
    """Finds the account behind a token."""

    store: Store

    async def of(self, token: Token) -> Account | None:
        """Return the account, while nothing was taken back since. Raises StoreUnavailable."""
        found = await self.store.account_of(token.digest)
        account = await self.store.account(found[0]) if found else None
        if found is None or account is None or account.status is not Status.ACTIVE:
            return None
        return account if account.epoch == found[1] else None
