"""The tokens of the people who are keyed in: in memory, by account and proof, without their keys.

A token counts as alive while both the monotonic and the wall clock say so: neither a clock that is
set back nor a computer that slept makes one older than the cloud meant (P86).
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from keyin.domain.secret import equal

if TYPE_CHECKING:
    from keyin.domain.environment import Clock, Entropy, Millis
    from keyin.domain.secret import AccessToken, GpiiKey

RENEW_BELOW: Final = 10.0
"""Seconds: what a token must have left to be given out again; the original's number."""
_MAX_TOKENS: Final = 256


class Slot(NamedTuple):
    """Where a token is kept; tells nobody for which key it is."""

    uid: int
    digest: str
    """Salted, of the person's key."""
    jkt: str
    """Of the caller's key, which the token is bound to."""


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """A token and when it ends, by both clocks."""

    token: AccessToken
    token_type: str
    ends: float
    ends_at: Millis


class TokenCache:
    """Never written anywhere; gone with the process."""

    def __init__(self, *, clock: Clock, entropy: Entropy) -> None:
        self._clock = clock
        self._salt = entropy.token_bytes(32)
        self._kept: dict[Slot, Kept] = {}

    def slot(self, uid: int, key: GpiiKey, jkt: str) -> Slot:
        """Return where the token of this account's key is kept."""
        return Slot(uid, self._digest(key), jkt)

    def is_of(self, slot: Slot, key: GpiiKey) -> bool:
        """Tell whether this is a place for tokens of this key."""
        return equal(slot.digest, self._digest(key))

    def _digest(self, key: GpiiKey) -> str:
        text = key.reveal().encode("utf-8", "surrogatepass")
        return hmac.digest(self._salt, text, "sha256").hex()

    def seconds_left(self, kept: Kept) -> float:
        """Return the shorter of what the two clocks give it."""
        wall = (kept.ends_at - self._clock.now()) / 1000
        return min(kept.ends - self._clock.monotonic(), wall)

    def find(self, slot: Slot) -> Kept | None:
        """Return the token if it has long enough to live."""
        kept = self._kept.get(slot)
        if kept is not None and self.seconds_left(kept) >= RENEW_BELOW:
            return kept
        self._kept.pop(slot, None)
        return None

    def keep(self, slot: Slot, kept: Kept) -> None:
        """Keep a token; the one that ends first makes room."""
        self._kept.pop(slot, None)
        if len(self._kept) >= _MAX_TOKENS:
            del self._kept[min(self._kept, key=lambda other: self._kept[other].ends)]
        self._kept[slot] = kept

    def slots_of(self, uid: int) -> list[Slot]:
        """Return the slots of one account whose token lives."""
        return [slot for slot in list(self._kept) if slot.uid == uid and self.find(slot)]

    def drop(self, slot: Slot) -> Kept | None:
        """Forget a token; return it if there was one."""
        return self._kept.pop(slot, None)

    def clear(self) -> None:
        """Forget every token."""
        self._kept.clear()
