"""The audit log of a store for tests: read as it lies, and tampered with as an attacker would."""

from __future__ import annotations

import json
import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from tests.started import run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def length(data: Path) -> int:
    with opened(data) as store:
        count: int = store.execute("SELECT count(*) FROM audit").fetchone()[0]
    return count


def events(data: Path, after: int = 0) -> list[dict[str, Any]]:
    """Return the events behind that many rows, as they lie in the table."""
    query = "SELECT event FROM audit WHERE seq > ? ORDER BY seq"
    with opened(data) as store:
        return [json.loads(row[0]) for row in store.execute(query, (after,))]


def verified(data: Path, *more: object) -> tuple[int, dict[str, Any]]:
    """Return exit code and report of `keyin cloud audit verify`."""
    done = run("cloud", "audit", "verify", "--data", data, "--json", *more)
    assert done.returncode in (0, 1), done.stderr
    return done.returncode, json.loads(done.stdout)


@contextmanager
def opened(data: Path) -> Iterator[sqlite3.Connection]:
    """Open the store as any program may that has the right to write the file."""
    connection = sqlite3.connect(data / "keyin.sqlite3", isolation_level=None)
    try:
        yield connection
    finally:
        connection.close()


@contextmanager
def tampering(data: Path) -> Iterator[sqlite3.Connection]:
    """As `opened`, past what keeps honest programs from changing the log."""
    with opened(data) as store:
        for trigger in ("audit_never_changes", "audit_never_shrinks"):
            store.execute(f"DROP TRIGGER IF EXISTS {trigger}")
        yield store
