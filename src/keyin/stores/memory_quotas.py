"""The part of the forgetful store that counts for the limits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keyin.domain.environment import Millis
from keyin.domain.records import Client, Status
from keyin.stores.quota_state import QuotaState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keyin.domain.limits import Bucket
    from keyin.domain.records import Digest, RecordId


class MemoryQuotas:
    """What a method does stands with its port."""

    _clients: dict[RecordId, Client]

    def __init__(self) -> None:
        super().__init__()
        self._quotas = QuotaState()
        self._places: dict[Digest, dict[RecordId, Millis]] = {}

    async def wait(self, asked: Sequence[tuple[str, Bucket]], *, now: Millis) -> int:
        """See oauth.throttle_ports.Quotas."""
        return self._quotas.wait(asked, now)

    async def charge(self, name: str, bucket: Bucket, *, cost: int, now: Millis) -> bool:
        """See oauth.throttle_ports.Quotas."""
        return self._quotas.charge(name, bucket, cost, now)

    async def note(
        self, name: str, member: str, *, until: Millis, most: int, now: Millis
    ) -> int | None:
        """See oauth.throttle_ports.Quotas."""
        return self._quotas.note(name, member, until, most, now)

    async def noted(self, name: str, member: str, *, now: Millis) -> bool:
        """See oauth.throttle_ports.Quotas."""
        return self._quotas.noted(name, member, now)

    async def forget(self, names: Sequence[str]) -> None:
        """See oauth.throttle_ports.Quotas."""
        self._quotas.forget(names)

    async def holds_place(self, key: Digest, client: RecordId, *, now: Millis) -> bool:
        """See oauth.throttle_ports.Places."""
        return self._places.get(key, {}).get(client, now) > now

    async def release_place(self, key: Digest, client: RecordId) -> None:
        """See oauth.throttle_ports.Places."""
        self._places.get(key, {}).pop(client, None)

    async def claim_place(
        self, key: Digest, client: RecordId, *, most: int, until: Millis, now: Millis
    ) -> bool:
        """See oauth.throttle_ports.Places."""
        taken = {one: end for one, end in self._places.get(key, {}).items() if end > now}
        others = [one for one in taken if one != client and self._is_active(one)]
        if len(others) >= most:
            return False
        self._places[key] = taken | {client: Millis(max(until, taken.get(client, until)))}
        return True

    def _is_active(self, id_: RecordId) -> bool:
        client = self._clients.get(id_)
        return client is not None and client.status is Status.ACTIVE
