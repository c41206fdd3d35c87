"""How often an account may ask: a bucket of tokens each, refilled at a steady rate (P65)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from keyin.domain.environment import Clock

_MAX_BUCKETS: Final = 1024


class _Bucket(msgspec.Struct):
    left: float
    since: float


class RateLimit:
    """`burst` at once, `per_minute` in the long run, for each uid."""

    def __init__(self, *, per_minute: int, burst: int, clock: Clock) -> None:
        self._per_second = per_minute / 60
        self._burst = burst
        self._clock = clock
        self._buckets: dict[int, _Bucket] = {}

    def take(self, uid: int) -> int:
        """Return 0 if this account may ask now, else the whole seconds to wait."""
        now = self._clock.monotonic()
        bucket = self._buckets.get(uid)
        if bucket is None:
            self._make_room(now)
            bucket = self._buckets[uid] = _Bucket(self._burst, now)
        bucket.left = min(self._burst, bucket.left + (now - bucket.since) * self._per_second)
        bucket.since = now
        if bucket.left < 1:
            return max(1, math.ceil((1 - bucket.left) / self._per_second))
        bucket.left -= 1
        return 0

    def _make_room(self, now: float) -> None:
        """Drop the buckets that are full again: they say what a new one would."""
        if len(self._buckets) < _MAX_BUCKETS:
            return
        refill = self._burst / self._per_second
        for uid in [uid for uid, one in self._buckets.items() if now - one.since > refill]:
            del self._buckets[uid]
