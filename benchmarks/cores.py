"""Which core the server gets and which the load: the disk answers one of them sooner.

A disk with one queue interrupts one core. Where that is the load's, every flush of the server
wakes two cores, one after the other, and the load's core works for the server.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

CORES = (0, 1)
ROUNDS, FLUSHES = 5, 40
PAUSE_S = 0.0003
"""The core falls asleep before each flush, as a server with one client does."""
BLOCK = 4096
LATENCY = "/sys/devices/system/cpu/cpu{}/power/pm_qos_resume_latency_us"
"""Where the kernel is told how soon a core must be awake (Documentation/ABI, PM QoS)."""
AT_ONCE = "n/a"


def server_core() -> int:
    """Return the core on which a lone flush takes less time; measured once, in half a second."""
    return _quickest()


def load_core() -> int:
    """Return the other one."""
    return next(core for core in CORES if core != _quickest())


@contextmanager
def awake(core: int) -> Iterator[None]:
    """Keep a core from sleeping until the block ends; needs root.

    A load generator that waits sleeps, and in a virtual machine it is the server who pays for
    waking it: 12 to 16 us an answer here. A server that keeps the load busy pays nothing.
    """
    place = Path(LATENCY.format(core))
    before = place.read_text()
    place.write_text(AT_ONCE)
    try:
        yield
    finally:
        place.write_text(before)


@cache
def _quickest() -> int:
    allowed = os.sched_getaffinity(0)
    took: dict[int, list[float]] = {core: [] for core in CORES}
    try:
        with tempfile.TemporaryFile() as file:
            file.write(bytes(BLOCK))
            for _ in range(ROUNDS):
                for core in CORES:
                    os.sched_setaffinity(0, {core})
                    took[core] += [_flush(file.fileno()) for _ in range(FLUSHES)]
    finally:
        os.sched_setaffinity(0, allowed)
    return min(CORES, key=lambda core: statistics.median(took[core]))


def _flush(file: int) -> float:
    """Write over the same block, so that no size changes; return the seconds that it took."""
    time.sleep(PAUSE_S)
    began = time.perf_counter()
    os.pwrite(file, os.urandom(BLOCK), 0)
    os.fdatasync(file)
    return time.perf_counter() - began
