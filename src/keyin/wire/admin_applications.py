"""The administrator's op that takes an application in."""

from __future__ import annotations

from typing import Annotated

import msgspec

from keyin.wire.admin import Op, Word

Uri = Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]
_Few = msgspec.Meta(max_length=20)


class ApplicationRegistered(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The new application."""

    client_id: str
    kid: str | None = None
    client_secret: str | None = None
    """Shown this once."""

    def __repr__(self) -> str:
        return f"ApplicationRegistered(client_id={self.client_id!r})"


class RegisterApplication(
    Op[ApplicationRegistered], frozen=True, kw_only=True, tag="application.register"
):
    """Take an application in: what it may ask for, and how it proves itself."""

    name: Word
    """What people read on the page that asks them."""
    auth_method: Word
    grant_types: Annotated[tuple[Word, ...], _Few]
    scopes: Annotated[tuple[Word, ...], _Few]
    redirect_uris: Annotated[tuple[Uri, ...], _Few] = ()
    native: bool = False
    public_key: Annotated[str, msgspec.Meta(max_length=2000)] | None = None
    """A JWK, where it proves itself by a key."""
    site: Word | None = None
    networks: tuple[Word, ...] | None = None
    """None: from everywhere."""
    par_required: bool = True
    typ_required: bool = True
