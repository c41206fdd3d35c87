"""What lapses, and what ends with its owner, in SQLite: see `stores.lapsing_statements`."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from keyin.stores import lapsing_statements as sql
from keyin.stores.sqlite import audit
from keyin.stores.sqlite.connection import our_errors
from keyin.stores.sqlite.part import SqlitePart

if TYPE_CHECKING:
    import sqlite3

    from keyin.domain.environment import Millis
    from keyin.oauth.enrolment_ports import Ending


class SqliteLapsing(SqlitePart):
    """What a method does stands with its port, oauth.enrolment_ports."""

    async def expire_unproved(self, *, now: Millis, most: int) -> int:
        """See Lapsing."""
        if not self._any(sql.UNPROVED, now):
            return 0
        unit = partial(_expire, query=sql.UNPROVED, before=now, now=now, most=most, why="unproved")
        return await self._changing_clients(unit)

    async def expire_unused(self, *, since: Millis, now: Millis, most: int) -> int:
        """See Lapsing."""
        if not self._any(sql.UNUSED, since):
            return 0
        unit = partial(_expire, query=sql.UNUSED, before=since, now=now, most=most, why="unused")
        return await self._changing_clients(unit)

    async def forget_unproved(self, *, before: Millis, most: int) -> int:
        """See Lapsing."""
        if not self._any(sql.OVER, before):
            return 0
        return await self._changing_clients(partial(_forget, before=before, most=most))

    async def forget_access(self, *, before: Millis, most: int) -> int:
        """See Lapsing."""
        if not self._any(sql.OLD_ACCESS, before):
            return 0
        return await self._writer.run(
            lambda connection: connection.execute(sql.FORGET_ACCESS, (before, most)).rowcount
        )

    async def end_owned(self, owner: str, ending: Ending) -> int | None:
        """See Owners."""
        return await self._changing_clients(partial(_end_owned, owner=owner, ending=ending))

    def _any(self, query: str, before: Millis) -> bool:
        """Look before anything is written: mostly there is nothing."""
        with our_errors():
            return self._lookups.execute(query, (before, 1)).fetchone() is not None


def _expire(
    connection: sqlite3.Connection, query: str, before: Millis, now: Millis, most: int, why: str
) -> int:
    found = set(connection.execute(query, (before, most)).fetchall())
    for client_id, site in sorted(found, key=str):
        connection.execute(sql.EXPIRE, (client_id, now))
        audit.append(connection, sql.expired(client_id, site, now, why))
    return len(found)


def _forget(connection: sqlite3.Connection, before: Millis, most: int) -> int:
    found = connection.execute(sql.OVER, (before, most)).fetchall()
    for statement in sql.FORGET:
        connection.executemany(statement, found)
    return len(found)


def _end_owned(connection: sqlite3.Connection, owner: str, ending: Ending) -> int | None:
    tokens = connection.execute(sql.END_TOKENS, (owner, ending.reason)).rowcount
    clients = connection.execute(sql.END_CLIENTS, (owner, ending.now)).rowcount
    if not tokens and not clients:
        return None
    audit.append(connection, ending.event)
    return clients
