"""Preferences that another keyin keeps: the split layout (cloud-wire §1).

This cloud knows clients, tokens and which keys there are; the preferences themselves are asked for
and sent on. Whether a client may, is decided here: the other side believes whoever has its secret.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import msgspec
from msgspec.structs import replace

from keyin.domain.reserved_keys import reserved
from keyin.domain.secret import GpiiKey
from keyin.settings.errors import Rejected, Why
from keyin.settings.ports import KeyAndSafe
from keyin.settings.saving import check_changeable, key_made, new_key

if TYPE_CHECKING:
    from keyin.domain.absent import Value
    from keyin.domain.environment import Millis
    from keyin.domain.grant import Grant
    from keyin.domain.ontologies import PreferenceSets
    from keyin.settings.ports import Safes, Vault
    from keyin.settings.saving import Author, Wish


class FarPreferences(Protocol):
    """Another cloud's preferences server. Each raises StoreUnavailable where it does not answer."""

    async def read(self, key: GpiiKey, *, request_id: str | None) -> Value:
        """Return a key's flat sets; `{}` where it has none, or is not known there."""
        ...

    async def merge(
        self, key: GpiiKey, document: PreferenceSets, *, request_id: str | None
    ) -> None:
        """Merge a flat document into a key's safe; durable on return. Raises Rejected."""
        ...


class Elsewhere(msgspec.Struct, frozen=True, kw_only=True):
    """Stands in for this cloud's own safes."""

    far: FarPreferences
    safes: Safes
    """Where this cloud has its keys."""
    vault: Vault

    async def sets(self, grant: Grant, request_id: str | None) -> Value:
        """Return the sets of a grant's key. Raises StoreUnavailable."""
        key = await self._key(grant)
        if key is None or reserved(key):
            return {}
        return await self.far.read(key, request_id=request_id)

    async def save(self, wish: Wish, author: Author, now: Millis) -> None:
        """Send a document on; a key that is new is made here after it was there.

        A crash in between leaves a key that is made here at the next save. Raises Rejected and
        StoreUnavailable.
        """
        found = await self.safes.find_safe(wish.digests)
        if found is None and not (wish.key and author.may_make_keys):
            raise Rejected(Why.NOT_ALLOWED)
        if found is not None:
            check_changeable(_without_safe(found))
        key = wish.key or self._opened(found)
        if key is None:
            raise Rejected(Why.NOT_ALLOWED)
        await self.far.merge(key, wish.document, request_id=author.request_id)
        if found is None:
            await self._make(key, wish, author, now)

    async def _key(self, grant: Grant) -> GpiiKey | None:
        """Return the key, which the request may not have said."""
        if grant.key is not None:
            return grant.key
        return self._opened(await self.safes.find_safe(grant.key_digests))

    def _opened(self, found: KeyAndSafe | None) -> GpiiKey | None:
        if found is None:
            return None
        key = found.key
        return GpiiKey(self.vault.unseal(key.sealed, key.digest).decode())

    async def _make(self, key: GpiiKey, wish: Wish, author: Author, now: Millis) -> None:
        """Remember a key that the other side has made, unless somebody was first."""

        def change(found: KeyAndSafe | None) -> KeyAndSafe:
            if found is not None:
                return found
            made = new_key(key, wish.digests, author, self.vault, now)
            return KeyAndSafe(key=made, safe=None, event=key_made(made, author, now))

        await self.safes.change_safe(wish.digests, change)


def _without_safe(found: KeyAndSafe) -> KeyAndSafe:
    """Look at the key alone: a safe, wherever it is here, is the other side's affair."""
    return replace(found, key=replace(found.key, safe_id=None), safe=None)
