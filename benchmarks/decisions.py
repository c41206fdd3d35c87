"""Measures what the decision records rest on; prints one line a figure. Under a minute.

    python benchmarks/decisions.py [path of a large JSON5 registry]

Figures are of one process on one machine: read them as ratios, not as promises.
"""

from __future__ import annotations

import asyncio
import gc
import hashlib
import hmac
import json
import os
import secrets
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

import msgspec
import pyjson5
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from starlette.applications import Starlette
from starlette.requests import Request  # noqa: TC002 - Starlette reads the annotation
from starlette.responses import JSONResponse
from starlette.routing import Route

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    Scope = MutableMapping[str, object]
    App = Callable[..., Awaitable[None]]

FORM = b"grant_type=password&client_id=pilot&client_secret=0123456789&username=carla&password=dummy"


def median_of(repeats: int, job: Callable[[], int]) -> float:
    """Return the median over `repeats` of the microseconds that one of the job's units took."""
    times = []
    for _ in range(repeats):
        gc.collect()
        start = time.perf_counter()
        units = job()
        times.append((time.perf_counter() - start) / units * 1e6)
    return statistics.median(times)


def say(what: str, micros: float) -> None:
    """Print one figure."""
    print(f"{what:<58} {micros:>12,.1f} us")


def measure_sqlite() -> None:
    """Compare durable inserts alone and in batches, and a read by primary key."""
    with tempfile.TemporaryDirectory(dir=Path.home()) as folder:
        store = sqlite3.connect(Path(folder) / "t.sqlite3", isolation_level=None)
        store.execute("pragma journal_mode=wal")
        store.execute("pragma synchronous=full")
        store.execute("create table token (digest text primary key, rest blob) without rowid")

        def insert(transactions: int, rows: int) -> int:
            for _ in range(transactions):
                store.execute("begin immediate")
                for _ in range(rows):
                    store.execute(
                        "insert into token values (?, ?)", (secrets.token_hex(32), b"x" * 200)
                    )
                store.execute("commit")
            return transactions * rows

        say("sqlite: a durable insert alone", median_of(5, lambda: insert(200, 1)))
        say("sqlite: a durable insert in a batch of 50", median_of(5, lambda: insert(20, 50)))
        digests = [row[0] for row in store.execute("select digest from token limit 2000")]

        def read() -> int:
            for digest in digests:
                store.execute("select rest from token where digest = ?", (digest,)).fetchone()
            return len(digests)

        say("sqlite: a read by primary key, inline", median_of(5, read))
        store.close()


async def bare(_scope: Scope, receive: Callable[..., Awaitable[Scope]], send: App) -> None:
    """Answer a token-like request with nothing between."""
    body = (await receive())["body"]
    form = dict(parse_qsl(str(body, "ascii")))  # type: ignore[call-overload]
    answer = msgspec.json.encode({"access_token": form["username"], "expiresIn": 3600})
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": answer})


async def routed(request: Request) -> JSONResponse:
    """Answer the same through Starlette."""
    form = dict(parse_qsl((await request.body()).decode("ascii")))
    return JSONResponse({"access_token": form["username"], "expiresIn": 3600})


def measure_frameworks() -> None:
    """Compare one POST through a bare callable and through Starlette's routing."""

    async def receive() -> Scope:
        return {"type": "http.request", "body": FORM, "more_body": False}

    async def send(message: Scope) -> None:
        pass

    def loop(app: App, count: int = 3000) -> int:
        async def run() -> None:
            for _ in range(count):
                scope = {
                    "type": "http", "method": "POST", "path": "/access_token", "headers": [],
                    "query_string": b"", "root_path": "", "http_version": "1.1", "scheme": "http",
                    "server": ("127.0.0.1", 80), "client": ("127.0.0.1", 9), "asgi": {},
                }  # fmt: skip
                await app(scope, receive, send)

        asyncio.run(run())
        return count

    starlette = Starlette(routes=[Route("/access_token", routed, methods=["POST"])])
    say("one POST, bare ASGI callable (no server, no socket)", median_of(5, lambda: loop(bare)))
    say("one POST, Starlette", median_of(5, lambda: loop(starlette)))


def measure_digests() -> None:
    """Compare the hash for machine-made secrets with the hash for people's passwords."""
    pepper, secret = os.urandom(32), secrets.token_urlsafe(32).encode()

    def keyed() -> int:
        for _ in range(5000):
            hmac.new(pepper, secret, hashlib.sha256).hexdigest()
        return 5000

    def slow() -> int:
        Argon2id(salt=pepper[:16], length=32, iterations=2, lanes=1, memory_cost=19456).derive(
            secret
        )
        return 1

    box, document = AESGCM(os.urandom(32)), b"x" * 4000

    def seal() -> int:
        for _ in range(2000):
            nonce = os.urandom(12)
            box.decrypt(nonce, box.encrypt(nonce, document, b"s"), b"s")
        return 2000

    say("HMAC-SHA-256 of a 256-bit secret", median_of(5, keyed))
    say("Argon2id of the same (19 MiB, t=2)", median_of(5, slow))
    say("AES-256-GCM: seal and open 4 kB", median_of(5, seal))


def measure_json(registry: Path | None) -> None:
    """Compare the JSON codecs on a preferences document, and read a large JSON5 registry."""
    document = {
        f"http://registry.gpii.net/common/term{n}": {"a": n / 3, "b": [True, None]}
        for n in range(60)
    }
    text = json.dumps(document)

    def standard() -> int:
        for _ in range(1000):
            json.dumps(json.loads(text))
        return 1000

    def spec() -> int:
        for _ in range(1000):
            msgspec.json.encode(msgspec.json.decode(text))
        return 1000

    say(f"json: decode and encode {len(text)} bytes", median_of(5, standard))
    say("msgspec: the same", median_of(5, spec))
    if registry:
        source = registry.read_text(encoding="utf-8")

        def parse() -> int:
            pyjson5.decode(source)
            return 1

        say(f"pyjson5: {len(source)} characters of registry", median_of(3, parse))


def measure_imports() -> None:
    """Time a fresh interpreter with and without click, and the command's own start."""

    def start(code: str) -> Callable[[], int]:
        def run() -> int:
            subprocess.run([sys.executable, "-c", code], check=True)
            return 1

        return run

    say("an interpreter that does nothing", median_of(9, start("pass")))
    say("... and imports click", median_of(9, start("import click")))
    say("... and imports keyin.cli.main", median_of(9, start("import keyin.cli.main")))


def main() -> None:
    """Run them one after the other."""
    measure_imports()
    measure_sqlite()
    measure_frameworks()
    measure_digests()
    measure_json(Path(sys.argv[1]) if len(sys.argv) > 1 else None)


if __name__ == "__main__":
    main()
