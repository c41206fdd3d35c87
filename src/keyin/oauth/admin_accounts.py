"""The administrator's ops on people's accounts: make, list, another password, suspend, resume."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

import msgspec

from keyin.domain.errors import Refused, msgid
from keyin.domain.events import Act
from keyin.domain.records import RecordId, Status
from keyin.domain.secret import Secret
from keyin.oauth.accounts import Account, AccountChange, Accounts, is_email, is_name, name_key
from keyin.oauth.client_pictures import fitting
from keyin.oauth.new_clients import random_text
from keyin.oauth.password_rules import check_password
from keyin.oauth.second_factor_ports import SecondFactors
from keyin.wire import admin_accounts as wire

if TYPE_CHECKING:
    from collections.abc import Container

    from keyin.domain.environment import Entropy
    from keyin.domain.events import Event
    from keyin.oauth.accounts import Passwords
    from keyin.oauth.administration import Acting, Operations

ID_PREFIX: Final = "ac_"
_ID_BYTES: Final = 16


class Store(Accounts, SecondFactors, Protocol):
    """What this reads and writes."""


class AccountOperations(msgspec.Struct, frozen=True, kw_only=True):
    """Answers about accounts."""

    store: Store
    passwords: Passwords
    entropy: Entropy
    common: Container[str]
    """What everybody thinks of first, see `password_rules`."""

    def operations(self) -> Operations:
        """Return what answers each op."""
        return {
            wire.ListAccounts: self.page,
            wire.CreateAccount: self.create,
            wire.SetPassword: self.set_password,
            wire.SetEmail: self.set_email,
            wire.SuspendAccount: self.suspend,
            wire.ResumeAccount: self.resume,
            wire.ResetSecondStep: self.reset_second_step,
        }

    async def page(self, op: wire.ListAccounts, _: Acting) -> wire.AccountPage:
        """Name some."""
        found = await self.store.accounts_after(name_key(op.after), most=op.most + 1)
        lines = fitting([_line(account) for account in found[: op.most]])
        return wire.AccountPage(accounts=lines, more=len(lines) < len(found))

    async def create(self, op: wire.CreateAccount, acting: Acting) -> wire.AccountLine:
        """Make one whose name is free."""
        if not is_name(op.name):
            raise Refused(
                "bad_name",
                msgid("an account's name has 1 to 100 characters that can be seen"),
                next_step=msgid("Choose another name."),
            )
        password = Secret(op.password)
        check_password(password, name=op.name, common=self.common)
        account = Account(
            id=RecordId(ID_PREFIX + random_text(self.entropy, _ID_BYTES)),
            name=op.name.strip(),
            name_key=name_key(op.name),
            password=await self.passwords.hash(password),
            status=Status.ACTIVE,
            epoch=0,
            created=acting.at,
            updated=None,
            email=_address(op.email),
            language=op.language,
        )
        event = _event(Act.ACCOUNT_CREATED, account, acting)
        if not await self.store.add_account(account, event=event):
            raise Refused(
                "name_taken",
                msgid("there is an account %(name)s already"),
                next_step=msgid("Choose another name, or see `keyin account list`."),
                name=account.name,
            )
        return _line(account)

    async def set_password(self, op: wire.SetPassword, acting: Acting) -> wire.AccountLine:
        """Give another password, and end every session."""
        account = await account_named(self.store, op.name)
        password = Secret(op.password)
        check_password(password, name=op.name, common=self.common)
        change = AccountChange(password=await self.passwords.hash(password), end_sessions=True)
        return await self._change(account, change, acting, what="password")

    async def set_email(self, op: wire.SetEmail, acting: Acting) -> wire.AccountLine:
        """Say where its notices are mailed to, or that they are not."""
        change = AccountChange(email=_address(op.email) or "", language=op.language)
        account = await account_named(self.store, op.name)
        return await self._change(account, change, acting, what="email")

    async def suspend(self, op: wire.SuspendAccount, acting: Acting) -> wire.AccountLine:
        """Let nobody sign in, and end every session."""
        change = AccountChange(status=Status.SUSPENDED, end_sessions=True)
        return await self._change(
            await account_named(self.store, op.name), change, acting, what="suspended"
        )

    async def resume(self, op: wire.ResumeAccount, acting: Acting) -> wire.AccountLine:
        """Let the person sign in again."""
        change = AccountChange(status=Status.ACTIVE)
        return await self._change(
            await account_named(self.store, op.name), change, acting, what="resumed"
        )

    async def reset_second_step(self, op: wire.ResetSecondStep, acting: Acting) -> wire.AccountLine:
        """Forget the second step of somebody whose telephone is lost."""
        account = await account_named(self.store, op.name)
        event = _event(Act.ACCOUNT_CHANGED, account, acting, what="no_second_factor")
        if not await self.store.end_second_factor(account.id, event=event):
            raise Refused(
                "no_second_step",
                msgid("%(name)s has no second step"),
                next_step=msgid("Signing in asks for the password alone; set another one."),
                name=account.name,
            )
        change = AccountChange(end_sessions=True)
        return await self._change(account, change, acting, what="sessions")

    async def _change(
        self, account: Account, change: AccountChange, acting: Acting, *, what: str
    ) -> wire.AccountLine:
        event = _event(Act.ACCOUNT_CHANGED, account, acting, what=what)
        await self.store.change_account(account.id, change, now=acting.at, event=event)
        return _line(await self.store.account(account.id) or account)


async def account_named(store: Accounts, name: str) -> Account:
    """Return the account of this name. Raises Refused."""
    account = await store.find_account(name_key(name))
    if account is None:
        raise Refused(
            "unknown_account",
            msgid("there is no account %(name)s"),
            next_step=msgid("`keyin account list` names them all."),
            name=name,
        )
    return account


def _address(email: str | None) -> str | None:
    """Return an address that letters can go to. Raises Refused."""
    if email is None or is_email(email):
        return email
    raise Refused(
        "bad_email",
        msgid("this is no address that mail can go to"),
        next_step=msgid("Write it like ada@example.org."),
    )


def _event(act: Act, account: Account, acting: Acting, **detail: str) -> Event:
    return acting.event(act, detail={"account": account.id, **detail})


def _line(account: Account) -> wire.AccountLine:
    return wire.AccountLine(
        id=account.id,
        name=account.name,
        status=account.status.value,
        created=account.created,
        email=account.email,
        language=account.language,
    )
