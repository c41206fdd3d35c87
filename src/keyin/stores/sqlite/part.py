"""What each part of the SQLite store stands on: one connection to look up, one writer."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3

    from keyin.stores.sqlite.writer import Writer


class SqlitePart:
    """A part implements a few ports; `SqliteStore` is all of the parts together."""

    def __init__(self, reading: sqlite3.Connection, writer: Writer) -> None:
        self._reading = reading
        self._writer = writer
        self._still = False

    @property
    def _lookups(self) -> sqlite3.Connection:
        """Return the connection whose pages are at hand."""
        idle = None if self._still else self._writer.idle_connection
        return idle or self._reading
