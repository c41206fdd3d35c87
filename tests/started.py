"""Starts the real processes of keyin for a test, waits until they are ready, and ends them.

    with started("cloud", "serve", "--data", data, "--listen", "127.0.0.1:0") as cloud:
        httpx.get(cloud.url + "/health")
    assert canary not in cloud.output

The same starter that the demonstration uses, under the name that tests look for. A data folder
that `tests.postgres.shared` has made has its store in PostgreSQL: whatever is started on it is told
so here, so that a test of a store in SQLite is one of both.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Final

from keyin.cli import processes
from keyin.cli.processes import Started

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Mapping
    from contextlib import AbstractContextManager

__all__ = ["Started", "run", "started"]
ELSEWHERE: Final = "store-elsewhere.json"
"""In a data folder: the database that is its store, and how many workers serve it."""


def run(
    *arguments: object,
    environment: Mapping[str, str] | None = None,
    stdin: str = "",
    timeout: float = 60,
) -> subprocess.CompletedProcess[str]:
    """Run `keyin ARGUMENTS` to its end."""
    return processes.run(
        *_with_store(arguments), environment=environment, stdin=stdin, timeout=timeout
    )


def started(
    *arguments: object,
    listeners: int = 1,
    environment: Mapping[str, str] | None = None,
    user: str | int | None = None,
) -> AbstractContextManager[Started]:
    """Run `keyin ARGUMENTS` until the block ends; it is ready when the block begins."""
    return processes.started(
        *_with_store(arguments), listeners=listeners, environment=environment, user=user
    )


def _with_store(arguments: tuple[object, ...]) -> tuple[object, ...]:
    if "--data" not in arguments:
        return arguments
    note = Path(str(arguments[arguments.index("--data") + 1])) / ELSEWHERE
    if not note.is_file():
        return arguments
    there = json.loads(note.read_text())
    more: tuple[str, ...] = ("--database", there["url"])
    if arguments[:2] == ("cloud", "serve") and "--workers" not in arguments:
        more += ("--workers", str(there["workers"]))
    return (*arguments, *more)
