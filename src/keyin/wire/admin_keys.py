"""The administrator's ops on GPII keys. A key and a PIN in them are as secret as on any way."""

from __future__ import annotations

from typing import Annotated

import msgspec

from keyin.domain.key_policy import LONGEST_PIN, SHORTEST_PIN
from keyin.wire.admin import Changed, Look, Op, Reason, Word

KeyText = Annotated[str, msgspec.Meta(min_length=1, max_length=1024)]
Pin = Annotated[str, msgspec.Meta(min_length=SHORTEST_PIN, max_length=LONGEST_PIN)]
Machines = Annotated[int, msgspec.Meta(ge=1, le=10_000)]
Sites = tuple[Word, ...]


class KeyMade(msgspec.Struct, frozen=True, kw_only=True):
    """A new key, said once."""

    key: str
    pseudonym: str
    """What it is called in the audit log."""


class CreateKey(Op[KeyMade], frozen=True, kw_only=True, tag="key.create"):
    """Make a key that nobody can guess."""

    site: Word | None = None
    """Who gives it out; no limit."""
    pin: Pin | None = None
    sites: Sites | None = None
    """Where it opens; None: everywhere."""
    machines: Machines | None = None
    read_only: bool = False


class SetKeyPolicy(Op[Changed], frozen=True, kw_only=True, tag="key.policy"):
    """Say what a key may do; what is not said stays as it is."""

    key: KeyText
    pin: Pin | None = None
    no_pin: bool = False
    sites: Sites | None = None
    any_site: bool = False
    machines: Machines | None = None
    any_machines: bool = False
    read_only: bool | None = None


class KeyShown(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a key; never the key."""

    pseudonym: str
    status: str
    low_entropy: bool
    has_preferences: bool
    pin: bool
    sites: Sites | None
    machines: int | None
    read_only: bool
    site: str | None
    origin: str
    created: int
    revoked: int | None
    revoked_reason: str | None


class ShowKey(Look[KeyShown], frozen=True, kw_only=True, tag="key.show"):
    """Look at a key."""

    key: KeyText


class RevokeKey(Op[Changed], frozen=True, kw_only=True, tag="key.revoke"):
    """End a key for ever, and every token for it."""

    key: KeyText
    reason: Reason = "other"
