"""Limits in SQL: counted in memory, written down a second later, read once at the start (ADR 25).

One process has the store (ADR 5), so what it holds is what holds. A process that is killed loses
the counts of its last second; one that ends loses nothing.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Final

from keyin.domain.environment import Millis
from keyin.domain.errors import StoreUnavailable
from keyin.stores.quota_state import Changes, QuotaState
from keyin.stores.sqlite.connection import our_errors
from keyin.stores.sqlite.part import SqlitePart

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from keyin.domain.limits import Bucket
    from keyin.domain.records import Digest, RecordId
    from keyin.stores.sqlite.writer import Writer

DELAY_S: Final = 1.0
_PUT_BUCKET: Final = (
    "INSERT INTO quota_buckets (name, full_at) VALUES (?, ?) "
    "ON CONFLICT (name) DO UPDATE SET full_at = excluded.full_at"
)
_PUT_MEMBER: Final = (
    "INSERT INTO quota_members (name, member, until) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
)
_OTHERS: Final = (
    "SELECT count(*) FROM key_places AS p JOIN clients AS c ON c.id = p.client_id "
    "WHERE p.key_digest = ? AND p.client_id <> ? AND p.until > ? AND c.status = 'active'"
)
_CLAIM: Final = (
    "INSERT INTO key_places (key_digest, client_id, until) VALUES (?, ?, ?) "
    "ON CONFLICT (key_digest, client_id) DO UPDATE SET until = max(until, excluded.until)"
)
_HOLDS: Final = "SELECT 1 FROM key_places WHERE key_digest = ? AND client_id = ? AND until > ?"


def write(connection: sqlite3.Connection, changes: Changes) -> None:
    """Write down what was counted; what says nothing any more is swept (`sweeping`)."""
    forgotten = [(name,) for name in changes.forgotten]
    connection.executemany("DELETE FROM quota_buckets WHERE name = ?", forgotten)
    connection.executemany("DELETE FROM quota_members WHERE name = ?", forgotten)
    connection.executemany(_PUT_BUCKET, list(changes.buckets.items()))
    connection.executemany(_PUT_MEMBER, changes.members)


class SqliteQuotas(SqlitePart):
    """What a method does stands with its port."""

    def __init__(self, reading: sqlite3.Connection, writer: Writer) -> None:
        super().__init__(reading, writer)
        self._quotas: QuotaState | None = None
        self._due: asyncio.AbstractEventLoop | None = None
        """The loop that is going to write; one that ended without is not waited for."""
        self._now = Millis(0)
        self._tasks: set[asyncio.Task[None]] = set()
        writer.at_end = self._write_last

    def _state(self) -> QuotaState:
        """Return the counts; at first those that were written down."""
        if self._quotas is None:
            state = QuotaState()
            with our_errors():
                state.load(
                    self._reading.execute("SELECT name, full_at FROM quota_buckets"),
                    self._reading.execute("SELECT name, member, until FROM quota_members"),
                )
            self._quotas = state
        return self._quotas

    async def wait(self, asked: Sequence[tuple[str, Bucket]], *, now: Millis) -> int:
        """See oauth.throttle_ports.Quotas."""
        return self._state().wait(asked, now)

    async def charge(self, name: str, bucket: Bucket, *, cost: int, now: Millis) -> bool:
        """See oauth.throttle_ports.Quotas."""
        emptied = self._state().charge(name, bucket, cost, now)
        self._write_soon(now)
        return emptied

    async def note(
        self, name: str, member: str, *, until: Millis, most: int, now: Millis
    ) -> int | None:
        """See oauth.throttle_ports.Quotas."""
        count = self._state().note(name, member, until, most, now)
        if count:
            self._write_soon(now)
        return count

    async def noted(self, name: str, member: str, *, now: Millis) -> bool:
        """See oauth.throttle_ports.Quotas."""
        return self._state().noted(name, member, now)

    async def forget(self, names: Sequence[str]) -> None:
        """See oauth.throttle_ports.Quotas."""
        self._state().forget(names)
        self._write_soon(self._now)

    async def claim_place(
        self, key: Digest, client: RecordId, *, most: int, until: Millis, now: Millis
    ) -> bool:
        """See oauth.throttle_ports.Places."""

        def unit(connection: sqlite3.Connection) -> bool:
            if connection.execute(_OTHERS, (key, client, now)).fetchone()[0] >= most:
                return False
            connection.execute(_CLAIM, (key, client, until))
            return True

        return await self._writer.run(unit)

    async def holds_place(self, key: Digest, client: RecordId, *, now: Millis) -> bool:
        """See oauth.throttle_ports.Places."""
        with our_errors():
            return self._lookups.execute(_HOLDS, (key, client, now)).fetchone() is not None

    async def release_place(self, key: Digest, client: RecordId) -> None:
        """See oauth.throttle_ports.Places."""
        query = "DELETE FROM key_places WHERE key_digest = ? AND client_id = ?"
        await self._writer.run(lambda connection: connection.execute(query, (key, client)))

    def _write_soon(self, now: Millis) -> None:
        """Let what is counted in a second be one unit of work, in whatever commit is next."""
        self._now = now
        loop = asyncio.get_running_loop()
        if self._due is not loop:
            self._due = loop
            loop.call_later(DELAY_S, self._begin_writing, loop)

    def _begin_writing(self, loop: asyncio.AbstractEventLoop) -> None:
        task = loop.create_task(self._write())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _write(self) -> None:
        self._due = None
        state = self._state()
        changes = state.take_changes()
        state.sweep(self._now)
        try:
            await self._writer.run(partial(write, changes=changes))
        except StoreUnavailable:
            state.put_back(changes)  # the next thing that is counted tries again

    def _write_last(self, connection: sqlite3.Connection) -> None:
        """Write what waits, before the connection ends."""
        changes = self._quotas.take_changes() if self._quotas else None
        if changes:
            write(connection, changes)
