"""Memory that all workers of a server see: whether the gate is closed, and what each has counted.

Made before they are forked. A worker writes its own part only; whoever asks for the metrics gets
the sum, as fresh as a second.
"""

from __future__ import annotations

import asyncio
import mmap
from typing import TYPE_CHECKING, Final

import msgspec

from keyin.cloud.gate import Gate
from keyin.cloud.metrics import Counts

if TYPE_CHECKING:
    from keyin.cloud.metrics import Metrics

EVERY_S: Final = 1.0
_PART: Final = 1 << 17
_LENGTH: Final = 4


class SharedMemory:
    """One part to a worker, and a byte for the gate."""

    def __init__(self, workers: int) -> None:
        self._memory = mmap.mmap(-1, _PART * (workers + 1))
        self._workers = workers
        self.gate = Gate(self._memory)

    async def keep(self, number: int, metrics: Metrics) -> None:
        """Let the others see what this worker counts, and it what they count; until cancelled."""
        metrics.others = lambda: self._of_others(number)
        while True:
            self.write(number, metrics.counts())
            await asyncio.sleep(EVERY_S)

    def write(self, number: int, counts: Counts) -> None:
        """Write a worker's counts: the length last, so that nobody reads half of them."""
        encoded = msgspec.msgpack.encode(counts)
        if len(encoded) + _LENGTH > _PART:  # the words are of closed sets: it does not come to this
            return
        start = _PART * (number + 1)
        self._memory[start : start + _LENGTH] = bytes(_LENGTH)
        self._memory[start + _LENGTH : start + _LENGTH + len(encoded)] = encoded
        self._memory[start : start + _LENGTH] = len(encoded).to_bytes(_LENGTH)

    def _of_others(self, number: int) -> list[Counts]:
        found = (self._read(one) for one in range(self._workers) if one != number)
        return [counts for counts in found if counts is not None]

    def _read(self, number: int) -> Counts | None:
        start = _PART * (number + 1)
        length = int.from_bytes(self._memory[start : start + _LENGTH])
        encoded = self._memory[start + _LENGTH : start + _LENGTH + length]
        try:
            return msgspec.msgpack.decode(encoded, type=Counts)
        except msgspec.DecodeError:  # it is being written
            return None
