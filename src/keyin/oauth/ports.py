"""What the authorization server asks of the world; each port only what its caller needs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import msgspec

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from keyin.domain.applications import Application
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
        Safe,
        SafeId,
        StoredGrant,
        Token,
    )


class Peppers(Protocol):
    """Keyed digests of things that must be found but never read back."""

    def digests(self, purpose: str, value: str) -> tuple[Digest, ...]:
        """Return the digests of `value` under every pepper that still verifies, newest first.

        `purpose` ("key", "token", "secret") separates them: equal texts, different digests.
        """
        ...


class Credentials(Protocol):
    """Clients and their credentials."""

    async def find_credential(
        self, oauth2_client_id: str
    ) -> tuple[Credential, Client | None] | None:
        """Return the credential with this `client_id` and its client.

        Of several, the first that is active (the original does not forbid duplicates); the client
        is None where its record is missing. Raises StoreUnavailable.
        """
        ...


class ClientKeys(Protocol):
    """The public keys that prove credentials."""

    async def find_client_key(self, kid: str) -> ClientKey | None:
        """Return the key with this thumbprint. Raises StoreUnavailable."""
        ...

    async def note_key_use(self, kid: str, *, now: Millis) -> None:
        """Remember when a key was last used. Raises StoreUnavailable."""
        ...


class Replays(Protocol):
    """Proofs that were used, by every process on this store, over restarts (P13)."""

    async def remember(self, uses: Sequence[ProofUse], *, now: Millis) -> bool:
        """Say whether each of these comes for the first time; returns when that is durable.

        What has expired is forgotten by a job of its own. Raises StoreUnavailable.
        """
        ...

    async def spend(
        self, uses: Sequence[ProofUse], *, event: Event | None = None
    ) -> ProofUse | None:
        """Use all of these up, and write an event with them; returns when that is durable.

        Where one came before, that is returned, and the event is not written; the others are used
        up all the same. Raises StoreUnavailable.
        """
        ...

    async def came_before(self, uses: Sequence[ProofUse]) -> ProofUse | None:
        """Return the first of these that was used already, and use none up. StoreUnavailable."""
        ...


class Keys(Protocol):
    """GPII keys."""

    async def find_key(self, digests: Sequence[Digest]) -> Key | None:
        """Return the key that has one of these digests. Raises StoreUnavailable."""
        ...


class Tokens(Protocol):
    """Grants that were given out."""

    async def add_token(
        self, token: Token, *, event: Event, uses: Sequence[ProofUse] = ()
    ) -> ProofUse | None:
        """Remember a grant, with the proofs that are used up for it; returns when it is durable.

        Of two with one proof, one is remembered (P13): the other learns which proof came before.
        Raises StoreUnavailable.
        """
        ...

    async def find_grant(self, digests: Sequence[Digest]) -> StoredGrant | None:
        """Return the token with one of these digests and all that it depends on, or None.

        None also where its client or credential no longer exists. Raises StoreUnavailable.
        """
        ...

    async def store_epoch(self) -> int:
        """Return the epoch that new tokens are issued under."""
        ...


class Revocations(Protocol):
    """Taking back. Each returns when it is durable, and says whether there was such a record.

    The record's status becomes `revoked` and its epoch moves on, so that every token issued
    under the old one is dead at its next use. The event is written where there was a record, in
    the same transaction. Each raises StoreUnavailable.
    """

    async def revoke_token(self, digests: Sequence[Digest], *, event: Event) -> bool:
        """Revoke one grant."""
        ...

    async def revoke_credential(
        self, id_: RecordId, *, reason: str | None, now: Millis, event: Event
    ) -> bool:
        """Revoke one credential and every token issued with it."""
        ...

    async def revoke_client_key(self, kid: str, *, event: Event) -> bool:
        """Revoke one public key and every token of its credential: other keys soon get new ones."""
        ...

    async def revoke_client(self, id_: RecordId, *, now: Millis, event: Event) -> bool:
        """Revoke one client, its credentials' use and their tokens."""
        ...

    async def revoke_key(
        self, digests: Sequence[Digest], *, reason: str | None, now: Millis, event: Event
    ) -> bool:
        """Revoke one GPII key and every token for it."""
        ...


class Housekeeping(Protocol):
    """What concerns the whole store. Each raises StoreUnavailable."""

    async def bump_store_epoch(self, *, event: Event) -> int:
        """Make every token issued so far dead; returns the new epoch when it is durable."""
        ...

    async def holds_test_credentials(self) -> bool:
        """Say whether a credential whose secret is published was ever let in."""
        ...


class Enrolment(msgspec.Struct, frozen=True, kw_only=True):
    """Records that come in together: all of them are written, or none."""

    clients: Sequence[Client] = ()
    credentials: Sequence[Credential] = ()
    safes: Sequence[Safe] = ()
    keys: Sequence[Key] = ()
    tokens: Sequence[Token] = ()
    client_keys: Sequence[ClientKey] = ()
    applications: Sequence[Application] = ()
    holds_test_credentials: bool = False


class Enrolments(Protocol):
    """Bringing records in from elsewhere. Each raises StoreUnavailable."""

    async def enrol(self, records: Enrolment, *, event: Event) -> Mapping[str, int]:
        """Write what is new, and one event; return the number written of each field, durably.

        Safe to repeat. A record that is there already stays as it is, for it may have changed
        since; but one that comes in revoked revokes it, and a snapset takes the new content.
        """
        ...

    async def known_safes(self, ids: Sequence[SafeId]) -> frozenset[SafeId]:
        """Return those of `ids` that exist."""
        ...


class Inventory(Protocol):
    """Everything that may be exported, one by one, in a stable order; tokens are not."""

    def all_clients(self) -> AsyncIterator[Client]:
        """Return every client."""
        ...

    def all_credentials(self) -> AsyncIterator[Credential]:
        """Return every credential."""
        ...

    def all_keys(self) -> AsyncIterator[Key]:
        """Return every GPII key."""
        ...

    def all_safes(self) -> AsyncIterator[Safe]:
        """Return every safe."""
        ...
