"""Registrations with an enrolment file: durable ones a second, on one core.

    .venv/bin/python benchmarks/enrolling.py [--seconds 2] [--rounds 5] [--connections 16]

Each is a computer with a key of its own and a proof by it, signed before the burst; every one that
is answered is on the disk, which is counted there afterwards. Server and load generator each have
one core of their own. Needs `wrk` (Debian package).
"""

from __future__ import annotations

import argparse
import http.client
import json
import sqlite3
import statistics
import subprocess
import tempfile
import time
from pathlib import Path
from urllib.parse import urlsplit

from cores import load_core, server_core
from fixtures import ISSUER
from load import Burst, Request, burst
from processes import cpu_seconds, pin
from signed import Signer, packed, wrapped

from keyin.cli.processes import Started, command, spawn

PATH = "/oauth2/register"
STOCK_A_SECOND = 2500
LEAST = 300
"""Registrations a second (issue 5)."""


def main() -> None:
    """Measure and print."""
    options = arguments()
    with tempfile.TemporaryDirectory(prefix="keyin-enrolling-") as folder:
        data = Path(folder) / "store"
        serve = ("cloud", "serve", "--data", data, "--listen", "127.0.0.1:0", "--issuer", ISSUER)
        cloud = spawn([*pin(server_core()), *command(*serve)])
        try:
            rounds, costs = zip(
                *[
                    round_of(cloud, data, options.seconds, options.connections)
                    for _ in range(options.rounds)
                ],
                strict=True,
            )
        finally:
            cloud.end()
    rates = [one.rate for one in rounds]
    told = {
        "a_second": round(statistics.median(rates), 1),
        "from": round(min(rates), 1),
        "to": round(max(rates), 1),
        "p50_ms": round(statistics.median(one.p50_ms for one in rounds), 2),
        "p99_ms": round(statistics.median(one.p99_ms for one in rounds), 2),
        "cpu_ms_each": round(statistics.median(costs), 2),
        "least": LEAST,
        "met": statistics.median(rates) >= LEAST,
    }
    print(json.dumps(told, indent=2))


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--connections", type=int, default=16)
    return parser.parse_args()


def round_of(cloud: Started, data: Path, seconds: int, connections: int) -> tuple[Burst, float]:
    """Register for so many seconds with a new file; see that all of it is on the disk.

    Return what the burst showed, and the milliseconds that the cloud computed for each: those hold
    also on a machine that is busy with something else.
    """
    token = file_token(data)
    count = min(10_000, STOCK_A_SECOND * seconds)
    request = Request(
        path=PATH,
        method="POST",
        headers=(("Content-Type", "application/json"), ("Authorization", f"Bearer {token}")),
        stock=registrations(count, nonce(cloud.url)),
    )
    before, computed = registered(data), cpu_seconds(cloud.process.pid)
    shown = burst(cloud.url, request, connections=connections, seconds=seconds, core=load_core())
    computed, there = cpu_seconds(cloud.process.pid) - computed, registered(data) - before
    answered = shown.rate * seconds
    if there < answered * 0.98:
        raise RuntimeError(f"{there} on the disk of {answered:.0f} answered")
    return shown, computed * 1000 / there


def file_token(data: Path) -> str:
    """Let the administrator make a file; return the token in it."""
    place = data.parent / f"{time.monotonic_ns()}.keyin-enrolment"
    made = command("token", "create", "desks", "--file", place, "--uses", 10_000, "--data", data)
    subprocess.run(made, check=True, capture_output=True)
    token: str = json.loads(place.read_bytes())["iat"]
    return token


def registrations(count: int, nonce_: str) -> tuple[tuple[str, str], ...]:
    """Return proofs and bodies of so many computers, good for the minute to come."""
    now = int(time.time())
    shown = {"htm": "POST", "htu": ISSUER + PATH, "iat": now, "nonce": nonce_}
    made = []
    for number in range(count):
        key = Signer()
        header = wrapped(packed({"alg": "ES256", "typ": "dpop+jwt", "jwk": key.jwk}))
        wish = {
            "client_name": f"Desk {number}",
            "jwks": {"keys": [key.jwk]},
            "gpii_installation_id": key.thumbprint,
        }
        made.append((key.jws(header, shown), packed(wish).decode()))
    return tuple(made)


def nonce(url: str) -> str:
    """Ask for the nonce of this minute, with a proof that has none."""
    place = urlsplit(url)
    connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=20)
    ((proof, body),) = registrations(1, "none")
    headers = {"Content-Type": "application/json", "DPoP": proof}
    connection.request("POST", PATH, body, headers | {"Authorization": "Bearer x"})
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.headers["DPoP-Nonce"]


def registered(data: Path) -> int:
    """Count the registrations on the disk."""
    connection = sqlite3.connect(data / "keyin.sqlite3")
    found: int = connection.execute("SELECT count(*) FROM registrations").fetchone()[0]
    connection.close()
    return found


if __name__ == "__main__":
    main()
