"""What lapses, and what ends with its owner, in PostgreSQL: see `stores.lapsing_statements`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from keyin.stores import lapsing_statements as sql
from keyin.stores.postgres.part import PostgresPart

if TYPE_CHECKING:
    from keyin.domain.environment import Millis
    from keyin.oauth.enrolment_ports import Ending
    from keyin.stores.postgres.transaction import Transaction


def _ours(statement: str) -> str:
    return statement.replace("?", "$")


_LOCKED: Final = "FOR UPDATE OF o SKIP LOCKED"
"""Of two workers that sweep, each takes others."""
_UNPROVED: Final = f"{_ours(sql.UNPROVED)} {_LOCKED}"
_UNUSED: Final = f"{_ours(sql.UNUSED)} {_LOCKED}"
_OVER: Final = f"{_ours(sql.OVER)} {_LOCKED}"
_EXPIRE: Final = _ours(sql.EXPIRE)
_FORGET: Final = tuple(_ours(one) for one in sql.FORGET)
_OLD_ACCESS: Final = _ours(sql.OLD_ACCESS)
_FORGET_ACCESS: Final = _ours(sql.FORGET_ACCESS)
_END_TOKENS: Final = _ours(sql.END_TOKENS)
_END_CLIENTS: Final = _ours(sql.END_CLIENTS)


class PostgresLapsing(PostgresPart):
    """What a method does stands with its port, oauth.enrolment_ports."""

    async def expire_unproved(self, *, now: Millis, most: int) -> int:
        """See Lapsing."""
        return await self._expire(_UNPROVED, now, now, most, "unproved")

    async def expire_unused(self, *, since: Millis, now: Millis, most: int) -> int:
        """See Lapsing."""
        return await self._expire(_UNUSED, since, now, most, "unused")

    async def _expire(self, query: str, before: Millis, now: Millis, most: int, why: str) -> int:
        if await self._lookups.fetchrow(query.removesuffix(_LOCKED), before, 1) is None:
            return 0

        async def unit(transaction: Transaction) -> int:
            found = {tuple(row) for row in await transaction.fetch(query, before, most)}
            for client_id, site in sorted(found, key=str):
                await transaction.execute(_EXPIRE, client_id, now)
                transaction.append(sql.expired(client_id, site, now, why))
            return len(found)

        return await self._writer.run(unit)

    async def forget_unproved(self, *, before: Millis, most: int) -> int:
        """See Lapsing."""

        async def unit(transaction: Transaction) -> int:
            found = await transaction.fetch(_OVER, before, most)
            for client_id, credential_id in found:
                for statement in _FORGET:
                    await transaction.execute(statement, client_id, credential_id)
            return len(found)

        if await self._lookups.fetchrow(_OVER.removesuffix(_LOCKED), before, 1) is None:
            return 0
        return await self._writer.run(unit)

    async def forget_access(self, *, before: Millis, most: int) -> int:
        """See Lapsing."""
        if await self._lookups.fetchrow(_OLD_ACCESS, before, 1) is None:
            return 0
        return await self._change(_FORGET_ACCESS, before, most)

    async def end_owned(self, owner: str, ending: Ending) -> int | None:
        """See Owners."""

        async def unit(transaction: Transaction) -> int | None:
            tokens = await transaction.execute(_END_TOKENS, owner, ending.reason)
            clients = await transaction.execute(_END_CLIENTS, owner, ending.now)
            if not tokens and not clients:
                return None
            transaction.append(ending.event)
            return clients

        return await self._writer.run(unit)
