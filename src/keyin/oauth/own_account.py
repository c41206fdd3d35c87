"""What a person says of their own account: another password, where letters go."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from keyin.oauth.accounts import AccountChange
from keyin.oauth.auditing import account_changed
from keyin.oauth.password_rules import check_password

if TYPE_CHECKING:
    from collections.abc import Container

    from keyin.domain.secret import Secret
    from keyin.oauth.accounts import Account, Accounts, Passwords
    from keyin.oauth.sign_in import Visit


class OwnAccount(msgspec.Struct, frozen=True, kw_only=True):
    """See above. Each method raises StoreUnavailable."""

    store: Accounts
    passwords: Passwords
    common: Container[str]
    """What everybody thinks of first, see `password_rules`."""

    async def take_password(self, account: Account, password: Secret, visit: Visit) -> None:
        """Take it, unless it is too easy to guess (Refused); every session ends."""
        check_password(password, name=account.name, common=self.common)
        change = AccountChange(password=await self.passwords.hash(password), end_sessions=True)
        await self._change(account, change, visit, "password")

    async def take_email(self, account: Account, email: str, language: str, visit: Visit) -> None:
        """Mail notices there, in this language; "": nowhere, as the cloud is configured."""
        await self._change(account, AccountChange(email=email, language=language), visit, "email")

    async def _change(
        self, account: Account, change: AccountChange, visit: Visit, what: str
    ) -> None:
        event = account_changed(account, visit, what)
        await self.store.change_account(account.id, change, now=visit.now, event=event)
