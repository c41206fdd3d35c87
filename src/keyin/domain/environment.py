"""What a decision may not fetch itself: the time and chance. Both arrive as arguments."""

from __future__ import annotations

from typing import NewType, Protocol

Millis = NewType("Millis", int)
"""Milliseconds since 1970-01-01T00:00:00Z: the precision of the original's timestamps."""


class Clock(Protocol):
    """Time as seen by one process."""

    def now(self) -> Millis:
        """Return the wall clock's time. Ask once per operation and pass it on."""
        ...

    def monotonic(self) -> float:
        """Return seconds of a clock that never goes back; for durations only."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait. A virtual clock returns when its time has come."""
        ...


class Entropy(Protocol):
    """Chance fit for secrets."""

    def token_bytes(self, count: int) -> bytes:
        """Return `count` unpredictable bytes."""
        ...
