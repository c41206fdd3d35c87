"""What one request of each kind asks of SQLite: each statement, its query plan, the pages it reads.

    .venv/bin/python benchmarks/plans.py [--keys 1_000_000] [--tokens 10_000_000]

Makes two stores, fills one, runs the cloud in this process on each, notes the statements of one
legacy grant, one settings GET and one PUT, and looks at each statement anew with an empty cache.
Prints JSON; ends with 1 where a plan differs, or where more pages are read than deeper trees cost.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import shutil
import sqlite3
import sys
import tempfile
import time
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from fill import fill_sqlite
from fixtures import prepare

from keyin.cloud.access_log import AccessLog
from keyin.cloud.config import CloudConfig
from keyin.cloud.wiring import build
from keyin.stores.opening import STORE, open_data

if TYPE_CHECKING:
    from collections.abc import Callable

PAGE = 4096
DEEPER = 8
"""Pages that a search in ten million rows reads more than one in a few: index and table, each with
up to four levels more."""
VALUE = re.compile(r"X'[0-9A-F]*'|'(?:[^']|'')*'|\b\d+\b|NULL")
PUT = (
    '{"contexts":{"gpii-default":{"preferences":{"http://registry.gpii.net/common/fontSize":%s}}}}'
)
DEVICE = '{"OS":{"id":"linux"},"solutions":[]}'


class Quiet:
    """A log that nobody reads."""

    def write(self, _text: str) -> None:
        """Say nothing."""

    def flush(self) -> None:
        """Say nothing."""


class Caller:
    """Asks an ASGI application without a server between."""

    def __init__(self, app: Callable[..., Any]) -> None:
        self.app = app

    async def ask(
        self, method: str, path: str, headers: dict[str, str], body: str = ""
    ) -> dict[str, Any]:
        """Return the JSON of a success."""
        told: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body.encode(), "more_body": False}

        async def send(message: dict[str, Any]) -> None:
            told.append(message)

        named = {"host": "127.0.0.1", "content-length": str(len(body)), **headers}
        scope = {"type": "http", "method": method, "raw_path": path.encode(), "query_string": b""}
        scope["headers"] = [(name.encode(), value.encode()) for name, value in named.items()]
        scope["client"] = ("127.0.0.1", 1)
        await self.app(scope, receive, send)
        if told[0]["status"] != 200:  # noqa: PLR2004 - HTTP's
            raise RuntimeError(told)
        answer: dict[str, Any] = json.loads(told[1]["body"])
        return answer


async def requests(caller: Caller, client: tuple[str, str], person: str) -> None:
    """Make one request of each kind."""
    form = {"grant_type": "password", "client_id": client[0], "client_secret": client[1]}
    form |= {"username": person, "password": "dummy"}
    typed = {"content-type": "application/x-www-form-urlencoded"}
    granted = await caller.ask("POST", "/access_token", typed, urlencode(form))
    bearer = {"authorization": f"Bearer {granted['access_token']}"}
    where = quote(person, safe="")
    await caller.ask("GET", f"/{where}/settings/{quote(DEVICE, safe='')}", bearer)
    document = PUT % (8 + int(time.time()) % 90)
    as_json = {**bearer, "content-type": "application/json"}
    await caller.ask("PUT", f"/{where}/settings", as_json, document)


async def statements(data: Path, client: tuple[str, str], person: str) -> list[str]:
    """Return each statement once, with the values that it was run with."""
    opened = open_data(data, None, exclusive=True)
    found: dict[str, str] = {}

    def note(statement: str) -> None:
        if statement.startswith(("SELECT", "INSERT", "UPDATE", "DELETE", "\nSELECT")):
            found.setdefault(VALUE.sub("?", statement), statement)

    try:
        store, secrets = opened.store, opened.secrets
        cloud = await build(
            CloudConfig(data=str(data)), store=store, secrets=secrets, access_log=AccessLog(Quiet())
        )
        for connection in (store._reading, store._writer._connection):  # noqa: SLF001 - to listen in
            connection.set_trace_callback(note)
        await requests(Caller(cloud.app), client, person)
        for connection in (store._reading, store._writer._connection):  # noqa: SLF001 - as above
            connection.set_trace_callback(None)
    finally:
        opened.close()
    return list(found.values())


def plan(store: sqlite3.Connection, statement: str) -> list[str]:
    """Return the steps of the query plan."""
    return [row[3] for row in store.execute(f"EXPLAIN QUERY PLAN {statement}")]


def bytes_read() -> int:
    """Return how much this process has read by system calls."""
    counted = dict(line.split(": ") for line in Path("/proc/self/io").read_text().splitlines())
    return int(counted["rchar"])


def pages(path: Path, statement: str) -> int | None:
    """Return the pages that a lookup reads with nothing in memory; None of a change."""
    if not statement.lstrip().startswith("SELECT"):
        return None
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as store:
        store.execute("PRAGMA mmap_size=0")
        store.execute("SELECT count(*) FROM sqlite_master").fetchall()
        store.execute("PRAGMA shrink_memory")
        before = bytes_read()
        own = bytes_read() - before
        before = bytes_read()
        store.execute(statement).fetchall()
        return round((bytes_read() - before - own) / PAGE)


def looked_at(data: Path, client: tuple[str, str], person: str) -> dict[str, Any]:
    """Return plan and pages of every statement, its values taken out."""
    found = asyncio.run(statements(data, client, person))
    path = data / STORE
    with closing(sqlite3.connect(path)) as store:
        store.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        told = {}
        for statement in found:
            with suppress(sqlite3.OperationalError):
                name = " ".join(VALUE.sub("?", statement).split())
                told[name] = {"plan": plan(store, statement), "pages": pages(path, statement)}
    return told


def compared(small: dict[str, Any], large: dict[str, Any]) -> list[dict[str, Any]]:
    """Put the two beside each other, statement by statement."""
    return [
        {
            "statement": name,
            "plan": one["plan"],
            "same_plan": large.get(name, {}).get("plan") == one["plan"],
            "pages": one["pages"],
            "pages_of_large": large.get(name, {}).get("pages"),
            "searches": sum(step.startswith("SEARCH") for step in one["plan"]),
        }
        for name, one in small.items()
    ]


def in_order(one: dict[str, Any]) -> bool:
    """Tell whether a statement is as quick on the large store, but for the depth of its trees."""
    few = one["pages"] is None or one["pages_of_large"] <= one["pages"] + DEEPER * one["searches"]
    return one["same_plan"] and few


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keys", type=int, default=1_000_000)
    parser.add_argument("--tokens", type=int, default=10_000_000)
    return parser.parse_args()


def main() -> None:
    """Make, fill, look, compare."""
    options = arguments()
    with tempfile.TemporaryDirectory(prefix="keyin-plans-") as folder:
        fixture = prepare(Path(folder))
        large = shutil.copytree(fixture.data, Path(folder) / "large")
        fill_sqlite(large / STORE, options.keys, options.tokens, say=lambda _: None)
        client = (fixture.client_id, fixture.client_secret)
        looked = [looked_at(data, client, fixture.person) for data in (fixture.data, large)]
    found = compared(*looked)
    print(json.dumps(found, indent=2))
    if not found or not all(in_order(one) for one in found):
        sys.exit(1)


if __name__ == "__main__":
    main()
