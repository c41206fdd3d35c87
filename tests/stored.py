"""The rows of a store, changed past keyin: what no verb does, at a store on either engine."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from contextlib import closing
from itertools import count
from typing import TYPE_CHECKING

from keyin.stores.opening import STORE
from keyin.stores.postgres.connection import connect
from tests.started import ELSEWHERE

if TYPE_CHECKING:
    from pathlib import Path


def change(data: Path, statement: str, *values: object) -> None:
    """Run a statement with question marks for its values."""
    note = data / ELSEWHERE
    if note.is_file():
        asyncio.run(_change(json.loads(note.read_text())["url"], statement, *values))
        return
    with closing(sqlite3.connect(data / STORE, timeout=10)) as store, store:
        store.execute(statement, values)


async def _change(url: str, statement: str, *values: object) -> None:
    numbers = count(1)
    numbered = "".join(f"${next(numbers)}" if one == "?" else one for one in statement)
    connection = await connect(url)
    try:
        await connection.execute(numbered, *values)
    finally:
        await connection.close()
