"""Second factors: each code is used once, whichever worker it comes to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from keyin.stores import account_rows
from keyin.stores.postgres.part import PostgresPart

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keyin.domain.events import Event
    from keyin.domain.records import Digest, RecordId
    from keyin.oauth.second_factor_ports import SecondFactor
    from keyin.stores.postgres.transaction import Transaction

_FIND: Final = (
    "SELECT account_id, sealed, confirmed, last_step, created, "
    "(SELECT count(*) FROM recovery_codes WHERE account_id = $1) "
    "FROM second_factors WHERE account_id = $1"
)
_BEGIN: Final = (
    "INSERT INTO second_factors AS f (account_id, sealed, confirmed, last_step, created) "
    "VALUES ($1, $2, 0, $3, $4) ON CONFLICT (account_id) DO UPDATE SET sealed = excluded.sealed, "
    "last_step = excluded.last_step, created = excluded.created WHERE f.confirmed = 0"
)
_CONFIRM: Final = (
    "UPDATE second_factors SET confirmed = 1, last_step = $2 "
    "WHERE account_id = $1 AND confirmed = 0"
)
_STEP: Final = "UPDATE second_factors SET last_step = $2 WHERE account_id = $1 AND last_step < $2"
_RECOVER: Final = "DELETE FROM recovery_codes WHERE account_id = $1 AND digest = any($2::text[])"
_NO_CODES: Final = "DELETE FROM recovery_codes WHERE account_id = $1"
_ADD_CODES: Final = "INSERT INTO recovery_codes (account_id, digest) SELECT $1, unnest($2::text[])"
_OTHER_SESSIONS: Final = "DELETE FROM sessions WHERE account_id = $1 AND digest <> $2"


class PostgresSecondFactors(PostgresPart):
    """What a method does stands with its port, oauth.second_factor_ports."""

    async def second_factor(self, account_id: RecordId) -> SecondFactor | None:
        """See SecondFactors."""
        row = await self._lookups.fetchrow(_FIND, account_id)
        return None if row is None else account_rows.second_factor(row)

    async def begin_second_factor(self, factor: SecondFactor) -> bool:
        """See SecondFactors."""
        row = (factor.account_id, factor.sealed, factor.last_step, factor.created)
        return await self._change(_BEGIN, *row) > 0

    async def confirm_second_factor(
        self, account_id: RecordId, step: int, recovery: Sequence[Digest], *, session: Digest,
        event: Event,
    ) -> bool:  # fmt: skip
        """See SecondFactors."""

        async def unit(transaction: Transaction) -> bool:
            if not await transaction.execute(_CONFIRM, account_id, step):
                return False
            await transaction.execute(_NO_CODES, account_id)
            await transaction.execute(_ADD_CODES, account_id, list(recovery))
            await transaction.execute(_OTHER_SESSIONS, account_id, session)
            transaction.append(event)
            return True

        return await self._writer.run(unit)

    async def use_second_factor(
        self, account_id: RecordId, *, step: int | None, recovery: Sequence[Digest] = ()
    ) -> bool:
        """See SecondFactors."""
        if step is not None:
            return await self._change(_STEP, account_id, step) > 0
        return await self._change(_RECOVER, account_id, list(recovery)) > 0

    async def end_second_factor(self, account_id: RecordId, *, event: Event) -> bool:
        """See SecondFactors."""

        async def unit(transaction: Transaction) -> bool:
            ending = "DELETE FROM second_factors WHERE account_id = $1"
            ended = await transaction.execute(ending, account_id) > 0
            await transaction.execute(_NO_CODES, account_id)
            if ended:
                transaction.append(event)
            return ended

        return await self._writer.run(unit)
