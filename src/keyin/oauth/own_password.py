"""A person takes another password: every session of theirs ends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from keyin.domain.address_text import address_text
from keyin.domain.events import Act, Event
from keyin.oauth.accounts import AccountChange
from keyin.oauth.password_rules import check_password

if TYPE_CHECKING:
    from collections.abc import Container

    from keyin.domain.secret import Secret
    from keyin.oauth.accounts import Account, Accounts, Passwords
    from keyin.oauth.sign_in import Visit


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnPassword:
    """See above."""

    store: Accounts
    passwords: Passwords
    common: Container[str]
    """What everybody thinks of first, see `password_rules`."""

    async def change(self, account: Account, password: Secret, visit: Visit) -> None:
        """Take it, unless it is too easy to guess. Raises Refused, StoreUnavailable."""
        check_password(password, name=account.name, common=self.common)
        change = AccountChange(password=await self.passwords.hash(password), end_sessions=True)
        event = Event(
            act=Act.ACCOUNT_CHANGED,
            at=visit.now,
            actor=account.id,
            address=address_text(visit.address),
            request_id=visit.request_id,
            detail={"what": "password"},
        )
        await self.store.change_account(account.id, change, now=visit.now, event=event)
