"""The administrator's ops on initial access tokens: codes, files and channels."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from keyin.wire.admin import PAGE, Changed, Look, Op, Reason, Word

Kind = Literal["code", "file", "bundle", "channel"]
_Few = msgspec.Meta(max_length=50)


class AccessLine(msgspec.Struct, frozen=True, kw_only=True):
    """An initial access token, as lists have it. Times are milliseconds since 1970."""

    id: str
    kind: str
    label: str
    owner: str | None
    site: str | None
    computer_type: str | None
    status: str
    uses: int
    max_uses: int
    clients: int
    """Born from it, and standing."""
    expires: int
    last_used: int | None
    number: int


class AccessMade(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A new token: shown this once."""

    id: str
    expires: int
    code: str | None = None
    """For a person to type."""
    file: str | None = None
    """The content of an enrolment file."""

    def __repr__(self) -> str:
        return f"AccessMade(id={self.id!r})"


class MakeAccess(Op[AccessMade], frozen=True, kw_only=True, tag="initial_access.make"):
    """Make a code for one computer, a file for many, or a release channel."""

    kind: Kind
    label: Word
    """Of a channel: its name, as statements have it."""
    lifetime_s: Annotated[int, msgspec.Meta(ge=60, le=366 * 86_400)]
    uses: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 1
    owner: Word | None = None
    """The name of an account."""
    site: Word | None = None
    computer_type: Word | None = None
    networks: Annotated[tuple[Word, ...], _Few] | None = None
    """From where it may be used; None: from everywhere."""
    computer_networks: Annotated[tuple[Word, ...], _Few] | None = None
    """From where its computers may ask."""
    writable: Annotated[tuple[Word, ...], _Few] = ()
    read_only: bool = False
    software_ids: Annotated[tuple[Word, ...], _Few] | None = None


class AccessPage(msgspec.Struct, frozen=True, kw_only=True):
    """Some tokens."""

    tokens: tuple[AccessLine, ...]
    after: int | None
    """Where the next page begins; None: there is none."""


class ListAccess(Look[AccessPage], frozen=True, kw_only=True, tag="initial_access.list"):
    """Name tokens, in the order in which they came."""

    after: int = 0
    most: Annotated[int, msgspec.Meta(ge=1, le=PAGE)] = PAGE


class RevokeAccess(Op[Changed], frozen=True, kw_only=True, tag="initial_access.revoke"):
    """End a token; with its descendants, every client that was born from it."""

    token: Word
    """Its id."""
    with_descendants: bool = False
    reason: Reason = "other"


class ApproveClient(Op[Changed], frozen=True, kw_only=True, tag="client.approve"):
    """Let a computer count that waits for a person's yes."""

    client: Word


class SetReturns(Op[Changed], frozen=True, kw_only=True, tag="site.returns"):
    """Say whether a site's computers come back by themselves."""

    site: Word
    by_itself: bool


class RevokeOwned(Op[Changed], frozen=True, kw_only=True, tag="account.revoke_computers"):
    """End everything that an account answers for: its codes, its files, its computers."""

    account: Word
    """Its name or its id."""
    reason: Reason = "other"
