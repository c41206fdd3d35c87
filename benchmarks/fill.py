"""A store as large as a country's: keys with their safes, and living tokens, loaded at once.

    .venv/bin/python benchmarks/fill.py --data DIR [--keys 1_000_000] [--tokens 10_000_000]
    .venv/bin/python benchmarks/fill.py --database postgresql://... [...]

The store must have been made by keyin. Nothing in these rows can be presented: no secret of theirs
was ever made. Tokens live for an hour from now, so that nothing sweeps them meanwhile. In SQLite
nothing is synchronised while it loads: a store that was half filled is thrown away.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sqlite3
import sys
import time
from contextlib import closing
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from keyin.stores import rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

PEPPER = "0a1b2c3d"
CLIENT, CREDENTIAL = "bench-client", "bench-credential"
LINEAGE = (None, "Main hall", None, None, "grant")
SAFE_BYTES = 600
HOUR_MS = 3_600_000
SPREAD_MS = 300_000
"""The tokens were made within so long."""
AT_ONCE = 500_000
_ODD = 2_654_435_761


def key_digest(number: int) -> str:
    """Return the digest of a key; those of neighbours lie far apart."""
    return f"{PEPPER}:{sha256(b'key %d' % number).hexdigest()}"


def safe_id(number: int) -> str:
    """Return the id of the safe of that key."""
    return f"s_{sha256(b'safe %d' % number).hexdigest()[:32]}"


def safe_rows(count: int, now: int) -> Iterator[rows.Row]:
    """Make rows of `rows.SAFE`."""
    for number in range(count):
        yield safe_id(number), "user", os.urandom(SAFE_BYTES), now, None


def key_rows(count: int, now: int) -> Iterator[rows.Row]:
    """Make rows of `rows.KEY`."""
    for number in range(count):
        names = (key_digest(number), os.urandom(80), safe_id(number), "gpii-default")
        yield (*names, *LINEAGE, "active", 0, 0, None, now, None, None, None)


def token_rows(count: int, keys: int, now: int) -> Iterator[rows.Row]:
    """Make rows of `rows.TOKEN`, in the order of their places (`stores.token_place`)."""
    columns = len(rows.TOKEN)
    for number in range(count):
        made = now - SPREAD_MS + number * SPREAD_MS // count
        place = (made & 0xFFFFFFFF) << 31 | number * _ODD & 0x7FFFFFFF
        row = (
            *(place, f"{PEPPER}:{place << 1:016x}{os.urandom(28).hex()}"),
            *(CLIENT, CREDENTIAL, key_digest(number % keys) if keys else "none", "settings"),
            *("settings:read settings:write", *LINEAGE, "active", 0, 0, 0, 0),
            *(now, now + HOUR_MS, None),
        )
        yield (*row, *[None] * (columns - len(row)))


def tables(keys: int, tokens: int, now: int) -> list[tuple[str, tuple[str, ...], Iterator]]:
    """Name what is loaded: table, columns, rows."""
    return [
        ("safes", rows.SAFE, safe_rows(keys, now)),
        ("keys", rows.KEY, key_rows(keys, now)),
        ("tokens", rows.TOKEN, token_rows(tokens, keys, now)),
    ]


def fill_sqlite(path: Path, keys: int, tokens: int, say: Callable[[str], None] = print) -> None:
    """Load a closed store."""
    with closing(sqlite3.connect(path, isolation_level=None)) as store:
        for pragma in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-1000000"):
            store.execute(f"PRAGMA {pragma}")
        for table, columns, found in tables(keys, tokens, int(time.time() * 1000)):
            places = ", ".join("?" * len(columns))
            statement = f"INSERT INTO {table} ({rows.names(columns)}) VALUES ({places})"  # noqa: S608 - ours
            began, count = time.monotonic(), 0
            store.execute("BEGIN")
            while some := list(islice(found, AT_ONCE)):
                store.executemany(statement, some)
                count += len(some)
            store.execute("COMMIT")
            say(f"{table}: {count:,} in {time.monotonic() - began:.1f} s")
        store.execute("PRAGMA journal_mode=WAL")


async def fill_postgres(
    url: str, keys: int, tokens: int, say: Callable[[str], None] = print
) -> None:
    """Load a database by COPY."""
    import asyncpg  # noqa: PLC0415 - only where it is asked for

    connection = await asyncpg.connect(url)
    try:
        for table, columns, found in tables(keys, tokens, int(time.time() * 1000)):
            began, count = time.monotonic(), 0
            while some := list(islice(found, AT_ONCE)):
                await connection.copy_records_to_table(table, records=some, columns=columns)
                count += len(some)
            await connection.execute(f"VACUUM (ANALYZE) {table}")  # as in a store that grew
            say(f"{table}: {count:,} in {time.monotonic() - began:.1f} s")
    finally:
        await connection.close()


def fill(data: Path | None, database: str | None, keys: int, tokens: int) -> None:
    """Load whichever store was named."""
    if database:
        asyncio.run(fill_postgres(database, keys, tokens))
    elif data:
        fill_sqlite(data / "keyin.sqlite3", keys, tokens)
    else:
        sys.exit("give --data or --database")


def arguments(words: Iterable[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--database")
    parser.add_argument("--keys", type=int, default=1_000_000)
    parser.add_argument("--tokens", type=int, default=10_000_000)
    return parser.parse_args(words)


if __name__ == "__main__":
    options = arguments()
    fill(options.data, options.database, options.keys, options.tokens)
