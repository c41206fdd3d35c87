"""Refusals of who was not authenticated: counted, so that an attacker cannot fill the disk (P90).

A row stands for a minute, a reason and a network. Knows no clock: each refusal brings its time.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

import msgspec

from keyin.domain.environment import Millis

if TYPE_CHECKING:
    from collections.abc import Iterable

MINUTE_MS: Final = 60_000
MOST_A_MINUTE: Final = 1000
"""Kinds of refusals that are told apart in one minute; what is beyond counts as `ELSEWHERE`."""
ELSEWHERE: Final = "elsewhere"


class RefusalCount(msgspec.Struct, frozen=True):
    """How often within a minute somebody of a network was refused for a reason."""

    minute: Millis
    """Its beginning."""
    reason: str
    network: str
    count: int


class RefusalCounter:
    """Counts in memory until `take`."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[int, str, str]] = Counter()

    def count(self, reason: str, network: str, now: Millis) -> None:
        """Note one refusal."""
        minute = now - now % MINUTE_MS
        name = (minute, reason, network)
        if name not in self._counts and len(self._counts) >= MOST_A_MINUTE:
            name = (minute, reason, ELSEWHERE)
        self._counts[name] += 1

    def put_back(self, counts: Iterable[RefusalCount]) -> None:
        """Add what was taken and could not be written down."""
        for one in counts:
            self._counts[one.minute, one.reason, one.network] += one.count

    def take(self) -> list[RefusalCount]:
        """Return what was counted since the last time, in order, and begin anew."""
        counts, self._counts = self._counts, Counter()
        return [
            RefusalCount(Millis(minute), reason, network, count)
            for (minute, reason, network), count in sorted(counts.items())
        ]
