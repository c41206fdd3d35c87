"""The part of the forgetful store in which an administrator changes GPII keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from keyin.stores.memory_audit import MemoryAudit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keyin.domain.environment import Millis
    from keyin.domain.events import Event
    from keyin.domain.key_policy import KeyPolicy
    from keyin.domain.records import Digest, Key


class MemoryKeyRegister(MemoryAudit):
    """What a method does stands with its port, oauth.admin_keys."""

    _keys: dict[Digest, Key]

    async def add_key(self, key: Key, *, event: Event) -> bool:
        """See Store."""
        if key.digest in self._keys:
            return False
        self._keys[key.digest] = key
        self.append_event(event)
        return True

    async def set_key_policy(
        self, digests: Sequence[Digest], policy: KeyPolicy | None, *, now: Millis, event: Event
    ) -> bool:
        """See Store."""
        found = [digest for digest in digests if digest in self._keys]
        for digest in found:
            key = self._keys[digest]
            self._keys[digest] = replace(key, policy=policy, epoch=key.epoch + 1, updated=now)
            self.append_event(event)
        return bool(found)
