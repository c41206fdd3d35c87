"""What key-ins cost two workers on one database, against what they cost one: seconds of CPU.

    .venv/bin/python benchmarks/workers.py [--rounds 5] [--seconds 2]

Starts a PostgreSQL of its own. Counted are the cloud's processes and the database's, over bursts of
token exchanges and of settings requests, for 10,000 of each. The two take turns. Needs `wrk`.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
from contextlib import ExitStack
from pathlib import Path

from databases import own_cluster, process_of
from fixtures import ISSUER, Fixture, prepare
from load import burst
from processes import cpu_seconds
from run import LOAD_CORE, STOCK_A_SECOND, Make, spread

from keyin.cli.processes import Started, command, spawn

KEY_INS = 10_000
MOST = 1.15


def main() -> None:
    """Measure and print."""
    options = arguments()
    with tempfile.TemporaryDirectory(prefix="keyin-workers-") as folder, ExitStack() as stack:
        cluster = own_cluster()
        fixture = prepare(Path(folder) / "store", database=cluster.database())
        clouds = []
        for workers in (1, 2):
            clouds.append(started(fixture, workers))
            stack.callback(clouds[-1].end)
        rounds = [
            [cost(fixture, cloud, process_of(cluster), options.seconds) for cloud in clouds]
            for _ in range(options.rounds)
        ]
    ratios = [two / one for one, two in rounds]
    told = {
        "one_worker_s": statistics.median(one for one, _ in rounds),
        "two_workers_s": statistics.median(two for _, two in rounds),
        "ratio": spread(ratios),
        "most": MOST,
        "met": statistics.median(ratios) <= MOST,
    }
    print(json.dumps(told, indent=2))


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=2)
    return parser.parse_args()


def started(fixture: Fixture, workers: int) -> Started:
    """Serve the store with so many workers."""
    place = ("--listen", "127.0.0.1:0", "--issuer", ISSUER, "--config", fixture.config)
    return spawn(command("cloud", "serve", *fixture.store, *place, "--workers", workers))


def cost(fixture: Fixture, cloud: Started, postgres: int, seconds: int) -> float:
    """Return the CPU seconds of so many key-ins: an exchange each, and a look at the settings."""
    asked: dict[str, Make] = {
        "exchange": lambda url: fixture.exchange(url, STOCK_A_SECOND * seconds),
        "settings": lambda url: fixture.settings_request(fixture.token(url)),
    }
    total = 0.0
    for make in asked.values():
        request = make(cloud.url)
        before = _computed(cloud, postgres)
        load = {"connections": 16, "seconds": seconds, "core": LOAD_CORE}
        shown = burst(cloud.url, request, **load)
        total += (_computed(cloud, postgres) - before) / (shown.rate * seconds)
    return total * KEY_INS


def _computed(cloud: Started, postgres: int) -> float:
    return cpu_seconds(cloud.process.pid) + cpu_seconds(postgres)


if __name__ == "__main__":
    main()
