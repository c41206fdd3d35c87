"""GPII keys as an administrator changes them, in SQL; each change with its event."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from keyin.stores import key_policies, rows
from keyin.stores.sqlite import audit
from keyin.stores.sqlite.part import SqlitePart
from keyin.stores.sqlite.statements import insert

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from keyin.domain.environment import Millis
    from keyin.domain.events import Event
    from keyin.domain.key_policy import KeyPolicy
    from keyin.domain.records import Digest, Key

_ADD: Final = insert("keys", rows.KEY)


class SqliteKeyRegister(SqlitePart):
    """What a method does stands with its port, oauth.admin_keys."""

    async def add_key(self, key: Key, *, event: Event) -> bool:
        """See Store."""

        def unit(connection: sqlite3.Connection) -> bool:
            added = connection.execute(_ADD, rows.key_row(key)).rowcount > 0
            return _told(connection, event, happened=added)

        return await self._changing_clients(unit)

    async def set_key_policy(
        self, digests: Sequence[Digest], policy: KeyPolicy | None, *, now: Millis, event: Event
    ) -> bool:
        """See Store."""
        text = None if policy is None else key_policies.text(policy)
        places = ", ".join("?" * len(digests))
        query = (
            "UPDATE keys SET policy = ?, epoch = epoch + 1, updated = ? "  # noqa: S608 - question marks
            f"WHERE digest IN ({places})"
        )

        def unit(connection: sqlite3.Connection) -> bool:
            changed = connection.execute(query, (text, now, *digests)).rowcount > 0
            return _told(connection, event, happened=changed)

        return await self._changing_clients(unit)


def _told(connection: sqlite3.Connection, event: Event, *, happened: bool) -> bool:
    if happened:
        audit.append(connection, event)
    return happened
