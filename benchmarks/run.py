"""keyin against a bare ASGI callable: ratios from interleaved runs, as JSON and as a table.

    .venv/bin/python benchmarks/run.py [--seconds 2] [--rounds 5] [--json FILE] [--postgres]
        [--load-awake]

Server and load generator each have one core of their own, the server that to which the disk
answers (`cores.py`); keyin and the yardstick take turns (A/B/A/B), so that a machine that drifts
moves both. Durable means: every grant was fsynced. Needs `wrk` (Debian package) and, for the person
`li`, the real data beside the checkout; without it a sample person and the package's own registry
stand in, and the output says so.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cores import awake, load_core, server_core
from databases import own_cluster
from figures import spread
from fixtures import ISSUER, REGISTRIES, Fixture, asked, prepare
from keyin_once import one_key_in, told
from load import Burst, Request, burst
from processes import pin

from keyin.cli.processes import command, spawn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from keyin.cli.processes import Started

SAVE = (
    '{"contexts":{"gpii-default":{"preferences":{"http://registry.gpii.net/common/fontSize":24}}}}'
)
BARE = str(Path(__file__).parent / "bare.py")
CONNECTIONS = (1, 16, 64)
STOCK_A_SECOND = 9000
"""Signed requests made for each second of a burst: more than are served."""

Make = Callable[[str], Request]
"""Makes what a burst sends to this address."""


@dataclass(frozen=True)
class Scenario:
    """What is compared with the yardstick, or a refusal with the grant that it is instead of."""

    make: Make
    target: float
    """Of the yardstick's rate, or of the grant's."""
    grant: Make | None = None


def chosen(fixture: Fixture, seconds: int) -> dict[str, Scenario]:
    """Name every scenario."""
    stock = STOCK_A_SECOND * seconds

    def exchange(url: str) -> Request:
        return fixture.exchange(url, stock)

    def legacy(_url: str) -> Request:
        return fixture.token_request()

    def windows(url: str) -> Request:
        return fixture.windows_request(fixture.token(url))

    return {
        "exchange": Scenario(exchange, 0.15),
        "legacy grant": Scenario(legacy, 0.30),
        "introspection": Scenario(fixture.introspection, 0.35),
        "settings": Scenario(lambda url: fixture.settings_request(fixture.token(url)), 0.35),
        **({"windows": Scenario(windows, 0.30)} if REGISTRIES.is_dir() else {}),
        "save": Scenario(lambda url: fixture.save_request(fixture.token(url), SAVE), 0.10),
        "wrong secret": Scenario(lambda _: fixture.token_request("wrong"), 1.5, legacy),
        "unknown key": Scenario(lambda url: fixture.exchange(url, stock, "x"), 1.5, exchange),
    }


def main() -> None:
    """Run every scenario and print."""
    options = arguments()
    with tempfile.TemporaryDirectory(prefix="keyin-bench-") as folder:
        database = own_cluster().database() if options.postgres else options.database
        fixture = prepare(Path(folder) / "store", database=database)
        results: dict[str, Any] = {
            "data": fixture.description,
            "cores": {
                "server": server_core(),
                "load": load_core(),
                "load_awake": options.load_awake,
            },
        }
        with awake(load_core()) if options.load_awake else nullcontext():
            results["scenarios"] = scenarios(fixture, options)
        if not options.only:
            results["processes"] = one_key_in()
    text = json.dumps(results, indent=2)
    if options.json:
        options.json.write_text(text)
    print(text)
    table(results["scenarios"])
    if "processes" in results:
        print(*told(results["processes"]), sep="\n")


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=2, help="of each burst")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", action="append", help="a scenario's name; all if not given")
    parser.add_argument("--connections", type=int, action="append")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--database", default="", help="a PostgreSQL store that was migrated")
    parser.add_argument("--load-awake", action="store_true", help="the load's core never sleeps")
    parser.add_argument("--postgres", action="store_true", help="a PostgreSQL of our own")
    return parser.parse_args()


def scenarios(fixture: Fixture, options: argparse.Namespace) -> list[dict[str, Any]]:
    """Measure every route at every number of connections."""
    place = ("--listen", "127.0.0.1:0", "--issuer", ISSUER, "--config", fixture.config)
    with served(command("cloud", "serve", *fixture.store, *place)) as keyin:
        return [
            compared(keyin.url, name, scenario, connections, options)
            for name, scenario in chosen(fixture, options.seconds).items()
            if not options.only or name in options.only
            for connections in options.connections or CONNECTIONS
        ]


def compared(
    url: str, name: str, scenario: Scenario, connections: int, options: argparse.Namespace
) -> dict[str, Any]:
    """Let keyin and the yardstick take turns, and sum up."""
    size = len(json.dumps(asked(url, one_of(scenario.make(url)))[1]))

    def burst_at(place: str, make: Make, *, refused: bool | None) -> Burst:
        request = make(url)
        load = {"connections": connections, "seconds": options.seconds, "core": load_core()}
        return burst(place, request, refused=refused, **load)

    refused = scenario.grant is not None
    with served([sys.executable, BARE, str(size)]) as bare:
        rounds = [
            (
                burst_at(url, scenario.make, refused=refused),
                burst_at(url, scenario.grant, refused=False)
                if scenario.grant
                else burst_at(bare.url, scenario.make, refused=None),
            )
            for _ in range(options.rounds)
        ]
    return summary(name, connections, size, rounds, scenario.target)


def one_of(request: Request) -> Request:
    """Return one request in full."""
    if not request.stock:
        return request
    proof, body = request.stock[0]
    return replace(request, headers=(*request.headers, ("DPoP", proof)), body=body, stock=())


@contextmanager
def served(arguments: list[str]) -> Iterator[Started]:
    """Run a server on its core until the block ends."""
    server = spawn([*pin(server_core()), *arguments], stderr=subprocess.DEVNULL)
    try:
        yield server
    finally:
        server.end()


def summary(
    name: str, connections: int, size: int, rounds: list[tuple[Burst, Burst]], target: float
) -> dict[str, Any]:
    """Return medians and spreads; the ratio is taken round by round."""
    ratios = [keyin.rate / bare.rate for keyin, bare in rounds]
    return {
        "scenario": name,
        "connections": connections,
        "answer_bytes": size,
        "ratio": spread(ratios),
        "target": target,
        "met": statistics.median(ratios) >= target,
        "keyin": {
            "rate": spread([keyin.rate for keyin, _ in rounds]),
            "p50_ms": spread([keyin.p50_ms for keyin, _ in rounds]),
            "p99_ms": spread([keyin.p99_ms for keyin, _ in rounds]),
        },
        "against": {
            "rate": spread([bare.rate for _, bare in rounds]),
            "p50_ms": spread([bare.p50_ms for _, bare in rounds]),
        },
    }


def table(scenarios: list[dict[str, Any]]) -> None:
    """Print the ratios for people."""
    columns = ("conn", 5), ("bytes", 7), ("keyin/s", 10), ("against/s", 10), ("ratio", 8)
    print(f"\n{'scenario':<14}", *(f"{name:>{width}}" for name, width in columns), sep="")
    for row in scenarios:
        ratio = row["ratio"]
        print(
            f"{row['scenario']:<14}{row['connections']:>5}{row['answer_bytes']:>7}"
            f"{row['keyin']['rate']['median']:>10.0f}{row['against']['rate']['median']:>10.0f}"
            f"{ratio['median']:>8.2f}  {ratio['min']:.2f}-{ratio['max']:.2f}"
            f"  {'met' if row['met'] else 'MISSED'} (target {row['target']:.2f})"
        )


if __name__ == "__main__":
    main()
