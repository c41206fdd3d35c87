"""A store with 10^6 keys and 10^7 tokens against one with next to nothing: p50 and p99.

    .venv/bin/python benchmarks/large.py [--keys N] [--tokens N] [--rounds 7] [--json FILE]
    .venv/bin/python benchmarks/large.py --postgres
    .venv/bin/python benchmarks/large.py --database postgresql://.../small postgresql://.../large
    .venv/bin/python benchmarks/large.py --keep FOLDER [...]

With `--keep` the stores are made there once, and used again within the hour that their tokens live.
Both clouds run the whole time and take turns; what counts is the median of the rounds' ratios. The
stores are in SQLite, or in a PostgreSQL started here, or in two databases made by `keyin cloud
migrate`. Needs `wrk`. Loading takes about two minutes.
"""

from __future__ import annotations

import argparse
import json
import pickle
import shutil
import statistics
import tempfile
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from cores import load_core
from databases import own_cluster
from figures import spread
from fill import fill
from fixtures import ISSUER, Fixture, prepare
from load import Burst, Request, burst
from run import SAVE, STOCK_A_SECOND, Make, served

from keyin.cli.processes import command

P50, P99 = 1.2, 1.5


def main() -> None:
    """Make, fill, measure, print."""
    options = arguments()
    with ExitStack() as stack:
        small, large = kept(options, stack)
        if options.only_fill:
            return
        urls = [stack.enter_context(served(serve(one))).url for one in (small, large)]
        asked = [requests(one, options.seconds) for one in (small, large)]
        told = [
            compared(name, [one[name] for one in asked], urls, options)
            for name in asked[0]
            if not options.only or name in options.only
        ]
    print(json.dumps(told, indent=2))
    if options.json:
        options.json.write_text(json.dumps(told, indent=2))
    for one in told:
        p50, p99 = one["p50"]["median"], one["p99"]["median"]
        met = "met" if p50 <= P50 and p99 <= P99 else "MISSED"
        print(f"{one['scenario']:<14} p50 {p50:.2f} (<= {P50})  p99 {p99:.2f} (<= {P99})  {met}")


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--postgres", action="store_true", help="a PostgreSQL of our own")
    parser.add_argument("--database", nargs=2, metavar=("SMALL", "LARGE"))
    parser.add_argument("--keys", type=int, default=1_000_000)
    parser.add_argument("--tokens", type=int, default=10_000_000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=int, default=2)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--only", action="append")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--keep", type=Path, help="make the stores in this folder, or use them")
    parser.add_argument("--only-fill", action="store_true", help="make the stores, measure nothing")
    options = parser.parse_args()
    if options.keep and options.postgres:
        parser.error("--keep needs --database, or SQLite: a PostgreSQL of our own ends with us")
    if options.only_fill and not (options.keep or options.database):
        parser.error("--only-fill needs --keep or --database: else what is made is gone at once")
    return options


def kept(options: argparse.Namespace, stack: ExitStack) -> tuple[Fixture, Fixture]:
    """Return both stores: those that were kept, or new ones."""
    if options.keep is None:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="keyin-large-"))
        return stores(Path(folder), options)
    made: Path = options.keep / "stores.pickle"
    if not made.exists():
        options.keep.mkdir(exist_ok=True)
        made.write_bytes(pickle.dumps(stores(options.keep, options)))
    small, large = pickle.loads(made.read_bytes())  # noqa: S301 - our own
    return small, large


def stores(folder: Path, options: argparse.Namespace) -> tuple[Fixture, Fixture]:
    """Make both stores with the same client, person and secrets, and fill the second."""
    if options.postgres:
        cluster = own_cluster()
        options.database = [cluster.database(), cluster.database()]
    if options.database:
        small, large = (
            prepare(folder / name, database=url)
            for name, url in zip(("small", "large"), options.database, strict=True)
        )
        fill(None, options.database[1], options.keys, options.tokens)
        return small, large
    small = prepare(folder)
    data = shutil.copytree(small.data, folder / "large")
    fill(data, None, options.keys, options.tokens)
    return small, replace(small, data=data, store=("--data", data))


def serve(fixture: Fixture) -> list[str]:
    """Return the command that serves a store."""
    place = ("--listen", "127.0.0.1:0", "--issuer", ISSUER, "--config", fixture.config)
    return command("cloud", "serve", *fixture.store, *place)


def requests(fixture: Fixture, seconds: int) -> dict[str, Make]:
    """Name what is asked."""

    def save(url: str) -> Request:
        return fixture.save_request(fixture.token(url), SAVE)

    return {
        "legacy grant": lambda _: fixture.token_request(),
        "exchange": lambda url: fixture.exchange(url, STOCK_A_SECOND * seconds),
        "settings": lambda url: fixture.settings_request(fixture.token(url)),
        "save": save,
    }


def compared(
    name: str, makes: list[Make], urls: list[str], options: argparse.Namespace
) -> dict[str, Any]:
    """Let the two take turns."""

    def one(side: int) -> Burst:
        load = {"connections": options.connections, "seconds": options.seconds, "core": load_core()}
        return burst(urls[side], makes[side](urls[side]), **load)

    rounds = [(one(0), one(1)) for _ in range(options.rounds)]
    return {
        "scenario": name,
        "connections": options.connections,
        "p50": spread([large.p50_ms / small.p50_ms for small, large in rounds]),
        "p99": spread([large.p99_ms / small.p99_ms for small, large in rounds]),
        "rate": spread([large.rate / small.rate for small, large in rounds]),
        "p50_ms": [
            statistics.median(one.p50_ms for one in side) for side in zip(*rounds, strict=True)
        ],
        "p99_ms": [
            statistics.median(one.p99_ms for one in side) for side in zip(*rounds, strict=True)
        ],
    }


if __name__ == "__main__":
    main()
