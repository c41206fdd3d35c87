"""The administrator's ops on clients, their keys and their tokens."""

from __future__ import annotations

from typing import Annotated

import msgspec

from keyin.wire.admin import PAGE, Changed, Look, Op, Reason, Word

Status = Annotated[str, msgspec.Meta(max_length=20)]


class ClientRegistered(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The new client."""

    client_id: str
    kid: str | None = None
    client_secret: str | None = None
    """Of an old program; shown this once."""

    def __repr__(self) -> str:
        return f"ClientRegistered(client_id={self.client_id!r})"


class RegisterClient(Op[ClientRegistered], frozen=True, kw_only=True, tag="client.register"):
    """Take a computer in by its public key; or an old program, which gets a secret."""

    public_key: Annotated[str, msgspec.Meta(max_length=2000)] | None = None
    """A JWK."""
    legacy_until: int | None = None
    """In place of a key: until then, in milliseconds since 1970, the secret is good."""
    name: Word | None = None
    site: Word | None = None
    software: tuple[Word, Word] | None = None
    """Id and version of what runs there."""
    computer_type: Word | None = None
    networks: tuple[Word, ...] | None = None
    """None: from everywhere."""
    writable: tuple[Word, ...] = ()


class KeyLine(msgspec.Struct, frozen=True, kw_only=True):
    """A client's key."""

    kid: str
    algorithm: str
    status: str
    added: int
    last_used: int | None


class ClientLine(msgspec.Struct, frozen=True, kw_only=True):
    """A client, as lists have it. Times are milliseconds since 1970."""

    id: str
    client_ids: tuple[str, ...]
    """What it goes by on the wire: one a credential."""
    name: str | None
    kind: str
    computer_type: str | None
    site: str | None
    software: str | None
    """Id and version, a space between."""
    status: str
    stopped_by: str | None
    """`site` or `software`: it is stopped, whatever its own status."""
    created: int
    last_used: int | None
    keys: int
    """How many are active."""


class ClientPage(msgspec.Struct, frozen=True, kw_only=True):
    """Some clients."""

    clients: tuple[ClientLine, ...]
    after: int | None
    """Where the next page begins; None: there is none."""


class ListClients(Look[ClientPage], frozen=True, kw_only=True, tag="client.list"):
    """Name clients, in the order in which they came."""

    after: int = 0
    most: Annotated[int, msgspec.Meta(ge=1, le=PAGE)] = PAGE
    site: Word | None = None
    status: Status | None = None


class RegistrationShown(msgspec.Struct, frozen=True, kw_only=True):
    """How a computer came that registered itself."""

    initial_access: str | None
    """The id of the token that it came with."""
    installation_id: str | None
    scopes: tuple[str, ...]
    flags: tuple[str, ...]
    """`same_installation`, `returned`, `awaiting`."""
    activate_by: int | None
    """Until then it may prove itself for the first time; None: it has, or a person decides."""


class ClientShown(msgspec.Struct, frozen=True, kw_only=True):
    """One client, with its keys and with what it may."""

    client: ClientLine
    keys: tuple[KeyLine, ...]
    networks: tuple[str, ...] | None
    """None: from everywhere."""
    writable: tuple[str, ...] | None
    """None: everything."""
    owner: str | None
    origin: str
    legacy_until: int | None
    registration: RegistrationShown | None = None
    """None: it did not register itself."""


class ShowClient(Look[ClientShown], frozen=True, kw_only=True, tag="client.show"):
    """Show one client."""

    client: Word
    """A `client_id`, or the id of its record."""


class SuspendClient(Op[Changed], frozen=True, kw_only=True, tag="client.suspend"):
    """Stop a client until it is resumed; its tokens end for ever."""

    client: Word
    reason: Reason = "other"


class ResumeClient(Op[Changed], frozen=True, kw_only=True, tag="client.resume"):
    """Let a suspended client ask again."""

    client: Word


class RevokeClient(Op[Changed], frozen=True, kw_only=True, tag="client.revoke"):
    """Stop a client for ever."""

    client: Word
    reason: Reason = "other"


class MoveLegacyEnd(Op[Changed], frozen=True, kw_only=True, tag="client.legacy_until"):
    """Say until when a client with a secret may use the old token route."""

    client: Word
    until: Annotated[int, msgspec.Meta(ge=0, le=253_402_300_799_999)]
    """Milliseconds since 1970; what is past ends it."""


class KeyAdded(msgspec.Struct, frozen=True, kw_only=True):
    """The new key."""

    kid: str


class AddClientKey(Op[KeyAdded], frozen=True, kw_only=True, tag="client.add_key"):
    """Let another key prove a client, beside those that do."""

    client: Word
    public_key: Annotated[str, msgspec.Meta(max_length=2000)]


class RevokeClientKey(Op[Changed], frozen=True, kw_only=True, tag="client.revoke_key"):
    """End a key for ever, and every token that was given for its credential."""

    kid: Word
    reason: Reason = "other"


class RevokeToken(Op[Changed], frozen=True, kw_only=True, tag="token.revoke"):
    """End one token."""

    token: Annotated[str, msgspec.Meta(min_length=1, max_length=4096)]

    def __repr__(self) -> str:
        return "RevokeToken()"
