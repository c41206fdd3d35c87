"""The half of the forgetful store that holds client keys and used proofs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from keyin.domain.records import Status
from keyin.stores.memory_audit import MemoryAudit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keyin.domain.environment import Millis
    from keyin.domain.events import Event
    from keyin.domain.records import ClientKey, ProofUse


class MemoryClientKeys(MemoryAudit):
    """What a method does stands with its port."""

    def __init__(self) -> None:
        super().__init__()
        self._client_keys: dict[str, ClientKey] = {}
        self._uses: dict[tuple[str, str], Millis] = {}

    async def find_client_key(self, kid: str) -> ClientKey | None:
        """See oauth.ports.ClientKeys."""
        return self._client_keys.get(kid)

    async def note_key_use(self, kid: str, *, now: Millis) -> None:
        """See oauth.ports.ClientKeys."""
        if kid in self._client_keys:
            self._client_keys[kid] = replace(self._client_keys[kid], last_used=now)

    async def came_before(self, uses: Sequence[ProofUse]) -> ProofUse | None:
        """See oauth.ports.Replays."""
        return next((use for use in uses if (use.namespace, use.digest) in self._uses), None)

    async def remember(self, uses: Sequence[ProofUse], *, now: Millis) -> bool:  # noqa: ARG002 - the port's
        """See oauth.ports.Replays."""
        return self.used_before(uses) is None

    async def spend(
        self, uses: Sequence[ProofUse], *, event: Event | None = None
    ) -> ProofUse | None:
        """See oauth.ports.Replays."""
        before = self.used_before(uses)
        if before is None and event is not None:
            self.append_event(event)
        return before

    def used_before(self, uses: Sequence[ProofUse]) -> ProofUse | None:
        """Use all of these up; return the first that came before."""
        before = None
        for use in uses:
            name = (use.namespace, use.digest)
            if name in self._uses:
                before = before or use
            else:
                self._uses[name] = use.expires
        return before

    def put_client_key(self, key: ClientKey) -> bool:
        """Remember a key unless it is there; say whether it was new."""
        return self._client_keys.setdefault(key.kid, key) is key

    def revoke_one_client_key(self, kid: str) -> ClientKey | None:
        """Mark a key and return it, if it is there."""
        key = self._client_keys.get(kid)
        if key is not None:
            self._client_keys[kid] = replace(key, status=Status.REVOKED, epoch=key.epoch + 1)
        return key
