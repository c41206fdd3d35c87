"""The administrator's ops on people's accounts."""

from __future__ import annotations

from typing import Annotated

import msgspec

from keyin.wire.admin import PAGE, Look, Op, Word

Password = Annotated[str, msgspec.Meta(max_length=4096)]


class AccountLine(msgspec.Struct, frozen=True, kw_only=True):
    """An account; nothing of its password. Times are milliseconds since 1970."""

    id: str
    name: str
    status: str
    created: int


class AccountPage(msgspec.Struct, frozen=True, kw_only=True):
    """Some accounts, by name; `more`: the next page begins after the last of these."""

    accounts: tuple[AccountLine, ...]
    more: bool


class ListAccounts(Look[AccountPage], frozen=True, kw_only=True, tag="account.list"):
    """Name accounts."""

    after: str = ""
    most: int = PAGE


class CreateAccount(Op[AccountLine], frozen=True, kw_only=True, tag="account.create"):
    """Make an account for a person."""

    name: Word
    password: Password

    def __repr__(self) -> str:
        return "<CreateAccount>"  # no password in a traceback


class SetPassword(Op[AccountLine], frozen=True, kw_only=True, tag="account.set_password"):
    """Give an account another password; every session of it ends."""

    name: Word
    password: Password

    def __repr__(self) -> str:
        return "<SetPassword>"


class SuspendAccount(Op[AccountLine], frozen=True, kw_only=True, tag="account.suspend"):
    """Let a person no longer sign in; every session of theirs ends."""

    name: Word


class ResumeAccount(Op[AccountLine], frozen=True, kw_only=True, tag="account.resume"):
    """Let a person sign in again."""

    name: Word
