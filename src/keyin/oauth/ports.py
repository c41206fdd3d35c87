"""What the authorization server asks of the world; each port only what its caller needs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keyin.domain.records import Client, Credential, Digest, Key, StoredGrant, Token


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


class Keys(Protocol):
    """GPII keys."""

    async def find_key(self, digests: Sequence[Digest]) -> Key | None:
        """Return the key that has one of these digests. Raises StoreUnavailable."""
        ...


class Tokens(Protocol):
    """Grants that were given out."""

    async def add_token(self, token: Token) -> None:
        """Remember a grant; returns when it is durable. Raises StoreUnavailable."""
        ...

    async def find_grant(self, digests: Sequence[Digest]) -> StoredGrant | None:
        """Return the token with one of these digests and all that it depends on, or None.

        None also where its client or credential no longer exists. Raises StoreUnavailable.
        """
        ...

    async def store_epoch(self) -> int:
        """Return the epoch that new tokens are issued under."""
        ...
