"""A store that was put back from a backup, in SQL: rows of the log, the mark of a begun restore."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from keyin.stores import half_way
from keyin.stores.half_way import HALF_WAY, MARK
from keyin.stores.sqlite import audit, reader, writes
from keyin.stores.sqlite.connection import our_errors
from keyin.stores.sqlite.part import SqlitePart

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping, Sequence

    from keyin.domain.events import Event
    from keyin.wire.audit_chain import Row


class SqliteRestoring(SqlitePart):
    """What a method does stands with its port, cloud.restoring.Restorable."""

    async def restoring_from(self) -> Mapping[str, int] | None:
        """See Restorable."""
        with our_errors():
            text = reader.meta(self._reading, MARK)
        return None if text is None else half_way.read_mark(text)

    async def begin_restoring(self, heads: Mapping[str, int]) -> None:
        """See Restorable."""
        value = half_way.mark_text(heads)
        await self._writer.run(partial(writes.put_meta, name=MARK, value=value))

    async def continue_chain(self, rows: Sequence[Row]) -> bool:
        """See Restorable."""
        return await self._writer.run(partial(audit.continue_chain, rows_=rows))

    async def end_restoring(self, *, event: Event) -> int:
        """See Restorable."""
        return await self._writer.run(partial(_end, event=event), then=self._forget_epoch)


def _end(connection: sqlite3.Connection, event: Event) -> int:
    for table in HALF_WAY:
        connection.execute(f"DELETE FROM {table}")  # noqa: S608 - names of ours
    connection.execute("DELETE FROM meta WHERE name = ?", (MARK,))
    return writes.bump_store_epoch(connection, event)
