"""The administrator's ops on who looks after which site."""

from __future__ import annotations

from typing import Literal

import msgspec

from keyin.wire.admin import Changed, Look, Op, Word


class MemberLine(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody at a site. Times are milliseconds since 1970."""

    site: str
    account: str
    """The account's name."""
    account_id: str
    role: str
    added: int


class MemberList(msgspec.Struct, frozen=True, kw_only=True):
    """All members of a site."""

    members: tuple[MemberLine, ...]


class ListMembers(Look[MemberList], frozen=True, kw_only=True, tag="site.member_list"):
    """Name who looks after a site."""

    site: Word


class AddMember(Op[Changed], frozen=True, kw_only=True, tag="site.member_add"):
    """Let an account look after a site, or change what it is there."""

    site: Word
    account: Word
    role: Literal["owner", "manager", "viewer"] = "manager"


class RemoveMember(Op[Changed], frozen=True, kw_only=True, tag="site.member_remove"):
    """Let an account look after a site no more."""

    site: Word
    account: Word
