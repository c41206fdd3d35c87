"""Used proofs: written down in the order in which they come, looked up in memory.

One writer has the store (ADR 5), so its memory knows them all: it reads what is there when it is
first asked, and forgets with the sweep. Where a commit fails, memory knows a proof that the disk
does not: it is refused if it comes again, which is the safe side.
"""

from __future__ import annotations

from functools import partial
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Final

from keyin.stores.sqlite.part import SqlitePart

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from keyin.domain.environment import Millis
    from keyin.domain.records import ProofUse
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

    def remember(self, connection: sqlite3.Connection, uses: Sequence[ProofUse]) -> bool:
        """Write down what is new; say whether all of it was."""
        last = self._read(connection)
        new = [use for use in uses if self._note(use.namespace + ":" + use.digest)]
        rows = [
            (seq, use.namespace, use.digest, use.expires)
            for seq, use in enumerate(new, start=last + 1)
        ]
        self._last = last + len(rows)
        for seq, namespace, digest, expires in rows:
            heappush(self._ends, (expires, seq, namespace + ":" + digest))
        connection.executemany(_ADD, rows)
        return len(new) == len(uses)

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

    def _read(self, connection: sqlite3.Connection) -> int:
        """Learn what the disk knows, once; return the last row's number."""
        if self._last is None:
            self._last = 0
            for seq, namespace, digest, expires in connection.execute(_ALL):
                self._names.add(namespace + ":" + digest)
                heappush(self._ends, (expires, seq, namespace + ":" + digest))
                self._last = seq
        return self._last


class SqliteReplays(SqlitePart):
    """What a method does stands with its port."""

    def __init__(self, reading: sqlite3.Connection, writer: Writer) -> None:
        super().__init__(reading, writer)
        self._seen = Seen()

    async def remember(self, uses: Sequence[ProofUse], *, now: Millis) -> bool:  # noqa: ARG002 - the port's
        """See oauth.ports.Replays."""
        return await self._writer.run(partial(self._seen.remember, uses=uses))
