"""Used proofs: written down in the order in which they come, looked up in memory.

One writer has the store (ADR 5), so its memory knows them all: it reads what is there when it is
first asked, and forgets with the sweep. Where a commit fails, memory knows a proof that the disk
does not: it is refused if it comes again, which is the safe side.
"""

from __future__ import annotations

from heapq import heappop, heappush
from typing import TYPE_CHECKING, Final

from keyin.stores.sqlite.connection import our_errors
from keyin.stores.sqlite.part import SqlitePart

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from keyin.domain.environment import Millis
    from keyin.domain.events import Event
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
        self._last = 0
        self._is_read = False

    def note(
        self, connection: sqlite3.Connection, uses: Sequence[ProofUse]
    ) -> tuple[list[Row], ProofUse | None]:
        """Note each; return the rows of those that are new, and the first that came before."""
        self._read(connection)
        rows: list[Row] = []
        before = None
        for use in uses:
            name = _name(use.namespace, use.digest)
            if name in self._names:
                before = before or use
                continue
            self._names.add(name)
            self._last += 1
            heappush(self._ends, (use.expires, self._last, name))
            rows.append((self._last, use.namespace, use.digest, use.expires))
        return rows, before

    def has(self, connection: sqlite3.Connection, use: ProofUse) -> bool:
        """Tell whether it came; nothing is noted."""
        self._read(connection)
        return _name(use.namespace, use.digest) in self._names

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

    def _read(self, connection: sqlite3.Connection) -> None:
        """Learn what the disk knows, once."""
        if not self._is_read:
            self._is_read = True
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
        return await self.spend(uses) is None

    async def spend(
        self, uses: Sequence[ProofUse], *, event: Event | None = None
    ) -> ProofUse | None:
        """See oauth.ports.Replays."""
        proofs, before = await self._noted(uses)
        if before is None and (proofs or event is not None):
            await self._writer.tell(event, None, proofs)
        return before

    async def came_before(self, uses: Sequence[ProofUse]) -> ProofUse | None:
        """See oauth.ports.Replays."""
        with our_errors():
            return next((use for use in uses if self._seen.has(self._reading, use)), None)

    async def _noted(self, uses: Sequence[ProofUse]) -> tuple[list[Row], ProofUse | None]:
        """Note each; return the rows that are to be written with the act that they are for.

        Where one came before there is no act: it is returned, and the others are written here.
        """
        with our_errors():
            rows, before = self._seen.note(self._reading, uses)
        if before is not None and rows:
            await self._writer.tell(None, None, rows)
        return rows, before
