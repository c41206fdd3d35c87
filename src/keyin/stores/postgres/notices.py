"""Notices and their mail: `add` is for units of work that tell somebody of what they do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from keyin.oauth.notice_ports import DAY_MS, MOST_NETWORKS, Due
from keyin.stores.notice_rows import NOTICE, notice, notice_row
from keyin.stores.postgres.part import PostgresPart
from keyin.stores.postgres.statements import columns_of, insert_many
from keyin.stores.rows import names

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keyin.domain.enrolment import Notice
    from keyin.domain.environment import Millis
    from keyin.domain.records import RecordId
    from keyin.stores.postgres.transaction import Transaction

_ADDED: Final = (*NOTICE, "next_mail")
_ADD: Final = f"{insert_many('notices', _ADDED)} ON CONFLICT (id) DO NOTHING"
_OF: Final = (
    f"SELECT {names(NOTICE)} FROM notices WHERE account_id = $1 AND seq < "  # noqa: S608 - ours
    "CASE WHEN $2::text IS NULL THEN 9223372036854775807 ELSE "
    "coalesce((SELECT seq FROM notices WHERE id = $2 AND account_id = $1), 0) END "
    "ORDER BY seq DESC LIMIT $3"
)
_SEE: Final = (
    "UPDATE notices SET seen = $1 WHERE account_id = $2 AND id = any($3::text[]) AND seen IS NULL"
)
_DUE: Final = "SELECT 1 FROM notices WHERE next_mail IS NOT NULL AND next_mail <= $1 LIMIT 1"
_CLAIM: Final = f"""
WITH due AS (
  SELECT seq FROM notices WHERE next_mail IS NOT NULL AND next_mail <= $1
  ORDER BY next_mail, seq LIMIT $3 FOR UPDATE SKIP LOCKED
), claimed AS (
  UPDATE notices SET next_mail = $2, tries = tries + 1 WHERE seq IN (SELECT seq FROM due)
  RETURNING *
)
SELECT {names(NOTICE, "claimed")}, accounts.email, accounts.language, claimed.tries FROM claimed
LEFT JOIN accounts ON accounts.id = claimed.account_id AND accounts.status = 'active'
ORDER BY claimed.seq
"""  # noqa: S608 - ours


_NOTE: Final = (
    "INSERT INTO client_networks AS known (client_id, network, first, last) "
    "VALUES ($1, $2, $3, $3) ON CONFLICT (client_id, network) DO UPDATE SET last = excluded.last "
    "WHERE coalesce(known.last, 0) < $4 RETURNING xmax = 0"
)
"""Says whether it is new; nothing, where the day is known."""
_KNOWN: Final = "SELECT 1 FROM client_networks WHERE client_id = $1 AND network = $2 AND last >= $3"
_COUNT: Final = "SELECT count(*) FROM client_networks WHERE client_id = $1"
_FORGET: Final = (
    "DELETE FROM client_networks WHERE client_id = $1 AND network IN "
    "(SELECT network FROM client_networks WHERE client_id = $1 ORDER BY first, network LIMIT $2)"
)


class PostgresNotices(PostgresPart):
    """What a method does stands with its port in `oauth.notice_ports`."""

    async def add_notices(self, notices: Sequence[Notice]) -> None:
        """See Notices."""

        async def unit(transaction: Transaction) -> None:
            await add(transaction, notices)

        await self._writer.run(unit)

    async def notices_of(
        self, account_id: RecordId, *, most: int, before: RecordId | None = None
    ) -> Sequence[Notice]:
        """See Notices."""
        found = await self._lookups.fetch(_OF, account_id, before, most)
        return [notice(row) for row in found]

    async def see_notices(
        self, account_id: RecordId, ids: Sequence[RecordId], *, now: Millis
    ) -> int:
        """See Notices."""
        return await self._change(_SEE, now, account_id, list(ids))

    async def note_network(
        self, client_id: RecordId, network: str, *, now: Millis, told: Sequence[Notice]
    ) -> bool:
        """See ClientNetworks."""
        today = now - now % DAY_MS
        if await self._lookups.fetchrow(_KNOWN, client_id, network, today) is not None:
            return False

        async def unit(transaction: Transaction) -> bool:
            noted = await transaction.fetch(_NOTE, client_id, network, now, today)
            if not any(new for (new,) in noted):
                return False
            ((count,),) = await transaction.fetch(_COUNT, client_id)
            if count == 1:
                return False
            await transaction.execute(_FORGET, client_id, max(0, count - MOST_NETWORKS))
            await add(transaction, told)
            return True

        return await self._writer.run(unit)

    async def claim_mail(self, *, now: Millis, until: Millis, most: int) -> Sequence[Due]:
        """See Outbox."""
        if await self._lookups.fetchrow(_DUE, now) is None:
            return []  # no turn of the writer for nothing

        async def unit(transaction: Transaction) -> list[Due]:
            return [
                Due(notice=notice(row), email=email, language=language, tries=tries)
                for *row, email, language, tries in await transaction.fetch(
                    _CLAIM, now, until, most
                )
            ]

        return await self._writer.run(unit)

    async def note_mailed(self, id_: RecordId, *, now: Millis) -> None:
        """See Outbox."""
        query = "UPDATE notices SET mailed = $2, next_mail = NULL WHERE id = $1"
        await self._change(query, id_, now)

    async def mail_again(self, id_: RecordId, *, at: Millis | None) -> None:
        """See Outbox."""
        await self._change("UPDATE notices SET next_mail = $2 WHERE id = $1", id_, at)


async def add(transaction: Transaction, notices: Sequence[Notice]) -> None:
    """Write notices within a unit of work; they are mailed soon, where there is mail."""
    if notices:
        told = [(*notice_row(one), one.at) for one in notices]
        await transaction.execute(_ADD, *columns_of(told, len(_ADDED)))
