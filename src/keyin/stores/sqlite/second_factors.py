"""Second factors in SQL."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from keyin.stores import account_rows
from keyin.stores.sqlite import audit
from keyin.stores.sqlite.connection import our_errors
from keyin.stores.sqlite.part import SqlitePart

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from keyin.domain.events import Event
    from keyin.domain.records import Digest, RecordId
    from keyin.oauth.second_factor_ports import SecondFactor

_FIND: Final = (
    "SELECT account_id, sealed, confirmed, last_step, created, "
    "(SELECT count(*) FROM recovery_codes WHERE account_id = ?1) "
    "FROM second_factors WHERE account_id = ?1"
)
_BEGIN: Final = (
    "INSERT INTO second_factors (account_id, sealed, confirmed, last_step, created) "
    "VALUES (?, ?, 0, ?, ?) ON CONFLICT DO UPDATE SET sealed = excluded.sealed, "
    "last_step = excluded.last_step, created = excluded.created WHERE confirmed = 0"
)
_CONFIRM: Final = (
    "UPDATE second_factors SET confirmed = 1, last_step = ? WHERE account_id = ? AND confirmed = 0"
)
_STEP: Final = "UPDATE second_factors SET last_step = ?1 WHERE account_id = ?2 AND last_step < ?1"
_RECOVER: Final = "DELETE FROM recovery_codes WHERE account_id = ? AND digest = ?"


class SqliteSecondFactors(SqlitePart):
    """What a method does stands with its port, oauth.second_factor_ports."""

    async def second_factor(self, account_id: RecordId) -> SecondFactor | None:
        """See SecondFactors."""
        with our_errors():
            row = self._lookups.execute(_FIND, (account_id,)).fetchone()
        return None if row is None else account_rows.second_factor(row)

    async def begin_second_factor(self, factor: SecondFactor) -> bool:
        """See SecondFactors."""
        row = (factor.account_id, factor.sealed, factor.last_step, factor.created)
        return await self._writer.run(partial(_changed, query=_BEGIN, row=row))

    async def confirm_second_factor(
        self, account_id: RecordId, step: int, recovery: Sequence[Digest], *, session: Digest,
        event: Event,
    ) -> bool:  # fmt: skip
        """See SecondFactors."""
        unit = partial(
            _confirm, account_id=account_id, step=step, recovery=recovery, keep=session, event=event
        )
        return await self._writer.run(unit)

    async def use_second_factor(
        self, account_id: RecordId, *, step: int | None, recovery: Sequence[Digest] = ()
    ) -> bool:
        """See SecondFactors."""
        unit = partial(_use, account_id=account_id, step=step, recovery=recovery)
        return await self._writer.run(unit)

    async def end_second_factor(self, account_id: RecordId, *, event: Event) -> bool:
        """See SecondFactors."""
        return await self._writer.run(partial(_end, account_id=account_id, event=event))


def _changed(connection: sqlite3.Connection, query: str, row: tuple[object, ...]) -> bool:
    return connection.execute(query, row).rowcount > 0


def _confirm(
    connection: sqlite3.Connection,
    account_id: RecordId,
    step: int,
    recovery: Sequence[Digest],
    keep: Digest,
    event: Event,
) -> bool:
    if not _changed(connection, _CONFIRM, (step, account_id)):
        return False
    connection.execute("DELETE FROM recovery_codes WHERE account_id = ?", (account_id,))
    connection.executemany(
        "INSERT INTO recovery_codes (account_id, digest) VALUES (?, ?)",
        [(account_id, digest) for digest in recovery],
    )
    connection.execute(
        "DELETE FROM sessions WHERE account_id = ? AND digest <> ?", (account_id, keep)
    )
    audit.append(connection, event)
    return True


def _use(
    connection: sqlite3.Connection,
    account_id: RecordId,
    step: int | None,
    recovery: Sequence[Digest],
) -> bool:
    if step is not None:
        return _changed(connection, _STEP, (step, account_id))
    return sum([_changed(connection, _RECOVER, (account_id, one)) for one in recovery]) > 0


def _end(connection: sqlite3.Connection, account_id: RecordId, event: Event) -> bool:
    ended = _changed(connection, "DELETE FROM second_factors WHERE account_id = ?", (account_id,))
    connection.execute("DELETE FROM recovery_codes WHERE account_id = ?", (account_id,))
    if ended:
        audit.append(connection, event)
    return ended
