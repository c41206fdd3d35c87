"""The administrator's ops on people's accounts."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from keyin.wire.admin import PAGE, Look, Op, Word

Password = Annotated[str, msgspec.Meta(max_length=4096)]
Email = Annotated[str, msgspec.Meta(max_length=254)]  # RFC 5321 §4.5.3.1.3
Language = Literal["en", "de"]


class AccountLine(msgspec.Struct, frozen=True, kw_only=True):
    """An account; nothing of its password. Times are milliseconds since 1970."""

    id: str
    name: str
    status: str
    created: int
    email: str | None = None
    """Where notices are mailed to."""
    language: str | None = None


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
    email: Email | None = None
    language: Language | None = None

    def __repr__(self) -> str:
        return "<CreateAccount>"  # no password in a traceback


class SetEmail(Op[AccountLine], frozen=True, kw_only=True, tag="account.set_email"):
    """Say where an account's notices are mailed to."""

    name: Word
    email: Email | None = None
    """None: nowhere."""
    language: Language | None = None
    """None: as it was."""


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


class ResetSecondStep(Op[AccountLine], frozen=True, kw_only=True, tag="account.reset_second_step"):
    """Ask no second step of an account any more, whose telephone is lost; its sessions end."""

    name: Word
