"""Notices in SQL. `add` is for units of work that tell somebody of what they do."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from keyin.domain.environment import Millis
from keyin.oauth.notice_ports import DAY_MS, MOST_NETWORKS, Due
from keyin.stores.notice_rows import NOTICE, notice, notice_row
from keyin.stores.rows import names
from keyin.stores.sqlite.connection import our_errors
from keyin.stores.sqlite.part import SqlitePart
from keyin.stores.sqlite.statements import adding

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from keyin.domain.enrolment import Notice
    from keyin.domain.records import RecordId

_NAMES: Final = names(NOTICE)
_ADD: Final = f"{adding('notices', (*NOTICE, 'next_mail'))} ON CONFLICT (id) DO NOTHING"
_OF: Final = (
    f"SELECT {_NAMES} FROM notices WHERE account_id = :account_id AND seq < "  # noqa: S608 - names of columns
    "CASE WHEN :before IS NULL THEN 9e18 ELSE "
    "coalesce((SELECT seq FROM notices WHERE id = :before AND account_id = :account_id), 0) END "
    "ORDER BY seq DESC LIMIT :most"
)
_SEE: Final = "UPDATE notices SET seen = ? WHERE account_id = ? AND id = ? AND seen IS NULL"
_DUE: Final = (
    "SELECT seq FROM notices WHERE next_mail IS NOT NULL AND next_mail <= ? "
    "ORDER BY next_mail, seq LIMIT ?"
)
_KNOWN: Final = "SELECT 1 FROM client_networks WHERE client_id = ? AND network = ? AND last >= ?"
_SEEN: Final = "UPDATE client_networks SET last = ? WHERE client_id = ? AND network = ?"
_NOTE: Final = "INSERT INTO client_networks (client_id, network, first, last) VALUES (?, ?, ?, ?)"
_FORGET: Final = (
    "DELETE FROM client_networks WHERE client_id = ? AND network IN "
    "(SELECT network FROM client_networks WHERE client_id = ? ORDER BY first, network LIMIT ?)"
)
_CLAIM: Final = "UPDATE notices SET next_mail = ?, tries = tries + 1 WHERE seq = ?"
_CLAIMED: Final = (
    f"SELECT {names(NOTICE, 'notices')}, accounts.email, "  # noqa: S608 - names of columns
    "accounts.language, notices.tries FROM notices LEFT JOIN accounts "
    "ON accounts.id = notices.account_id AND accounts.status = 'active' WHERE seq = ?"
)


class SqliteNotices(SqlitePart):
    """What a method does stands with its port in `oauth.notice_ports`."""

    async def add_notices(self, notices: Sequence[Notice]) -> None:
        """See Notices."""
        await self._writer.run(partial(add, notices=notices))

    async def notices_of(
        self, account_id: RecordId, *, most: int, before: RecordId | None = None
    ) -> Sequence[Notice]:
        """See Notices."""
        values = {"account_id": account_id, "before": before, "most": most}
        with our_errors():
            return [notice(row) for row in self._lookups.execute(_OF, values).fetchall()]

    async def see_notices(
        self, account_id: RecordId, ids: Sequence[RecordId], *, now: Millis
    ) -> int:
        """See Notices."""
        values = [(now, account_id, id_) for id_ in ids]
        return await self._writer.run(
            lambda connection: max(0, connection.executemany(_SEE, values).rowcount)
        )

    async def note_network(
        self, client_id: RecordId, network: str, *, now: Millis, told: Sequence[Notice]
    ) -> bool:
        """See ClientNetworks."""
        with our_errors():
            today = Millis(now - now % DAY_MS)
            if self._lookups.execute(_KNOWN, (client_id, network, today)).fetchone() is not None:
                return False
        unit = partial(_note_network, client_id=client_id, network=network, now=now, told=told)
        return await self._writer.run(unit)

    async def claim_mail(self, *, now: Millis, until: Millis, most: int) -> Sequence[Due]:
        """See Outbox."""
        with our_errors():
            if not self._lookups.execute(_DUE, (now, 1)).fetchall():
                return []  # no turn of the writer for nothing
        return await self._writer.run(partial(_claim, now=now, until=until, most=most))

    async def note_mailed(self, id_: RecordId, *, now: Millis) -> None:
        """See Outbox."""
        query = "UPDATE notices SET mailed = ?, next_mail = NULL WHERE id = ?"
        await self._writer.run(lambda connection: connection.execute(query, (now, id_)))

    async def mail_again(self, id_: RecordId, *, at: Millis | None) -> None:
        """See Outbox."""
        query = "UPDATE notices SET next_mail = ? WHERE id = ?"
        await self._writer.run(lambda connection: connection.execute(query, (at, id_)))


def add(connection: sqlite3.Connection, notices: Sequence[Notice]) -> None:
    """Write notices within a unit of work; they are mailed soon, where there is mail."""
    connection.executemany(_ADD, [(*notice_row(one), one.at) for one in notices])


def _note_network(
    connection: sqlite3.Connection,
    client_id: RecordId,
    network: str,
    now: Millis,
    told: Sequence[Notice],
) -> bool:
    if connection.execute(_SEEN, (now, client_id, network)).rowcount:
        return False
    query = "SELECT count(*) FROM client_networks WHERE client_id = ?"
    (before,) = connection.execute(query, (client_id,)).fetchone()
    connection.execute(_NOTE, (client_id, network, now, now))
    if not before:
        return False
    connection.execute(_FORGET, (client_id, client_id, max(0, before + 1 - MOST_NETWORKS)))
    add(connection, told)
    return True


def _claim(connection: sqlite3.Connection, now: Millis, until: Millis, most: int) -> list[Due]:
    claimed = []
    for (seq,) in connection.execute(_DUE, (now, most)).fetchall():
        connection.execute(_CLAIM, (until, seq))
        *row, email, language, tries = connection.execute(_CLAIMED, (seq,)).fetchone()
        claimed.append(Due(notice=notice(row), email=email, language=language, tries=tries))
    return claimed
