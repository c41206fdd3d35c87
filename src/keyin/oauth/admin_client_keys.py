"""The administrator's ops on what proves a client, and on single tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

import msgspec

from keyin.domain.applications import AuthMethod
from keyin.domain.errors import Refused, msgid
from keyin.domain.events import Act
from keyin.domain.records import NO_SECRET, Status
from keyin.domain.secret import equal
from keyin.oauth import administration_ports as ports
from keyin.oauth.admin_clients import Store as ClientStore
from keyin.oauth.admin_clients import acceptable, cannot_become, check_unused, key_there, the_client
from keyin.oauth.auditing import key_name
from keyin.oauth.new_clients import new_key
from keyin.wire import admin_clients as wire
from keyin.wire.admin import Changed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keyin.domain.applications import Application
    from keyin.domain.records import Credential, Digest, RecordId, StoredGrant
    from keyin.oauth.administration import Acting, Operations
    from keyin.oauth.administration_ports import ClientPicture
    from keyin.oauth.ports import Peppers

MOST_KEYS: Final = 8
"""Active keys of one client: enough to change them, and no more rows than that."""


class Store(ClientStore, ports.ClientKeyRegister, Protocol):
    """What this reads and writes."""

    async def find_application(self, credential_id: RecordId) -> Application | None:
        """See oauth.flow_ports.Applications."""
        ...

    async def find_grant(self, digests: Sequence[Digest]) -> StoredGrant | None:
        """See oauth.ports.Tokens."""
        ...


class ClientKeyOperations(msgspec.Struct, frozen=True, kw_only=True):
    """Answers about keys and tokens."""

    store: Store
    peppers: Peppers

    def operations(self) -> Operations:
        """Return what answers each op."""
        return {
            wire.AddClientKey: self.add,
            wire.RevokeClientKey: self.revoke,
            wire.RevokeToken: self.revoke_token,
        }

    async def add(self, op: wire.AddClientKey, acting: Acting) -> wire.KeyAdded:
        """Let another key prove a client."""
        public = acceptable(op.public_key)
        picture = await the_client(self.store, op.client)
        credential = await self._provable(picture)
        await check_unused(self.store, public)
        key = new_key(public, credential.id, acting.at)
        event = acting.event(
            Act.CLIENT_KEY_ADDED,
            client=picture.client.id,
            site=picture.client.lineage.site,
            detail={"kid": key.kid},
        )
        if not await self.store.add_client_key(key, event=event):
            raise key_there()
        return wire.KeyAdded(kid=key.kid)

    async def _provable(self, picture: ClientPicture) -> Credential:
        """Return the credential that keys prove. Raises Refused: one way a client (P59)."""
        if picture.client.status is Status.REVOKED:
            raise cannot_become(Status.REVOKED)
        active = [one for one in picture.credentials if one.status is Status.ACTIVE]
        by_key = [one for one in active if equal(one.secret_digest, NO_SECRET)]
        application = await self.store.find_application(by_key[0].id) if by_key else None
        by_other_means = application is not None and (
            application.auth_method is not AuthMethod.PRIVATE_KEY_JWT
        )
        if len(by_key) != 1 or by_other_means:
            raise _no_keys_here(picture)
        if sum(key.status is Status.ACTIVE for key in picture.keys) >= MOST_KEYS:
            raise Refused(
                "too_many_keys",
                msgid("the client %(client)s has %(most)s keys already"),
                next_step=msgid("Revoke one that is out of use: keyin client revoke-key."),
                client=picture.client.id,
                most=MOST_KEYS,
            )
        return by_key[0]

    async def revoke(self, op: wire.RevokeClientKey, acting: Acting) -> Changed:
        """End a key."""
        key = await self.store.find_client_key(op.kid)
        if key is None:
            raise Refused(
                "unknown_key",
                msgid("there is no client key %(kid)s"),
                next_step=msgid("`keyin client show` names a client's keys."),
                kid=op.kid,
            )
        event = acting.event(
            Act.CLIENT_KEY_REVOKED,
            reason=op.reason,
            detail={"kid": op.kid, "credential": key.credential_id},
        )
        changed = await self.store.end_client_key(op.kid, event=event)
        return Changed(changed=changed, status=Status.REVOKED)

    async def revoke_token(self, op: wire.RevokeToken, acting: Acting) -> Changed:
        """End a token."""
        digests = self.peppers.digests("token", op.token)
        found = await self.store.find_grant(digests)
        event = acting.event(
            Act.TOKEN_REVOKED,
            client=found.client.id if found else None,
            site=found.client.lineage.site if found else None,
            key=key_name(found.token.key_digest) if found else None,
        )
        ended = await self.store.end_token(digests, event=event)
        if ended is None:
            raise Refused(
                "unknown_token",
                msgid("there is no such token: it never was, or it expired a while ago"),
                next_step=msgid("Revoke its client or the person's key if you are not sure."),
            )
        return Changed(changed=ended, status=Status.REVOKED)


def _no_keys_here(picture: ClientPicture) -> Refused:
    return Refused(
        "no_keys_here",
        msgid("the client %(client)s does not prove itself with keys"),
        next_step=msgid("Register a client of its own: keyin client create."),
        client=picture.client.id,
    )
