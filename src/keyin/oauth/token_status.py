"""Revocation (RFC 7009) and introspection (RFC 7662): a client and the tokens it was given.

A client learns of its own tokens only, and ends its own only; of every other it hears the same as
of one that never was.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from keyin.oauth.bearer import reason_to_deny
from keyin.oauth.errors import Code, Reason, Refusal, invalid_client, refused
from keyin.oauth.ports import Replays, Tokens

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keyin.domain.absent import Value
    from keyin.domain.records import Digest, RecordId, StoredGrant
    from keyin.oauth.asked import Asked
    from keyin.oauth.ports import Peppers
    from keyin.oauth.proven_client import ClientAuthentication


class Store(Tokens, Replays, Protocol):
    """What this reads and writes."""

    async def revoke_token(self, digests: Sequence[Digest]) -> bool:
        """See oauth.ports.Revocations."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenStatus:
    """Answers about tokens that were given."""

    clients: ClientAuthentication
    store: Store
    peppers: Peppers
    issuer: str

    async def revoke(self, asked: Asked) -> Refusal | None:
        """End a token; nothing is said of whether there was one. Raises StoreUnavailable."""
        client_id = await self._client(asked)
        if isinstance(client_id, Refusal):
            return client_id
        found = await self._own(asked, client_id)
        if found is not None:
            await self.store.revoke_token([found.token.digest])
        return None

    async def introspect(self, asked: Asked) -> dict[str, Value] | Refusal:
        """Return RFC 7662 §2.2's members; never the key. Raises StoreUnavailable."""
        client_id = await self._client(asked)
        if isinstance(client_id, Refusal):
            return client_id
        found = await self._own(asked, client_id)
        if found is None or reason_to_deny(found, address=asked.address, now=asked.now):
            return {"active": False}
        return told(found, self.issuer)

    async def _client(self, asked: Asked) -> RecordId | Refusal:
        """Authenticate; the proof is used up."""
        proven = await self.clients.authenticate(asked)
        if isinstance(proven, Refusal):
            return proven
        if proven.uses and not await self.store.remember(proven.uses, now=asked.now):
            return invalid_client(Reason.REPLAYED)
        if not asked.parameters.get("token"):
            return refused(Code.INVALID_REQUEST, "Missing required parameter: token")
        return proven.by.client.id

    async def _own(self, asked: Asked, client_id: RecordId) -> StoredGrant | None:
        digests = self.peppers.digests("token", asked.parameters["token"])
        found = await self.store.find_grant(digests)
        return found if found is not None and found.client.id == client_id else None


def told(grant: StoredGrant, issuer: str) -> dict[str, Value]:
    """Return what a client may know of its own living token."""
    token = grant.token
    content: dict[str, Value] = {
        "active": True,
        "iss": issuer,
        "aud": issuer,
        "client_id": grant.credential.oauth2_client_id,
        "scope": token.scope,
        "token_type": "DPoP" if token.cnf_jkt else "Bearer",
        "iat": token.issued // 1000,
        "exp": token.expires // 1000,
    }
    return content | ({"cnf": {"jkt": token.cnf_jkt}} if token.cnf_jkt else {})
