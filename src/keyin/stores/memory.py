"""A store that forgets at the end: for tests, simulations and the demonstration of a port.

Implements every port of a store; what it does is what the others must do (tests/conformance).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from msgspec.structs import replace

from keyin.domain.records import Status, StoredGrant
from keyin.settings.ports import KeyAndSafe
from keyin.stores.memory_key_register import MemoryKeyRegister
from keyin.stores.memory_lapsing import MemoryLapsing
from keyin.stores.memory_managed import MemoryManaged
from keyin.stores.memory_notices import MemoryNotices
from keyin.stores.memory_quotas import MemoryQuotas
from keyin.stores.memory_registries import MemoryRegistries
from keyin.stores.memory_restoring import MemoryRestoring
from keyin.stores.memory_sweeping import MemorySweeping

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence

    from keyin.domain.environment import Millis
    from keyin.domain.events import Event
    from keyin.domain.records import (
        Client,
        Credential,
        Digest,
        Key,
        ProofUse,
        RecordId,
        Safe,
        SafeId,
        Token,
    )
    from keyin.oauth.ports import Enrolment

Id = TypeVar("Id")
Record = TypeVar("Record")


class MemoryStore(
    MemoryLapsing,
    MemoryManaged,
    MemoryRestoring,
    MemoryKeyRegister,
    MemoryNotices,
    MemoryQuotas,
    MemoryRegistries,
    MemorySweeping,
):
    """Everything in dictionaries; every unit of work is atomic, since none of them waits."""

    def __init__(self) -> None:
        super().__init__()
        self._clients: dict[RecordId, Client] = {}
        self._credentials: dict[RecordId, Credential] = {}
        self._keys: dict[Digest, Key] = {}
        self._safes: dict[SafeId, Safe] = {}
        self._tokens: dict[Digest, Token] = {}
        self._epoch = 0
        self._holds_test_credentials = False

    async def find_credential(
        self, oauth2_client_id: str
    ) -> tuple[Credential, Client | None] | None:
        """See oauth.ports.Credentials."""
        found = [c for c in self._credentials.values() if c.oauth2_client_id == oauth2_client_id]
        if not found:
            return None
        credential = next((c for c in found if c.status is Status.ACTIVE), found[0])
        client = self._clients.get(credential.client_id)
        return credential, self.as_found(client, credential) if client else None

    async def revoke_client_key(self, kid: str, *, event: Event) -> bool:
        """See oauth.ports.Revocations."""
        return self.told(event, changed=self.end_key_of_client(kid))

    async def find_key(self, digests: Sequence[Digest]) -> Key | None:
        """See oauth.ports.Keys."""
        return _first(self._keys, digests)

    async def add_token(
        self, token: Token, *, event: Event, uses: Sequence[ProofUse] = ()
    ) -> ProofUse | None:
        """See oauth.ports.Tokens."""
        before = self.used_before(uses)
        if before is None:
            self.append_event(event)
            self._tokens.setdefault(token.digest, token)
        return before

    async def find_grant(self, digests: Sequence[Digest]) -> StoredGrant | None:
        """See oauth.ports.Tokens."""
        token = _first(self._tokens, digests)
        client = self._clients.get(token.client_id) if token else None
        credential = self._credentials.get(token.credential_id) if token else None
        if token is None or client is None or credential is None:
            return None
        return StoredGrant(
            token=token,
            client=self.as_found(client, credential),
            credential=credential,
            key=self._keys.get(token.key_digest),
            store_epoch=self._epoch,
        )

    async def store_epoch(self) -> int:
        """See oauth.ports.Tokens."""
        return self._epoch

    async def find_safe(self, digests: Sequence[Digest]) -> KeyAndSafe | None:
        """See settings.ports.Safes."""
        key = _first(self._keys, digests)
        if key is None:
            return None
        return KeyAndSafe(key=key, safe=self._safes.get(key.safe_id) if key.safe_id else None)

    async def change_safe(
        self, digests: Sequence[Digest], change: Callable[[KeyAndSafe | None], KeyAndSafe]
    ) -> None:
        """See settings.ports.Safes."""
        changed = change(await self.find_safe(digests))
        self._keys[changed.key.digest] = changed.key
        if changed.safe is not None:
            self._safes[changed.safe.id] = changed.safe
        if changed.event is not None:
            self.append_event(changed.event)

    async def revoke_token(self, digests: Sequence[Digest], *, event: Event) -> bool:
        """See oauth.ports.Revocations."""
        token = _first(self._tokens, digests)
        if token is None:
            return False
        self._tokens[token.digest] = _revoked(token)
        return self.told(event)

    async def revoke_credential(
        self, id_: RecordId, *, reason: str | None, now: Millis, event: Event
    ) -> bool:
        """See oauth.ports.Revocations."""
        credential = self._credentials.get(id_)
        if credential is None:
            return False
        self._credentials[id_] = replace(
            credential,
            status=Status.REVOKED,
            epoch=credential.epoch + 1,
            revoked_reason=reason,
            revoked=now,
        )
        return self.told(event)

    async def revoke_client(self, id_: RecordId, *, now: Millis, event: Event) -> bool:
        """See oauth.ports.Revocations."""
        client = self._clients.get(id_)
        if client is None:
            return False
        self._clients[id_] = replace(
            client, status=Status.REVOKED, epoch=client.epoch + 1, updated=now
        )
        return self.told(event)

    async def revoke_key(
        self, digests: Sequence[Digest], *, reason: str | None, now: Millis, event: Event
    ) -> bool:
        """See oauth.ports.Revocations."""
        key = _first(self._keys, digests)
        if key is None:
            return False
        self._keys[key.digest] = replace(
            key, status=Status.REVOKED, epoch=key.epoch + 1, revoked_reason=reason, revoked=now
        )
        return self.told(event)

    async def bump_store_epoch(self, *, event: Event) -> int:
        """See oauth.ports.Housekeeping."""
        self.append_event(event)
        self._epoch += 1
        return self._epoch

    async def holds_test_credentials(self) -> bool:
        """See oauth.ports.Housekeeping."""
        return self._holds_test_credentials

    async def enrol(self, records: Enrolment, *, event: Event) -> Mapping[str, int]:
        """See oauth.ports.Enrolments."""
        self.append_event(event)
        self._holds_test_credentials |= records.holds_test_credentials
        return {
            "clients": sum(self._enrol_client(client) for client in records.clients),
            "credentials": sum(self._enrol_credential(one) for one in records.credentials),
            "safes": sum(self._enrol_safe(safe) for safe in records.safes),
            "keys": sum(self._enrol_key(key) for key in records.keys),
            "tokens": sum(self._enrol_token(token) for token in records.tokens),
            "client_keys": sum(self.put_client_key(key) for key in records.client_keys),
            "applications": sum(self.enrol_application(one) for one in records.applications),
        }

    async def known_safes(self, ids: Sequence[SafeId]) -> frozenset[SafeId]:
        """See oauth.ports.Enrolments."""
        return frozenset(id_ for id_ in ids if id_ in self._safes)

    async def all_clients(self) -> AsyncIterator[Client]:
        """See oauth.ports.Inventory."""
        for client in list(self._clients.values()):
            yield client

    async def all_credentials(self) -> AsyncIterator[Credential]:
        """See oauth.ports.Inventory."""
        for credential in list(self._credentials.values()):
            yield credential

    async def all_keys(self) -> AsyncIterator[Key]:
        """See oauth.ports.Inventory."""
        for key in list(self._keys.values()):
            yield key

    async def all_safes(self) -> AsyncIterator[Safe]:
        """See oauth.ports.Inventory."""
        for safe in list(self._safes.values()):
            yield safe

    def close(self) -> None:
        """Forget nothing yet: tests look inside after the end."""

    def _enrol_client(self, client: Client) -> bool:
        there = self._clients.get(client.id)
        if there is None:
            self._clients[client.id] = client
        elif _revokes(client.status, there.status):
            self._clients[client.id] = replace(
                there, status=Status.REVOKED, epoch=there.epoch + 1, updated=client.updated
            )
        return self._clients[client.id] is not there

    def _enrol_credential(self, credential: Credential) -> bool:
        there = self._credentials.get(credential.id)
        if there is None:
            self._credentials[credential.id] = credential
        elif _revokes(credential.status, there.status):
            self._credentials[credential.id] = replace(
                there,
                status=Status.REVOKED,
                epoch=there.epoch + 1,
                revoked_reason=credential.revoked_reason,
                revoked=credential.revoked,
            )
        return self._credentials[credential.id] is not there

    def _enrol_key(self, key: Key) -> bool:
        there = self._keys.get(key.digest)
        if there is None:
            self._keys[key.digest] = key
        elif _revokes(key.status, there.status):
            self._keys[key.digest] = replace(
                there,
                status=Status.REVOKED,
                epoch=there.epoch + 1,
                revoked_reason=key.revoked_reason,
                revoked=key.revoked,
            )
        return self._keys[key.digest] is not there

    def _enrol_safe(self, safe: Safe) -> bool:
        there = self._safes.get(safe.id)
        if there is None or there.kind == safe.kind == "snapset":
            self._safes[safe.id] = safe
            return True
        return False

    def _enrol_token(self, token: Token) -> bool:
        there = self._tokens.get(token.digest)
        if there is None or _revokes(token.status, there.status):
            self._tokens[token.digest] = token if there is None else _revoked(there)
            return True
        return False


def _first(records: dict[Id, Record], ids: Sequence[Id]) -> Record | None:
    return next((records[id_] for id_ in ids if id_ in records), None)


def _revoked(token: Token) -> Token:
    return replace(token, status=Status.REVOKED)


def _revokes(incoming: Status, there: Status) -> bool:
    return incoming is Status.REVOKED and there is not Status.REVOKED
