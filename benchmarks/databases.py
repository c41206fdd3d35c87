"""A PostgreSQL of the benchmark's own: Debian's package, durable, in a temporary folder."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.postgres import make

if TYPE_CHECKING:
    from tests.postgres import Cluster

SETTINGS = ("shared_buffers=1GB", "max_wal_size=4GB", "wal_compression=on")


def own_cluster(*more: str, durable: bool = True) -> Cluster:
    """Start one; it ends and goes with this process."""
    return make(durable=durable, settings=(*SETTINGS, *more))


def process_of(cluster: Cluster) -> int:
    """Return the id of its first process."""
    if cluster.process is None:
        raise RuntimeError("the database has ended")
    return cluster.process.pid
