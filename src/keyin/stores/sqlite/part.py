"""What each part of the SQLite store stands on: one connection to look up, one writer."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from keyin.stores.sqlite.remembered import Memory

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

    from keyin.stores.sqlite.writer import Writer

Result = TypeVar("Result")


class SqlitePart:
    """A part implements a few ports; `SqliteStore` is all of the parts together."""

    def __init__(self, reading: sqlite3.Connection, writer: Writer) -> None:
        self._reading = reading
        self._writer = writer
        self._still = False
        self._memory = Memory()

    @property
    def _lookups(self) -> sqlite3.Connection:
        """Return the connection whose pages are at hand."""
        idle = None if self._still else self._writer.idle_connection
        return idle or self._reading

    async def _changing_clients(self, unit: Callable[[sqlite3.Connection], Result]) -> Result:
        """Run a unit that changes who counts as what: clients, credentials, sites, software."""
        return await self._writer.run(unit, then=self._memory.clear)

    def _forget_epoch(self) -> None:
        self._memory.epoch = None
