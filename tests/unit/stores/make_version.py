"""Makes tests/data/store_versions/NNNN.sql for the newest schema: run once when it lands.

    .venv/bin/python -m tests.unit.stores.make_version

A file that is there already is left alone: it is what the landed commit wrote.
"""

from __future__ import annotations

import asyncio
import sqlite3
import sys
import tempfile
from pathlib import Path

from keyin.stores.sqlite import migrations, open_store
from tests.unit.stores.kept_records import fill

VERSIONS = Path(__file__).resolve().parents[2] / "data" / "store_versions"

_MORE = """
INSERT INTO sites VALUES ('closed hall', 'suspended', 'compromised', 1700000000000, NULL);
INSERT INTO software VALUES ('s', '2', 'suspended', 'other', 1700000000000, 1700000000001);
"""


async def _fill(path: Path) -> None:
    store = open_store(path)
    await fill(store)
    store.close()
    connection = sqlite3.connect(path)
    connection.executescript(_MORE)
    connection.close()


def _dump(path: Path) -> str:
    connection = sqlite3.connect(path)
    pragmas = [
        f"PRAGMA {name} = {connection.execute(f'PRAGMA {name}').fetchone()[0]};"
        for name in ("application_id", "user_version")
    ]
    lines = [*pragmas, *connection.iterdump()]
    connection.close()
    return "\n".join(lines) + "\n"


def main() -> int:
    target = VERSIONS / f"{len(migrations.known()):04}.sql"
    if target.exists():
        sys.stderr.write(f"{target.name} is there already and never changes\n")
        return 1
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "store.sqlite3"
        asyncio.run(_fill(path))
        VERSIONS.mkdir(parents=True, exist_ok=True)
        target.write_text(_dump(path), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
