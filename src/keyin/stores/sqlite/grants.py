"""What nearly every request asks of the store: who asks, for which key, and by which grant.

Looked up once and remembered (`remembered.Memory`) until a write says otherwise.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from keyin.domain.records import NO_KEY, Status, StoredGrant
from keyin.stores import rows
from keyin.stores.sqlite import client_keys, reader
from keyin.stores.sqlite.connection import our_errors
from keyin.stores.sqlite.replays import SqliteReplays

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keyin.domain.environment import Millis
    from keyin.domain.events import Event
    from keyin.domain.records import (
        Client,
        ClientKey,
        Credential,
        Digest,
        Key,
        ProofUse,
        RecordId,
        Token,
    )

_FOR_NO_KEY: Final = frozenset({NO_KEY})


class SqliteGrants(SqliteReplays):
    """What a method does stands with its port."""

    async def find_credential(
        self, oauth2_client_id: str
    ) -> tuple[Credential, Client | None] | None:
        """See oauth.ports.Credentials."""
        known = self._memory.credentials
        if oauth2_client_id in known:
            return known[oauth2_client_id]
        with our_errors():
            return known.put(
                oauth2_client_id, reader.find_credential(self._lookups, oauth2_client_id)
            )

    async def find_client_key(self, kid: str) -> ClientKey | None:
        """See oauth.ports.ClientKeys."""
        known = self._memory.client_keys
        if kid in known:
            return known[kid]
        with our_errors():
            return known.put(kid, client_keys.find(self._lookups, kid))

    async def note_key_use(self, kid: str, *, now: Millis) -> None:
        """See oauth.ports.ClientKeys."""
        forget = self._memory.client_keys.clear
        await self._writer.run(partial(client_keys.note_use, kid=kid, now=now), then=forget)

    async def find_key(self, digests: Sequence[Digest]) -> Key | None:
        """See oauth.ports.Keys."""
        for digest in digests:
            if digest in self._memory.keys:
                return self._memory.keys[digest]
        with our_errors():
            found = reader.find_key(self._lookups, digests)
        self._keep_key(found)
        return found

    async def add_token(
        self, token: Token, *, event: Event, uses: Sequence[ProofUse] = ()
    ) -> ProofUse | None:
        """See oauth.ports.Tokens."""
        proofs, before = await self._noted(uses) if uses else ([], None)
        if before is None:
            await self._writer.tell(event, rows.token_row(token), proofs)
        return before

    async def find_grant(self, digests: Sequence[Digest]) -> StoredGrant | None:
        """See oauth.ports.Tokens."""
        with our_errors():
            found = self._token(digests)
            if found is None:
                return None
            token, key = found
            issued_to = self._issued_to(token.client_id, token.credential_id)
            epoch = self._epoch()
        if issued_to is None:
            return None
        return StoredGrant(
            token=token,
            client=issued_to[0],
            credential=issued_to[1],
            key=key,
            store_epoch=epoch,
        )

    def _token(self, digests: Sequence[Digest]) -> tuple[Token, Key | None] | None:
        """Return the token and its key, without a look where nothing was written meanwhile."""
        memory = self._memory
        for digest in digests:
            token = memory.tokens.get(digest)
            if token is None:
                continue
            key = memory.keys.get(token.key_digest)
            if key is not None or token.key_digest in _FOR_NO_KEY:
                return token, key
        found = reader.find_token(self._lookups, digests)
        if found is not None:
            memory.tokens.put(found[0].digest, found[0])
            self._keep_key(found[1])
        return found

    def _keep_key(self, key: Key | None) -> None:
        """Remember a key that nothing keeps from opening."""
        if key is not None and key.status is Status.ACTIVE and key.policy is None:
            self._memory.keys.put(key.digest, key)

    def _issued_to(
        self, client_id: RecordId, credential_id: RecordId
    ) -> tuple[Client, Credential] | None:
        ids, known = (client_id, credential_id), self._memory.issued_to
        if ids in known:
            return known[ids]
        return known.put(ids, reader.find_client_and_credential(self._lookups, *ids))

    async def store_epoch(self) -> int:
        """See oauth.ports.Tokens. Only this process writes, so it knows."""
        with our_errors():
            return self._epoch()

    def _epoch(self) -> int:
        if self._memory.epoch is None:
            self._memory.epoch = int(reader.meta(self._reading, "store_epoch") or 0)
        return self._memory.epoch
