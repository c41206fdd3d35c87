"""What the settings service asks of the world."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from keyin.domain.events import Event
    from keyin.domain.records import Digest, Key, Safe


class KeyAndSafe(msgspec.Struct, frozen=True, kw_only=True):
    """A key and the safe it opens; the safe is None where the key has none."""

    key: Key
    safe: Safe | None
    event: Event | None = None
    """Of a change that is an act of the audit log: written with it."""

    @property
    def lost(self) -> bool:
        """Tell whether the key names a safe that is not there."""
        return self.safe is None and self.key.safe_id is not None


class Vault(Protocol):
    """Encrypts what must be read back; the data key lives outside the store."""

    def seal(self, plaintext: bytes, context: str) -> bytes:
        """Encrypt (AES-256-GCM); opens only with the same context (associated data)."""
        ...

    def unseal(self, sealed: bytes, context: str) -> bytes:
        """Decrypt. Raises StoreUnavailable where the key that sealed it is missing."""
        ...


class Safes(Protocol):
    """Preferences by key."""

    async def find_safe(self, digests: Sequence[Digest]) -> KeyAndSafe | None:
        """Return the key with one of these digests and its safe. Raises StoreUnavailable."""
        ...

    async def change_safe(
        self,
        digests: Sequence[Digest],
        change: Callable[[KeyAndSafe | None], KeyAndSafe],
    ) -> None:
        """Read, change and write back, and the event, in one transaction; returns when durable.

        `change` is pure and fast, and may be asked more than once; what it raises leaves the store
        as it was and reaches the caller. Raises StoreUnavailable.
        """
        ...


class Registries(Protocol):
    """Solutions registries that are kept with the data. Each raises StoreUnavailable."""

    async def put_registry(self, os_id: str, canonical_json: bytes) -> None:
        """Keep the registry of one operating system, in place of its last; durable on return."""
        ...

    async def registries_version(self, *, at_grant: bool = False) -> int:
        """Return a number that grows whenever a registry is put, whoever puts it.

        `at_grant`: as it was when a grant was last found, which needs no lookup of its own.
        """
        ...

    async def registries(self) -> dict[str, bytes]:
        """Return every registry, by operating system; empty: the package's own apply."""
        ...
