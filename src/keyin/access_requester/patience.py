"""Trying until it is done or of no use any more: a network comes back, a clock is set."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from keyin.domain.errors import CloudUnreachable, KeyinError, Refused
from keyin.domain.identity import pause

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from collections.abc import Set as AbstractSet

    from keyin.domain.environment import Clock, Entropy


class Patience(msgspec.Struct, frozen=True, kw_only=True):
    """Time and chance to wait with."""

    clock: Clock
    entropy: Entropy

    async def until_done(
        self,
        act: Callable[[], Awaitable[None]],
        *,
        note: Callable[[KeyinError], None],
        seconds: float,
        waited_for: AbstractSet[str] = frozenset(),
    ) -> None:
        """Do it, again after each failure that may pass, which is noted. Raises the last one."""
        ends, failures = self.clock.monotonic() + seconds, 0
        while True:
            try:
                await act()
            except (Refused, CloudUnreachable) as exc:
                waits = isinstance(exc, CloudUnreachable) or exc.code in waited_for
                if not waits or self.clock.monotonic() > ends:
                    raise
                note(exc)
                await self.clock.sleep(pause(failures, self.entropy.token_bytes(1)[0]))
                failures += 1
            else:
                return
