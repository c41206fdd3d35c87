"""What key-ins cost two workers on one database, against what they cost one: seconds of CPU.

    .venv/bin/python benchmarks/workers.py [--rounds 5] [--seconds 2]

Starts a PostgreSQL of its own. Counted are the cloud's processes and the database's, over bursts of
token exchanges and of settings requests, for 10,000 of each. They take turns. Needs `wrk`.

A second worker is started because the first has as much to do as it can: so each worker has 16
connections, alone or beside another. Shown beside that: two workers that share 16. What each does
for all requests of one turn together it then does for half as many, and so twice as often.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
from contextlib import ExitStack
from pathlib import Path

from cores import load_core
from databases import own_cluster, process_of
from figures import spread
from fixtures import ISSUER, Fixture, prepare
from load import burst
from processes import cpu_seconds
from run import STOCK_A_SECOND, Make

from keyin.cli.processes import Started, command, spawn

KEY_INS = 10_000
MOST = 1.15
A_WORKER = 16
SHAPES = (
    ("one worker", 1, A_WORKER),
    ("two workers", 2, 2 * A_WORKER),
    ("two that share", 2, A_WORKER),
)
"""Workers, and connections to all of them."""


def main() -> None:
    """Measure and print."""
    options = arguments()
    with tempfile.TemporaryDirectory(prefix="keyin-workers-") as folder, ExitStack() as stack:
        cluster = own_cluster()
        fixture = prepare(Path(folder) / "store", database=cluster.database())
        clouds = {workers: started(fixture, workers) for workers in (1, 2)}
        for cloud in clouds.values():
            stack.callback(cloud.end)
        rounds = [
            {
                name: cost(fixture, clouds[workers], process_of(cluster), connections, options)
                for name, workers, connections in SHAPES
            }
            for _ in range(options.rounds)
        ]
    medians = {name: statistics.median(one[name] for one in rounds) for name, *_ in SHAPES}
    ratios = [one["two workers"] / one["one worker"] for one in rounds]
    shared = [one["two that share"] / one["one worker"] for one in rounds]
    told = {
        "cpu_seconds": {name: round(value, 2) for name, value in medians.items()},
        "ratio": spread(ratios),
        "ratio_where_they_share": spread(shared),
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


def cost(
    fixture: Fixture, cloud: Started, postgres: int, connections: int, options: argparse.Namespace
) -> float:
    """Return the CPU seconds of so many key-ins: an exchange each, and a look at the settings."""
    seconds = options.seconds
    asked: dict[str, Make] = {
        "exchange": lambda url: fixture.exchange(url, STOCK_A_SECOND * seconds),
        "settings": lambda url: fixture.settings_request(fixture.token(url)),
    }
    total = 0.0
    for make in asked.values():
        request = make(cloud.url)
        before = _computed(cloud, postgres)
        load = {"connections": connections, "seconds": seconds, "core": load_core()}
        shown = burst(cloud.url, request, **load)
        total += (_computed(cloud, postgres) - before) / (shown.rate * seconds)
    return total * KEY_INS


def _computed(cloud: Started, postgres: int) -> float:
    return cpu_seconds(cloud.process.pid) + cpu_seconds(postgres)


if __name__ == "__main__":
    main()
