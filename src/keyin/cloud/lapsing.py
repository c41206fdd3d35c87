"""Lets lapse what nobody ends: clients that never proved themselves or were not heard of for long.

A client that is late is refused by its own time, not by this (P48); this writes it down, and makes
room. Whoever was let go comes back with the certificate that it has.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
import structlog

from keyin.domain.environment import Millis
from keyin.domain.errors import StoreUnavailable

if TYPE_CHECKING:
    from keyin.cloud.metrics import Metrics
    from keyin.domain.environment import Clock
    from keyin.oauth.enrolment_ports import Lapsing

MOST: Final = 100
SOON_S: Final = 0.5
LATER_S: Final = 30.0
LONG_S: Final = 3600.0
_DAY_MS: Final = 86_400_000
UNUSED_MS: Final = 365 * _DAY_MS
"""Of whom nobody has heard for so long, it is let go."""
UNPROVED_MS: Final = 7 * _DAY_MS
"""What never proved itself stays so long to be looked at."""
ACCESS_MS: Final = 30 * _DAY_MS
"""A token of which nothing was born stays so long after its end."""

_log = structlog.get_logger()


class Lapser(msgspec.Struct, kw_only=True):
    """The job; it ends when it is cancelled."""

    store: Lapsing
    clock: Clock
    metrics: Metrics
    _long_s: float = 0.0
    """When to look again for whom nobody has heard of for long; that is no matter of minutes."""

    async def run(self) -> None:
        """Go on for ever."""
        while True:
            try:
                pause = await self.once()
            except StoreUnavailable as error:
                _log.warning("lapsing_failed", code=error.code)
                pause = LATER_S
            await self.clock.sleep(pause)

    async def once(self) -> float:
        """Take some of each kind; return the seconds until the next."""
        now, store = self.clock.now(), self.store
        counts = {
            "unproved": await store.expire_unproved(now=now, most=MOST),
            "unused": await self._unused(now),
            "forgotten": await store.forget_unproved(before=Millis(now - UNPROVED_MS), most=MOST),
            "tokens": await store.forget_access(before=Millis(now - ACCESS_MS), most=MOST),
        }
        for kind, count in counts.items():
            self.metrics.note("lapsed", kind, count)
        return SOON_S if max(counts.values()) >= MOST else LATER_S

    async def _unused(self, now: Millis) -> int:
        if self.clock.monotonic() < self._long_s:
            return 0
        since = Millis(now - UNUSED_MS)
        count = await self.store.expire_unused(since=since, now=now, most=MOST)
        if count < MOST:
            self._long_s = self.clock.monotonic() + LONG_S
        return count
