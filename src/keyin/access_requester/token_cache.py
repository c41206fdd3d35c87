"""The tokens of the people who are keyed in: in memory, by account, without their keys.

A token counts as alive while both the monotonic and the wall clock say so: neither a clock that is
set back nor a computer that slept makes one older than the cloud meant (P86).
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NewType

if TYPE_CHECKING:
    from keyin.domain.environment import Clock, Entropy, Millis
    from keyin.domain.secret import AccessToken, GpiiKey

RENEW_BELOW: Final = 10.0
"""Seconds: what a token must have left to be given out again; the original's number."""
_MAX_TOKENS: Final = 256

Slot = NewType("Slot", tuple[int, bytes])
"""An account's uid and a salted digest of a key; tells nobody which key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
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

    def slot(self, uid: int, key: GpiiKey) -> Slot:
        """Return where the token of this account's key is kept."""
        text = key.reveal().encode("utf-8", "surrogatepass")
        return Slot((uid, hmac.digest(self._salt, text, "sha256")))

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
        return [slot for slot in list(self._kept) if slot[0] == uid and self.find(slot)]

    def drop(self, slot: Slot) -> bool:
        """Forget a token; tell whether there was one."""
        return self._kept.pop(slot, None) is not None
