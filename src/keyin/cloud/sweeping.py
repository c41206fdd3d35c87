"""Takes away what has expired, beside everything else: a few rows at a time, when nobody writes.

A row ends by its own time, not by this: whoever looks at it checks that. So nothing here is
urgent, and a grant never waits for more than one unit. Under load that never pauses a unit comes
after `PATIENCE_S` all the same, or the tables would grow for ever; it shares the commit of those
who write then, and so costs little.
"""

from __future__ import annotations

from asyncio import gather
from typing import TYPE_CHECKING, Final, Protocol

import msgspec
import structlog

from keyin.domain.environment import Millis
from keyin.domain.errors import StoreUnavailable

if TYPE_CHECKING:
    from keyin.cloud.metrics import Metrics
    from keyin.domain.environment import Clock

MOST: Final = 200
"""Rows of one table in one unit."""
PATIENCE_S: Final = 0.03
SOON_S: Final = 0.02
"""Until the next units, while there is more and others write."""
REST_S: Final = 0.1
"""Until the next units, while there is more and they need a commit of their own."""
LATER_S: Final = 5.0
"""Until the next look, where nothing was left."""
GRACE_MS: Final = 60_000
"""A row stays so long after its end: a clock that was set back brings no proof back (P13)."""
_LOOK_S: Final = 0.002

_log = structlog.get_logger()


class Sweepable(Protocol):
    """A store whose rows end by themselves."""

    @property
    def expiring(self) -> tuple[str, ...]:
        """Name the kinds of rows."""
        ...

    @property
    def quiet(self) -> bool:
        """Say whether nobody is writing just now."""
        ...

    async def sweep(self, table: str, *, expired_before: Millis, most: int) -> int:
        """Delete at most so many rows that ended before then; say how many. One unit of work.

        Raises StoreUnavailable.
        """
        ...


class Sweeper(msgspec.Struct, frozen=True, kw_only=True):
    """The job; it ends when it is cancelled, and by nothing else."""

    store: Sweepable
    clock: Clock
    metrics: Metrics

    async def run(self) -> None:
        """Sweep for ever."""
        while True:
            try:
                pause = await self.once()
            except StoreUnavailable as error:
                _log.warning("sweep_failed", code=error.code)
                pause = LATER_S
            await self.clock.sleep(pause)

    async def once(self) -> float:
        """Take one unit of each kind away, in one commit; return the seconds until the next."""
        quiet = await self._quiet_moment()
        before = Millis(self.clock.now() - GRACE_MS)
        kinds = self.store.expiring
        counts = await gather(
            *[self.store.sweep(kind, expired_before=before, most=MOST) for kind in kinds]
        )
        for kind, count in zip(kinds, counts, strict=True):
            self.metrics.note("swept_rows", kind, count)
        if max(counts, default=0) < MOST:
            return LATER_S
        return REST_S if quiet else SOON_S

    async def _quiet_moment(self) -> bool:
        """Wait for one, not for long; say whether it came."""
        until = self.clock.monotonic() + PATIENCE_S
        while not self.store.quiet and self.clock.monotonic() < until:
            await self.clock.sleep(_LOOK_S)
        return self.store.quiet
