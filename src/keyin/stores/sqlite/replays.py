"""Used proofs: written down in the order in which they come, looked up in memory.

One writer has the store (ADR 5), so its memory knows them all: it reads what is there when it is
first asked, and forgets with the sweep. Where a commit fails, memory knows a proof that the disk
does not: it is refused if it comes again, which is the safe side.
"""

from __future__ import annotations

from functools import partial
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Final

from keyin.stores.sqlite.connection import our_errors
from keyin.stores.sqlite.part import SqlitePart

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from keyin.domain.environment import Millis
    from keyin.domain.records import ProofUse
    from keyin.stores.rows import Row
    from keyin.stores.sqlite.writer import Writer

_ADD: Final = "INSERT INTO jti_seen (seq, namespace, digest, expires) VALUES (?, ?, ?, ?)"
_ALL: Final = "SELECT seq, namespace, digest, expires FROM jti_seen ORDER BY seq"
_FORGET: Final = "DELETE FROM jti_seen WHERE seq = ?"


class Seen:
    """What came, and in which order it may be forgotten."""

    def __init__(self) -> None:
        self._names: set[str] = set()
        self._ends: list[tuple[Millis, int, str]] = []
        self._last: int | None = None

    def first_times(
        self, connection: sqlite3.Connection, uses: Sequence[ProofUse]
    ) -> list[ProofUse]:
        """Note each; return those that come for the first time, which are to be written down."""
        self._read(connection)
        return [use for use in uses if self._note(_name(use.namespace, use.digest))]

    def has(self, connection: sqlite3.Connection, use: ProofUse) -> bool:
        """Tell whether it came; nothing is noted."""
        self._read(connection)
        return _name(use.namespace, use.digest) in self._names

    def rows(self, new: Sequence[ProofUse]) -> list[Row]:
        """Return the rows of what `first_times` found."""
        rows = []
        for use in new:
            self._last = (self._last or 0) + 1
            heappush(self._ends, (use.expires, self._last, _name(use.namespace, use.digest)))
            rows.append((self._last, use.namespace, use.digest, use.expires))
        return rows

    def forget(self, connection: sqlite3.Connection, before: Millis, most: int) -> int:
        """Delete what ended before then, at most so many; return how many."""
        self._read(connection)
        over: list[tuple[int]] = []
        while len(over) < most and self._ends and self._ends[0][0] < before:
            _, seq, name = heappop(self._ends)
            self._names.discard(name)
            over.append((seq,))
        connection.executemany(_FORGET, over)
        return len(over)

    def _note(self, name: str) -> bool:
        new = name not in self._names
        self._names.add(name)
        return new

    def _read(self, connection: sqlite3.Connection) -> None:
        """Learn what the disk knows, once."""
        if self._last is None:
            self._last = 0
            for seq, namespace, digest, expires in connection.execute(_ALL):
                name = _name(namespace, digest)
                self._names.add(name)
                heappush(self._ends, (expires, seq, name))
                self._last = seq


def _name(namespace: str, digest: str) -> str:
    return f"{namespace}:{digest}"


def add(connection: sqlite3.Connection, rows: Sequence[Row]) -> None:
    """Write used proofs down."""
    connection.executemany(_ADD, rows)


class SqliteReplays(SqlitePart):
    """What a method does stands with its port."""

    def __init__(self, reading: sqlite3.Connection, writer: Writer) -> None:
        super().__init__(reading, writer)
        self._seen = Seen()

    async def remember(self, uses: Sequence[ProofUse], *, now: Millis) -> bool:  # noqa: ARG002 - the port's
        """See oauth.ports.Replays."""
        new = self._first_times(uses)
        if new:
            await self._writer.run(partial(add, rows=self._seen.rows(new)))
        return len(new) == len(uses)

    async def came_before(self, uses: Sequence[ProofUse]) -> ProofUse | None:
        """See oauth.ports.Replays."""
        with our_errors():
            return next((use for use in uses if self._seen.has(self._reading, use)), None)

    async def spend(self, uses: Sequence[ProofUse]) -> list[Row] | ProofUse:
        """Note each; return the rows that are to be written with the act that they are for.

        Where one came before there is no act: the others are written, and it is returned.
        """
        new = self._first_times(uses)
        rows = self._seen.rows(new)
        before = next((use for use in uses if use not in new), None)
        if before is None:
            return rows
        if rows:
            await self._writer.run(partial(add, rows=rows))
        return before

    def _first_times(self, uses: Sequence[ProofUse]) -> list[ProofUse]:
        with our_errors():
            return self._seen.first_times(self._reading, uses)
