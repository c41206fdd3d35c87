"""Grants in SQL: remembered with their event and proofs, found with all that they rest on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from keyin.domain.records import StoredGrant
from keyin.stores import rows
from keyin.stores.postgres.credentials import CREDENTIAL_END, STOPPED, client_beside
from keyin.stores.postgres.known_grants import KnownGrants
from keyin.stores.postgres.lookups import Lookup
from keyin.stores.postgres.replays import PostgresReplays
from keyin.stores.rows import names
from keyin.stores.token_place import token_place

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keyin.domain.events import Event
    from keyin.domain.records import Digest, ProofUse, Token
    from keyin.stores.postgres.lookups import Lookups
    from keyin.stores.postgres.transaction import Transaction
    from keyin.stores.postgres.writer import Writer
    from keyin.stores.rows import Row

_TOKEN_END: Final = len(rows.TOKEN)
_KEY_END: Final = _TOKEN_END + len(rows.KEY)
_CREDENTIAL_END: Final = _KEY_END + CREDENTIAL_END
_SAFE: Final = f"CASE WHEN octet_length(s.sealed) <= {64 * 1024} THEN s.sealed END"
"""What is larger is looked up by who needs it."""
_SAFE_COLUMNS: Final = ", ".join(_SAFE if name == "sealed" else f"s.{name}" for name in rows.SAFE)
_STOPPED_END: Final = _CREDENTIAL_END + len(rows.CLIENT) + 2
_SAFE_END: Final = _STOPPED_END + len(rows.SAFE)
_SEALED: Final = _STOPPED_END + rows.SAFE.index("sealed")
_VERSIONS: Final = "t.xmin, k.xmin, c.xmin, o.xmin, s.xmin"
_FROM: Final = """
(SELECT value FROM meta WHERE name = 'registries'),
(SELECT value FROM meta WHERE name = 'store_epoch')
FROM tokens AS t JOIN credentials AS c ON c.id = t.credential_id
JOIN clients AS o ON o.id = t.client_id LEFT JOIN keys AS k ON k.digest = t.key_digest
LEFT JOIN safes AS s ON s.id = k.safe_id
WHERE t.place = any($1::bigint[])
"""
_FIND: Final = Lookup(
    f"SELECT t.place, {names(rows.TOKEN, 't')}, {names(rows.KEY, 'k')}, "
    f"{names(rows.CREDENTIAL, 'c')}, {names(rows.CLIENT, 'o')}, {STOPPED}, "
    f"{_SAFE_COLUMNS}, {_VERSIONS}, {_FROM}"
)
"""With everything that may have changed since, and the state of it all (`known_grants`)."""
_STATE: Final = Lookup(f"SELECT t.place, {STOPPED}, {_VERSIONS}, {_FROM}")
_FIND_TOKEN: Final = Lookup(
    f"SELECT place, {names(rows.TOKEN)} FROM tokens WHERE place = any($1::bigint[])"  # noqa: S608 - ours
)
META: Final = Lookup("SELECT name, value FROM meta WHERE name = any($1)")
_DIGEST: Final = rows.TOKEN.index("digest")
_REVOKE: Final = (
    "UPDATE tokens SET status = 'revoked' "
    "WHERE place = any($1::bigint[]) AND digest = any($2::text[])"
)


class PostgresTokens(PostgresReplays):
    """What a method does stands with its port in `oauth.ports`."""

    def __init__(self, lookups: Lookups, writer: Writer) -> None:
        super().__init__(lookups, writer)
        self._grants = KnownGrants()

    async def add_token(
        self, token: Token, *, event: Event, uses: Sequence[ProofUse] = ()
    ) -> ProofUse | None:
        """See Tokens."""
        return await self._writer.tell(event, rows.token_row(token), uses)

    async def find_grant(self, digests: Sequence[Digest]) -> StoredGrant | None:
        """See Tokens."""
        made = self._lookups.connections
        known = self._grants.find(digests, made)
        if known is not None:
            place = token_place(known.grant.token.digest)
            state = await self._lookups.row(_STATE, (place,))
            if state == known.state and self._lookups.connections == made:
                return known.grant
        found = await self._lookups.rows(_FIND, [token_place(one) for one in digests])
        row = next((row for row in found if row[_DIGEST] in digests), None)
        if row is None:
            return None
        self._registries_seen = max(self._registries_seen, int(row[-2] or 0))
        grant = _grant(row)
        if self._lookups.connections == made:  # else it may be another server's
            self._grants.remember(grant, row[_STOPPED_END - 2 : _STOPPED_END] + row[_SAFE_END:])
        return grant

    async def find_token(self, digests: Sequence[Digest]) -> Token | None:
        """Return a token alone, whatever became of what it rests on. Raises StoreUnavailable."""
        found = await self._lookups.rows(_FIND_TOKEN, [token_place(one) for one in digests])
        row = next((row for row in found if row[_DIGEST] in digests), None)
        return None if row is None else rows.token(row)

    async def store_epoch(self) -> int:
        """See Tokens. Another worker may have moved it on: it is looked up each time."""
        row = await self._lookups.row(META, ("store_epoch",))
        return int(row[0]) if row else 0

    async def revoke_token(self, digests: Sequence[Digest], *, event: Event) -> bool:
        """See Revocations."""

        async def unit(transaction: Transaction) -> bool:
            revoked = await revoke_token(transaction, digests)
            if revoked:
                transaction.append(event)
            return revoked

        return await self._writer.run(unit)


def _grant(row: Row) -> StoredGrant:
    there = row[_TOKEN_END] is not None
    return StoredGrant(
        token=rows.token(row[:_TOKEN_END]),
        key=rows.key(row[_TOKEN_END:_KEY_END]) if there else None,
        credential=rows.credential(row[_KEY_END:_CREDENTIAL_END]),
        client=client_beside(row[_CREDENTIAL_END:_STOPPED_END]),
        store_epoch=int(row[-1] or 0),
        safe=None if row[_SEALED] is None else rows.safe(row[_STOPPED_END:_SAFE_END]),
    )


async def revoke_token(transaction: Transaction, digests: Sequence[Digest]) -> bool:
    """Mark a token; the caller writes the event, for this may be part of another act."""
    places = [token_place(digest) for digest in digests]
    return await transaction.execute(_REVOKE, places, list(digests)) > 0
