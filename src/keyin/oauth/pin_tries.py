"""How often a key's PIN may be wrong: at one client, and everywhere together.

Four digits are guessed in 10,000 tries, so tries are few. They are counted for each client, so that
a stranger elsewhere locks nobody out; and for the key as a whole, so that many clients together
have few tries too. A client at which the right PIN was given lately is not held up by the latter:
that is how the person's own computers stay open whatever strangers do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from keyin.domain.environment import Millis
from keyin.domain.limits import Bucket

if TYPE_CHECKING:
    from keyin.domain.records import Digest
    from keyin.oauth.client_auth import Authenticated
    from keyin.oauth.throttle_ports import Alarms, Quotas

AT_A_CLIENT: Final = Bucket(burst=5, each_ms=30 * 60_000)
EVERYWHERE: Final = Bucket(burst=20, each_ms=10 * 60_000)
_REMEMBERED_MS: Final = 30 * 86_400_000
_CLIENTS: Final = 1000
"""Of one key, in a month."""


class PinTries(msgspec.Struct, frozen=True, kw_only=True):
    """Counts; each raises StoreUnavailable."""

    quotas: Quotas
    alarms: Alarms

    async def left(self, key: Digest, by: Authenticated, *, now: Millis) -> bool:
        """Say whether a PIN may be tried here now."""
        client, key_name = by.client.id, _key(key)
        month = now // _REMEMBERED_MS
        known = [
            await self.quotas.noted(f"g:{key_name}:{one}", client, now=now)
            for one in (month, month - 1)
        ]
        here = (f"n:{key_name}:{client}", AT_A_CLIENT)
        asked = (here,) if any(known) else (here, (f"n:{key_name}", EVERYWHERE))
        return await self.quotas.wait(asked, now=now) == 0

    async def wrong(self, key: Digest, by: Authenticated, *, now: Millis, locked: bool) -> None:
        """Count a try that failed; one that came while it was locked was no try."""
        cost = 0 if locked else 1
        key_name = _key(key)
        here = f"n:{key_name}:{by.client.id}"
        if await self.quotas.charge(here, AT_A_CLIENT, cost=cost, now=now):
            self.alarms.limit_reached("pins")
        if await self.quotas.charge(f"n:{key_name}", EVERYWHERE, cost=cost, now=now):
            self.alarms.limit_reached("pins_of_key")

    async def right(self, key: Digest, by: Authenticated, *, now: Millis) -> None:
        """Remember that the person was here; their own mistakes are forgiven."""
        key_name, month = _key(key), now // _REMEMBERED_MS
        until = Millis((month + 2) * _REMEMBERED_MS)
        await self.quotas.note(
            f"g:{key_name}:{month}", by.client.id, until=until, most=_CLIENTS, now=now
        )
        await self.quotas.forget([f"n:{key_name}:{by.client.id}"])


def _key(key: Digest) -> str:
    return key.rpartition(":")[2][:16]
