"""What a key's holder or their administrator has said of it; the default says nothing (S12).

Without a policy a key opens at every computer that may ask at all: keying in anywhere is what the
key is for. A policy takes away and never gives.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from keyin.domain.records import UNRESTRICTED, Digest, Unrestricted

if TYPE_CHECKING:
    from keyin.domain.records import Key

WRITE: Final = "settings:write"
SHORTEST_PIN: Final = 4
LONGEST_PIN: Final = 64


class KeyPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """Each member is a limit; as it is when not given, it limits nothing."""

    pin: Digest | None = None
    """Of key and PIN together, see `pin_text`; None: no PIN is asked for."""
    sites: tuple[str, ...] | Unrestricted = UNRESTRICTED
    """The sites whose computers it opens at; an empty tuple: at none."""
    machines: int | None = None
    """At how many computers it may be open at once."""
    read_only: bool = False
    """No token for it may write."""


OPEN: Final = KeyPolicy()


def pin_text(key: str, pin: str) -> str:
    """Return what the PIN's digest is of: equal PINs of two keys have nothing in common."""
    return f"{key}\0{pin}"


def pin_needed(key: Key | None) -> Digest | None:
    """Return the digest of the key's PIN, where it has one."""
    return key.policy.pin if key is not None and key.policy is not None else None


def opens_at(policy: KeyPolicy | None, site: str | None) -> bool:
    """Tell whether the key may be used at this site; a computer without a site is at none."""
    if policy is None or isinstance(policy.sites, Unrestricted):
        return True
    return site in policy.sites


def narrowed(policy: KeyPolicy | None, scope: str) -> str:
    """Return what is left of a scope: writing goes where the key is only to be read."""
    if policy is None or not policy.read_only:
        return scope
    return " ".join(word for word in scope.split(" ") if word != WRITE)
