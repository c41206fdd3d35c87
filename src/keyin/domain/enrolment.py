"""How a bare computer becomes a client: initial access tokens, registrations, notices.

An initial access token is made by a person or an administrator, is for registering and for nothing
else, and says beforehand what its clients may do (the template); no request widens it (P2). What
was born from one is known, so that it can be taken back together (P34).
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

import msgspec

from keyin.domain.environment import Millis
from keyin.domain.records import UNRESTRICTED, Status, Unrestricted

if TYPE_CHECKING:
    from keyin.domain.records import Digest, RecordId

REGISTER_SCOPE: Final = "client:register"
"""The only scope of an initial access token; no other token has it (P46)."""
ENROLMENT_CLIENT: Final = "keyin-enrol"
"""The public client that asks for an initial access token in a person's browser."""
SETTINGS_SCOPES: Final = ("settings:read", "settings:write")
AT_ONCE_MS: Final = Millis(5 * 60_000)
"""How long a token lives that a person has just approved."""
STANDING: Final = frozenset({Status.ACTIVE, Status.PENDING, Status.SUSPENDED})
"""Of clients that still are somebody's: others are over."""


class InitialAccessKind(StrEnum):
    """How a token comes to its computer."""

    BROWSER = "browser"
    DEVICE = "device"
    CODE = "code"
    """One computer; shown once, typed or pasted."""
    FILE = "file"
    """Many computers; downloaded, signed, counted."""
    BUNDLE = "bundle"
    """As a file, beside a package: always of one site."""
    CHANNEL = "channel"
    """No secret: the name of a release, which its software statements carry; it stops them."""


class Template(msgspec.Struct, frozen=True, kw_only=True):
    """What the clients of a token may do at most; an empty tuple allows nothing."""

    computer_type: str | None = None
    scopes: tuple[str, ...] = SETTINGS_SCOPES
    networks: tuple[str, ...] | Unrestricted = UNRESTRICTED
    """From where its clients may ask."""
    writable: tuple[str, ...] | Unrestricted = ()
    secret_allowed: bool = False
    """Whether a client may prove itself with a shared secret, made by the cloud."""


class Computer(msgspec.Struct, frozen=True, kw_only=True):
    """What is said of one computer: asked for by itself, approved by a person."""

    name: str | None = None
    computer_type: str | None = None
    software_id: str | None = None
    software_version: str | None = None
    installation_id: str | None = None
    publisher: str | None = None
    """Who signed what stands here of the software; None: it is the computer's own word."""


class InitialAccess(msgspec.Struct, frozen=True, kw_only=True):
    """A token that lets computers register (RFC 7591 §3)."""

    id: RecordId
    digest: Digest
    """Of the token; of a channel, of its name."""
    kind: InitialAccessKind
    owner: str | None
    """The account that answers for it; None: the administrator."""
    site: str | None
    label: str
    template: Template
    computer: Computer | None
    """What a person approved for the one computer it is for; it wins over what that says."""
    max_uses: int
    uses: int
    not_before: Millis
    expires: Millis
    networks: tuple[str, ...] | Unrestricted
    """From where it may be used."""
    software_ids: tuple[str, ...] | Unrestricted
    """Which software may be registered with it."""
    bound_jkt: str | None
    """The key that must prove its use; None: whoever has it, with the key that it registers."""
    status: Status
    revoked_reason: str | None
    created: Millis
    last_used: Millis | None

    @property
    def used_up(self) -> bool:
        """Whether it was used as often as it may be."""
        return self.uses >= self.max_uses


class Flag(StrEnum):
    """What is to be seen at a registration."""

    SAME_INSTALLATION = "same_installation"
    """Another client came from the same installed system: a copy, or one enrolled again (P49)."""
    RETURNED = "returned"
    """It came back with a certificate of an earlier registration."""
    AWAITING = "awaiting"
    """A person has to say yes before it counts."""


class Registration(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a client that registered itself."""

    client_id: RecordId
    credential_id: RecordId
    token_digest: Digest
    """Of its registration access token (RFC 7592 §3)."""
    initial_access_id: RecordId | None
    """What it was born from; None: the open profile, or a certificate alone."""
    channel_id: RecordId | None
    """The channel of its software statement."""
    installation_id: str | None
    scopes: tuple[str, ...]
    activate_by: Millis | None
    """Until when it may prove itself for the first time; None: it has, or a person decides."""
    version: int
    """Counts its changes: of two at once, one is refused."""
    flags: tuple[Flag, ...]
    created: Millis


class NoticeKind(StrEnum):
    """What an owner is told."""

    REGISTERED = "registered"
    REVOKED = "revoked"
    RETURNED = "returned"
    AWAITING = "awaiting"
    SAME_INSTALLATION = "same_installation"
    CODE_USED_TWICE = "code_used_twice"
    TOKEN_USED_TWICE = "token_used_twice"  # noqa: S105 - a word, no token
    TOKEN_MADE = "token_made"  # noqa: S105 - a word, no token
    TOKEN_USED_UP = "token_used_up"  # noqa: S105 - a word, no token
    NEW_NETWORK = "new_network"
    REPORTED = "reported"


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """Something that the owner of a computer should know."""

    id: RecordId
    account_id: RecordId
    kind: NoticeKind
    client_id: RecordId | None
    initial_access_id: RecordId | None
    at: Millis
    name: str | None = None
    """Of the computer, or the token's label, as it was then."""
    address: str | None = None
    """From where it came about."""
    seen: bool = False
    mailed: bool = False
