"""Token buckets: how often something may happen, as one number that outlives a process.

A bucket is full at some time; every unit taken moves that time on. So its whole state is one
moment, a bucket that nobody keeps is a full one, and a restart changes nothing. Knows no store.
"""

from __future__ import annotations

import msgspec

from keyin.domain.environment import Millis

_MINUTE_MS = 60_000


class Bucket(msgspec.Struct, frozen=True, kw_only=True):
    """At most `burst` at once, and one more every `each_ms`."""

    burst: int
    each_ms: int

    @property
    def whole_ms(self) -> int:
        """Return how long an empty bucket takes to fill."""
        return self.burst * self.each_ms

    def wait(self, full_at: Millis, now: Millis) -> int:
        """Return the milliseconds until one unit is there; 0: it is.

        Of a bucket that is ahead: as long as of an empty one.
        """
        whole = self.burst * self.each_ms
        return max(0, min(full_at - now, whole) - whole + self.each_ms)

    def is_ahead(self, full_at: Millis, now: Millis) -> bool:
        """Tell whether it says more than an empty bucket can: the clock was set back since.

        Whoever finds one charges it, so that it is empty as of now and fills from here on.
        """
        return full_at - now > self.burst * self.each_ms

    def charged(self, full_at: Millis, now: Millis, cost: int = 1) -> Millis:
        """Return when the bucket is full after `cost` units more; below empty it does not go."""
        whole = self.burst * self.each_ms
        owed = max(0, min(full_at - now, whole))
        return Millis(now + min(whole, owed + cost * self.each_ms))


def bucket(burst: int, a_minute: int) -> Bucket:
    """Return a bucket of so many at once, and so many a minute."""
    return Bucket(burst=burst, each_ms=max(1, _MINUTE_MS // a_minute))
