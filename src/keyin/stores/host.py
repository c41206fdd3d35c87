"""The host's clock and its randomness: what inner rooms are given at wiring."""

from __future__ import annotations

import asyncio
import os
import time

from keyin.domain.environment import Millis


class SystemClock:
    """The operating system's time."""

    def now(self) -> Millis:
        """Return the wall clock's time."""
        return Millis(time.time_ns() // 1_000_000)

    def monotonic(self) -> float:
        """Return seconds of a clock that never goes back."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait without holding up anybody else."""
        await asyncio.sleep(seconds)


class SystemEntropy:
    """The operating system's generator (P98)."""

    def token_bytes(self, count: int) -> bytes:
        """Return `count` unpredictable bytes."""
        return os.urandom(count)
