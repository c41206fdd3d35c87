"""Time that jumps: an event loop that never waits, and the clock that goes with it.

Whenever nothing can run before the next timer, the loop's time becomes that timer's. Days pass in
milliseconds, in the same order every time. What runs in threads has no place here.
"""

from __future__ import annotations

import asyncio
import selectors
from typing import TYPE_CHECKING, Any

from keyin.domain.environment import Millis

if TYPE_CHECKING:
    from collections.abc import Coroutine

BEGIN = 1_800_000_000_000  # milliseconds since 1970


class Stuck(AssertionError):  # noqa: N818 - what the schedule is
    """Everybody waits for somebody, and nothing will ever happen."""


class _Jumping(selectors.SelectSelector):
    """Lets the loop's time pass instead of waiting."""

    def __init__(self) -> None:
        super().__init__()
        self.time = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready and timeout is None:
            raise Stuck
        if not ready and timeout is not None and timeout > 0:
            self.time += timeout
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop on virtual time."""

    def __init__(self) -> None:
        self._jumping = _Jumping()
        super().__init__(self._jumping)

    def time(self) -> float:
        """Return seconds since the beginning."""
        return self._jumping.time


class VirtualClock:
    """Implements `domain.environment.Clock` on the running loop's time."""

    def now(self) -> Millis:
        return Millis(BEGIN + round(self.monotonic() * 1000))

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


def run(main: Coroutine[Any, Any, None]) -> None:
    """Run to the end on a loop of its own."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(main)
