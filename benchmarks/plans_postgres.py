"""What one request of each kind asks of PostgreSQL: statements, plans, pages; small and large.

    .venv/bin/python benchmarks/plans_postgres.py [--keys 1_000_000] [--tokens 10_000_000]

Starts a PostgreSQL of its own (Debian's package) that logs every plan (`auto_explain`), makes two
databases in it, fills one, serves both, sends each the same requests, and compares what was logged.
In the small one no whole table is read, which PostgreSQL rightly prefers where that is one page.
Prints JSON; ends with 1 where a plan differs, or where more pages are read than deeper trees cost.
Plans are alike that search the same indexes in the same order: whether PostgreSQL goes from one
to its table row by row or through a bitmap, and whether it remembers a row meanwhile, differs by a
handful of rows and changes nothing that is read.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from databases import own_cluster
from fill import fill_postgres
from fixtures import Fixture, asked, prepare
from run import SAVE, served

from keyin.cli.processes import command

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.postgres import Cluster

DEEPER = 8
"""Pages that a search in ten million rows reads more than one in a few: index and table."""
TIMES = 5
"""What is asked less often belongs to no request: it is the start, or a sweep."""
SETTINGS = (
    "session_preload_libraries=auto_explain",
    "auto_explain.log_min_duration=0",
    "auto_explain.log_analyze=on",
    "auto_explain.log_buffers=on",
    "auto_explain.log_timing=off",
    "auto_explain.log_format=json",
    "log_line_prefix=%d|",
)
ENTRY = re.compile(r"^(\w+)\|LOG:.*plan:\n((?:\t.*\n)+)", re.MULTILINE)


def main() -> None:
    """Make, fill, ask, compare."""
    options = arguments()
    cluster = own_cluster(*SETTINGS, durable=False)
    with tempfile.TemporaryDirectory(prefix="keyin-plans-") as folder:
        urls = [cluster.database() for _ in range(2)]
        cluster.sql(f"ALTER DATABASE {name_of(urls[0])} SET enable_seqscan = off")
        fixtures = [
            prepare(Path(folder) / name, database=url)
            for name, url in zip(("small", "large"), urls, strict=True)
        ]
        asyncio.run(fill_postgres(urls[1], options.keys, options.tokens, say=lambda _: None))
        looked = [looked_at(cluster, one) for one in fixtures]
    found = compared(*looked)
    print(json.dumps(found, indent=2))
    if not found or not all(in_order(one) for one in found):
        sys.exit(1)


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keys", type=int, default=1_000_000)
    parser.add_argument("--tokens", type=int, default=10_000_000)
    return parser.parse_args()


def looked_at(cluster: Cluster, fixture: Fixture) -> dict[str, Any]:
    """Serve a database, ask, and return plan and pages of each statement of the requests."""
    with served(command("cloud", "serve", *fixture.store, "--listen", "127.0.0.1:0")) as cloud:
        before = cluster.log.stat().st_size
        for _ in range(TIMES):
            token = fixture.token(cloud.url)
            asked(cloud.url, fixture.settings_request(token))
            asked(cloud.url, fixture.save_request(token, SAVE))
    with cluster.log.open("rb") as log:
        log.seek(before)
        logged = log.read().decode()
    name = name_of(str(fixture.store[1]))
    told: dict[str, Any] = {}
    for database, entry in ENTRY.findall(logged):
        if database == name:
            shown = json.loads(entry)
            statement = " ".join(shown["Query Text"].split())
            one = told.setdefault(statement, {"plan": [], "pages": 0, "times": 0})
            one["times"] += 1
            one["plan"] = list(steps(shown["Plan"]))
            one["pages"] = max(one["pages"], touched(shown["Plan"]))
    return {statement: one for statement, one in told.items() if one["times"] >= TIMES}


def name_of(url: str) -> str:
    """Return the database's name."""
    return urlsplit(url).path.strip("/")


def steps(plan: dict[str, Any]) -> Iterator[str]:
    """Name the nodes of a plan, from the top."""
    yield " ".join(
        str(plan[name]) for name in ("Node Type", "Relation Name", "Index Name") if name in plan
    )
    for inner in plan.get("Plans", ()):
        yield from steps(inner)


def searched(steps_: list[str]) -> list[str]:
    """Return a plan as far as it matters: the module's docstring says why."""
    kept = []
    for step in steps_:
        if step.startswith("Bitmap Index Scan "):
            table = kept.pop().removeprefix("Bitmap Heap Scan ")
            kept.append(f"Index Scan {table} {step.removeprefix('Bitmap Index Scan ')}")
        elif step != "Memoize":
            kept.append(step)
    return kept


def touched(plan: dict[str, Any]) -> int:
    """Return the pages that were looked at, in memory or not."""
    return int(plan["Shared Hit Blocks"]) + int(plan["Shared Read Blocks"])


def compared(small: dict[str, Any], large: dict[str, Any]) -> list[dict[str, Any]]:
    """Put the two beside each other, statement by statement."""
    return [
        {
            "statement": statement,
            "plan": one["plan"],
            "plan_of_large": large.get(statement, {}).get("plan"),
            "pages": one["pages"],
            "pages_of_large": large.get(statement, {}).get("pages"),
        }
        for statement, one in small.items()
    ]


def in_order(one: dict[str, Any]) -> bool:
    """Tell whether a statement is as quick on the large store, but for the depth of its trees."""
    searches = sum("Scan" in step for step in one["plan"])
    pages = one["pages_of_large"]
    few = pages is not None and pages <= one["pages"] + DEEPER * searches
    of_large = one["plan_of_large"]
    return of_large is not None and searched(one["plan"]) == searched(of_large) and few


if __name__ == "__main__":
    main()
