"""Makes tests/data/postgres_versions/NNNN.sql for the newest schema: run once when it lands.

    .venv/bin/python -m tests.unit.stores.make_postgres_version

A file that is there already is left alone: it is what the landed commit wrote.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

from keyin.stores.postgres import migrations, open_store
from tests import postgres
from tests.unit.stores.kept_records import fill

VERSIONS = Path(__file__).resolve().parents[2] / "data" / "postgres_versions"
_NO_DATA = ("--", "\\", "SELECT pg_catalog.set_config(")
"""How the lines begin that say which program wrote them, or are psql's own."""


async def _fill(url: str) -> None:
    await migrations.migrate(url)
    store = await open_store(url)
    await fill(store)
    await store.aclose()


def _dump(url: str) -> str:
    database = url.split("@/")[1].split("?", maxsplit=1)[0]
    folder = str(postgres.cluster().folder)
    words = [str(postgres.BIN / "pg_dump"), "-h", folder, "-U", "admin", "-d", database]
    shape = ["--no-owner", "--no-privileges", "--inserts"]
    text = subprocess.run([*words, *shape], check=True, capture_output=True, text=True).stdout
    return "".join(f"{one}\n" for one in text.splitlines() if one and not one.startswith(_NO_DATA))


def main() -> int:
    target = VERSIONS / f"{len(migrations.known()):04}.sql"
    if target.exists():
        sys.stdout.write(f"{target.name} is there already\n")
        return 1
    url = postgres.cluster().database(empty=True)
    asyncio.run(_fill(url))
    VERSIONS.mkdir(parents=True, exist_ok=True)
    target.write_text(_dump(url), encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
