"""Grants in SQL: remembered with their event and proofs, found with all that they rest on."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from keyin.domain.records import StoredGrant
from keyin.settings.ports import KeyAndSafe
from keyin.stores import rows
from keyin.stores.postgres.credentials import CREDENTIAL_END, STOPPED, client_beside
from keyin.stores.postgres.known import Known, KnownGrant, KnownSafe
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
_STATE_AT: Final = _SAFE_END + 3
_SEALED: Final = _STOPPED_END + rows.SAFE.index("sealed")
_CHANGED: Final = "(SELECT number FROM grants_changed)"
_FIND: Final = Lookup(
    f"SELECT t.place, {names(rows.TOKEN, 't')}, {names(rows.KEY, 'k')}, "  # noqa: S608 - ours
    f"{names(rows.CREDENTIAL, 'c')}, {names(rows.CLIENT, 'o')}, {STOPPED}, {_SAFE_COLUMNS}, "
    f"(SELECT value FROM meta WHERE name = 'registries'), "
    f"(SELECT value FROM meta WHERE name = 'store_epoch'), k.xmin, {_CHANGED}, s.xmin "
    "FROM tokens AS t JOIN credentials AS c ON c.id = t.credential_id "
    "JOIN clients AS o ON o.id = t.client_id LEFT JOIN keys AS k ON k.digest = t.key_digest "
    "LEFT JOIN safes AS s ON s.id = k.safe_id WHERE t.place = any($1::bigint[])"
)
"""With everything that may have changed since, and the state of it all (`known`)."""
_STATE: Final = Lookup(
    f"SELECT n.id, {_CHANGED}, s.xmin "  # noqa: S608 - ours
    "FROM unnest($1::text[]) AS n (id) LEFT JOIN safes AS s ON s.id = n.id"
)
"""By the safe's id, or what is none where a key has no safe."""
_NO_SAFE: Final = ""
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
        self._grants: Known[KnownGrant] = Known(lookups.server)

    async def add_token(
        self, token: Token, *, event: Event, uses: Sequence[ProofUse] = ()
    ) -> ProofUse | None:
        """See Tokens."""
        return await self._writer.tell(event, rows.token_row(token), uses)

    async def find_grant(self, digests: Sequence[Digest]) -> StoredGrant | None:
        """See Tokens."""
        moment = self._grants.moment
        known = self._grants.find(digests)
        if known is not None:
            safe_id = known.grant.key.safe_id if known.grant.key else None
            state = await self._lookups.row(_STATE, (safe_id or _NO_SAFE,))
            grant = self._as_it_is(known, state, moment)
            if grant is not None and self._grants.moment == moment:
                return grant
        found = await self._lookups.rows(_FIND, [token_place(one) for one in digests])
        row = next((row for row in found if row[_DIGEST] in digests), None)
        if row is None:
            return None
        self._registries_seen = max(self._registries_seen, int(row[_SAFE_END] or 0))
        grant = _grant(row)
        self._remember(grant, row[_STATE_AT:], row[_STATE_AT - 1], moment)
        return grant

    def _as_it_is(self, known: KnownGrant, state: Row | None, moment: int) -> StoredGrant | None:
        """Return a known grant if nothing but its safe has changed, and that by ourselves."""
        if state is None:
            return None
        if state == known.state:
            return known.grant
        saved = self._safes.find([known.grant.token.key_digest])
        if saved is None or (known.state[0], saved.safe_version) != state:
            return None
        grant = replace(known.grant, safe=saved.found.safe)
        self._grants.remember(grant.token.digest, KnownGrant(grant, state), moment)
        return grant

    def _remember(
        self, grant: StoredGrant, state: Row, key_version: int | None, moment: int
    ) -> None:
        self._grants.remember(grant.token.digest, KnownGrant(grant, state), moment)
        if grant.key is not None and grant.safe is not None and key_version is not None:
            found = KnownSafe(KeyAndSafe(key=grant.key, safe=grant.safe), key_version, state[1])
            self._safes.remember(grant.key.digest, found, moment)

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
        store_epoch=int(row[_SAFE_END + 1] or 0),
        safe=None if row[_SEALED] is None else rows.safe(row[_STOPPED_END:_SAFE_END]),
    )


async def revoke_token(transaction: Transaction, digests: Sequence[Digest]) -> bool:
    """Mark a token; the caller writes the event, for this may be part of another act."""
    places = [token_place(digest) for digest in digests]
    return await transaction.execute(_REVOKE, places, list(digests)) > 0
