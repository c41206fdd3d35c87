"""keyin against a bare ASGI callable: ratios from interleaved runs, as JSON and as a table.

    .venv/bin/python benchmarks/run.py [--seconds 2] [--rounds 5] [--json FILE]

Server and load generator each have one core of their own; keyin and the yardstick take turns
(A/B/A/B), so that a machine that drifts moves both. Durable means: every grant was fsynced.
Needs `wrk` (Debian package) and, for the person `li`, the real data beside the checkout; without
it a sample person and the package's own registry stand in, and the output says so.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.request import urlopen

from fixtures import Fixture, prepare
from keyin_once import one_key_in
from load import Burst, Request, burst
from processes import pin

from keyin.cli.processes import command, spawn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from keyin.cli.processes import Started

BARE = str(Path(__file__).parent / "bare.py")
SERVER_CORE, LOAD_CORE = 0, 1
CONNECTIONS = (1, 16, 64)
TARGETS = {"token": 0.20, "settings": 0.20}  # of the yardstick's rate


def main() -> None:
    """Run every scenario and print."""
    options = arguments()
    with tempfile.TemporaryDirectory(prefix="keyin-bench-") as folder:
        fixture = prepare(Path(folder))
        results = {
            "data": fixture.description,
            "scenarios": scenarios(fixture, options),
            "processes": one_key_in(),
        }
    text = json.dumps(results, indent=2)
    if options.json:
        options.json.write_text(text)
    print(text)
    table(results["scenarios"])


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=2, help="of each burst")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


def scenarios(fixture: Fixture, options: argparse.Namespace) -> list[dict[str, Any]]:
    """Measure every route at every number of connections."""
    cloud = command("cloud", "serve", "--data", fixture.data, "--listen", "127.0.0.1:0")
    with served(cloud) as keyin:
        settings = fixture.settings_request(fixture.token(keyin.url))
        return [
            compared(keyin.url, name, request, connections, options)
            for name, request in (("token", fixture.token_request()), ("settings", settings))
            for connections in CONNECTIONS
        ]


def compared(
    url: str, name: str, request: Request, connections: int, options: argparse.Namespace
) -> dict[str, Any]:
    """Let keyin and the yardstick take turns, and sum up."""
    size = answer_size(url, request)
    with served([sys.executable, BARE, str(size)]) as bare:
        rounds = [
            tuple(
                burst(
                    each,
                    request,
                    connections=connections,
                    seconds=options.seconds,
                    core=LOAD_CORE,
                )
                for each in (url, bare.url)
            )
            for _ in range(options.rounds)
        ]
    return summary(name, connections, size, rounds)


@contextmanager
def served(arguments: list[str]) -> Iterator[Started]:
    """Run a server on its core until the block ends."""
    server = spawn([*pin(SERVER_CORE), *arguments], stderr=subprocess.DEVNULL)
    try:
        yield server
    finally:
        server.end()


def answer_size(url: str, request: Request) -> int:
    """Return the size of keyin's answer in bytes, so that the yardstick sends as many."""
    from urllib.request import Request as HttpRequest  # noqa: PLC0415 - a name clash

    asked = HttpRequest(  # noqa: S310 - our own loopback server
        url + request.path,
        data=request.body.encode() or None,
        headers=dict(request.headers),
        method=request.method,
    )
    with urlopen(asked, timeout=10) as answer:  # noqa: S310 - our own loopback server
        return len(answer.read())


def summary(
    name: str, connections: int, size: int, rounds: list[tuple[Burst, ...]]
) -> dict[str, Any]:
    """Return medians and spreads; the ratio is taken round by round."""
    ratios = [keyin.rate / bare.rate for keyin, bare in rounds]
    return {
        "scenario": name,
        "connections": connections,
        "answer_bytes": size,
        "ratio": spread(ratios),
        "target": TARGETS[name],
        "met": statistics.median(ratios) >= TARGETS[name],
        "keyin": {
            "rate": spread([keyin.rate for keyin, _ in rounds]),
            "p50_ms": spread([keyin.p50_ms for keyin, _ in rounds]),
            "p99_ms": spread([keyin.p99_ms for keyin, _ in rounds]),
        },
        "bare": {
            "rate": spread([bare.rate for _, bare in rounds]),
            "p50_ms": spread([bare.p50_ms for _, bare in rounds]),
        },
    }


def spread(values: list[float]) -> dict[str, float]:
    """Return minimum, median and maximum."""
    return {
        "min": round(min(values), 3),
        "median": round(statistics.median(values), 3),
        "max": round(max(values), 3),
    }


def table(scenarios: list[dict[str, Any]]) -> None:
    """Print the ratios for people."""
    columns = ("conn", 5), ("bytes", 7), ("keyin/s", 10), ("bare/s", 10), ("ratio", 8)
    print(f"\n{'scenario':<10}", *(f"{name:>{width}}" for name, width in columns), sep="")
    for row in scenarios:
        ratio = row["ratio"]
        print(
            f"{row['scenario']:<10}{row['connections']:>5}{row['answer_bytes']:>7}"
            f"{row['keyin']['rate']['median']:>10.0f}{row['bare']['rate']['median']:>10.0f}"
            f"{ratio['median']:>8.2f}  {ratio['min']:.2f}-{ratio['max']:.2f}"
            f"  {'met' if row['met'] else 'MISSED'} (target {row['target']:.2f})"
        )


if __name__ == "__main__":
    main()
