"""What the kernel says of a process, and how to keep one on a core."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


def pin(core: int) -> list[str]:
    """Return the command prefix that keeps a process on one core."""
    return ["taskset", "--cpu-list", str(core)]


def memory_mb(pid: int) -> dict[str, float]:
    """Return RSS and USS (private memory) in MB."""
    fields = dict(_smaps_rollup(pid))
    private = fields["Private_Clean"] + fields["Private_Dirty"]
    return {"rss_mb": round(fields["Rss"] / 1024, 1), "uss_mb": round(private / 1024, 1)}


def _smaps_rollup(pid: int) -> Iterator[tuple[str, int]]:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]:
        name, value = line.split(":")
        yield name, int(value.split()[0])
