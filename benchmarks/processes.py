"""What the kernel says of a process, and how to keep one on a core."""

from __future__ import annotations

import os
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


def tree(root: int) -> list[int]:
    """Return a process and everything that it started and that still runs."""
    children: dict[int, list[int]] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and (fields := _stat(int(folder.name))):
            children.setdefault(int(fields[1]), []).append(int(folder.name))
    found = [root]
    for pid in found:
        found += children.get(pid, [])
    return found


def cpu_seconds(root: int) -> float:
    """Return what a process and its descendants have computed, with those that have ended."""
    ticks = sum(sum(map(int, fields[11:15])) for pid in tree(root) if (fields := _stat(pid)))
    return ticks / os.sysconf("SC_CLK_TCK")


def _stat(pid: int) -> list[str]:
    """Return the fields of /proc/PID/stat from the state on; none where it has ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return []
