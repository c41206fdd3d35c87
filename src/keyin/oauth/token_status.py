"""Revocation (RFC 7009) and introspection (RFC 7662): a client and the tokens it was given.

A client learns of its own tokens only, and ends its own only; of every other it hears the same as
of one that never was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import msgspec

from keyin.domain.events import Act
from keyin.domain.grant import ACCOUNT_AUDIENCE
from keyin.domain.records import Status
from keyin.oauth.account_access import AccountAccess
from keyin.oauth.account_access import Store as AccountStore
from keyin.oauth.audit_ports import Trail
from keyin.oauth.auditing import event_of, record_refusal
from keyin.oauth.bearer import reason_to_deny
from keyin.oauth.enrolment_ports import Activations
from keyin.oauth.errors import Code, Reason, Refusal, invalid_client, refused
from keyin.oauth.ports import Replays, Tokens
from keyin.oauth.throttle_ports import Places

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keyin.domain.absent import Value
    from keyin.domain.events import Event
    from keyin.domain.records import Digest, StoredGrant
    from keyin.oauth.asked import Asked
    from keyin.oauth.client_auth import Authenticated
    from keyin.oauth.ports import Peppers
    from keyin.oauth.proven_client import ClientAuthentication


class Store(Tokens, Replays, Trail, AccountStore, Places, Activations, Protocol):
    """What this reads and writes."""

    async def revoke_token(self, digests: Sequence[Digest], *, event: Event) -> bool:
        """See oauth.ports.Revocations."""
        ...


class TokenStatus(msgspec.Struct, frozen=True, kw_only=True):
    """Answers about tokens that were given."""

    clients: ClientAuthentication
    store: Store
    peppers: Peppers
    issuer: str

    async def revoke(self, asked: Asked) -> Refusal | None:
        """End a token; nothing is said of whether there was one. Raises StoreUnavailable.

        This is also where a client that registered itself proves itself for the first time: it
        ends a token that never was, and is active.
        """
        by = await self._client(asked, waking=True)
        if isinstance(by, Refusal):
            return by
        found = await self._own(asked, by)
        if found is not None and found.token.status is not Status.REVOKED:
            event = event_of(Act.TOKEN_REVOKED, by, asked, key=found.token.key_digest)
            await self.store.revoke_token([found.token.digest], event=event)
            await self._leave(found)
        return None

    async def _leave(self, found: StoredGrant) -> None:
        """Give back the place of a key that may be open at a few computers only."""
        policy = found.key.policy if found.key else None
        if policy is not None and policy.machines is not None:
            await self.store.release_place(found.token.key_digest, found.client.id)

    async def introspect(self, asked: Asked) -> dict[str, Value] | Refusal:
        """Return RFC 7662 §2.2's members; never the key. Raises StoreUnavailable.

        A public client proves nothing, and so is not asked in (§2.1, §4).
        """
        by = await self._client(asked, certain=True)
        if isinstance(by, Refusal):
            return by
        found = await self._own(asked, by)
        if found is None or reason_to_deny(found, address=asked.address, now=asked.now):
            return {"active": False}
        if found.token.audience != ACCOUNT_AUDIENCE:
            return told(found, self.issuer)
        account = await AccountAccess(store=self.store).of(found.token)
        if account is None:
            return {"active": False}
        return told(found, self.issuer) | {"sub": account.id}

    async def _client(
        self, asked: Asked, *, certain: bool = False, waking: bool = False
    ) -> Authenticated | Refusal:
        """Authenticate; the proof is used up."""
        proven = await self.clients.authenticate(asked, waking=waking)
        if isinstance(proven, Refusal):
            return proven
        if certain and not proven.certain:
            return invalid_client(Reason.NO_CREDENTIALS)
        if proven.uses and not await self.store.remember(proven.uses, now=asked.now):
            refusal = invalid_client(Reason.REPLAYED)
        elif proven.pending and not await self._awake(asked, proven.by):
            refusal = invalid_client(Reason.CLIENT_NOT_ACTIVE)
        elif asked.parameters.get("token"):
            return proven.by
        else:
            refusal = refused(Code.INVALID_REQUEST, "Missing required parameter: token")
        if proven.certain:
            await record_refusal(refusal, proven.by, asked, trail=self.store)
        return refusal

    async def _awake(self, asked: Asked, by: Authenticated) -> bool:
        """Let a client count from now on, if its time is not over (P48)."""
        event = event_of(Act.CLIENT_ACTIVATED, by, asked)
        return await self.store.activate(by.credential.id, now=asked.now, event=event)

    async def _own(self, asked: Asked, by: Authenticated) -> StoredGrant | None:
        digests = self.peppers.digests("token", asked.parameters["token"])
        found = await self.store.find_grant(digests)
        return found if found is not None and found.client.id == by.client.id else None


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
