"""Where a GPII key that a client presents is looked at, whatever the grant: limits, key, policy.

Whoever fails is told nothing of why. A key that is unknown, reserved, revoked, suspended, not for
this site, full, or whose PIN was wrong costs the same calls in the same order (P41); only a limit
of the client's own has another answer, and that is given before anything is looked up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import msgspec

from keyin.domain.environment import Millis
from keyin.domain.key_policy import narrowed, opens_at, pin_needed, pin_text
from keyin.domain.key_strength import low_entropy
from keyin.domain.records import NO_SECRET, Status
from keyin.domain.reserved_keys import reserved
from keyin.oauth.digests import matches
from keyin.oauth.errors import Reason, Refusal
from keyin.oauth.ports import Keys, Peppers
from keyin.oauth.throttle_ports import Places

if TYPE_CHECKING:
    from keyin.domain.records import Digest, Key
    from keyin.domain.secret import GpiiKey
    from keyin.oauth.client_auth import Authenticated
    from keyin.oauth.pin_tries import PinTries
    from keyin.oauth.throttle import Throttle, Turn


class Store(Keys, Places, Protocol):
    """What this reads and writes."""


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """A key as a client presents it."""

    key: GpiiKey
    pin: str | None
    by: Authenticated
    scope: str
    lifetime_s: int
    """How long the token would live."""
    now: Millis
    may_be_made: bool = False
    """A key that does not exist may be asked for: the client may make it by saving."""


class Opened(msgspec.Struct, frozen=True, kw_only=True):
    """A key that a token may be given for, with what its policy leaves of the scope."""

    key: Key | None
    digest: Digest
    scope: str


class KeyDoor(msgspec.Struct, frozen=True, kw_only=True):
    """Asked by every grant that takes a key."""

    store: Store
    peppers: Peppers
    throttle: Throttle
    pins: PinTries

    async def open(self, shown: Shown) -> Opened | Refusal | Reason:
        """Open; or say that it is too often; or why not, which is never told. StoreUnavailable."""
        digests = self.peppers.digests("key", shown.key.reveal())
        turn = await self.throttle.before_key(shown.by, digests[0], now=shown.now)
        if isinstance(turn, Refusal):
            return turn
        key = await self.store.find_key(digests)
        reason = reason_against(key, shown)
        if reason is None and (key is None or key.policy is None):
            return Opened(key=key, digest=key.digest if key else digests[0], scope=shown.scope)
        reason = await self._by_policy(key, shown, reason, digests[0])
        if reason is not None or key is None:
            await self._count(shown, turn)
            return reason or Reason.UNKNOWN_KEY
        return Opened(key=key, digest=key.digest, scope=narrowed(key.policy, shown.scope))

    async def _by_policy(
        self, key: Key | None, shown: Shown, reason: Reason | None, digest: Digest
    ) -> Reason | None:
        """Look at PIN and places; whoever fails already has a PIN looked at all the same."""
        needed = pin_needed(key)
        presented = self.peppers.digests("pin", pin_text(shown.key.reveal(), shown.pin or ""))
        right = matches(presented, needed or NO_SECRET)
        tries = await self.pins.left(digest, shown.by, now=shown.now)
        if reason is None and needed is not None and not (tries and right):
            reason = Reason.WRONG_PIN if tries else Reason.PIN_LOCKED
        if reason is None:
            reason = await self._without_place(key, shown)
        if reason is not None:
            await self.pins.wrong(digest, shown.by, now=shown.now, locked=not tries)
        elif needed is not None:
            await self.pins.right(digest, shown.by, now=shown.now)
        return reason

    async def _without_place(self, key: Key | None, shown: Shown) -> Reason | None:
        """Take one of the places at which the key may be open at once."""
        most = key.policy.machines if key is not None and key.policy is not None else None
        if key is None or most is None:
            return None
        until = Millis(shown.now + shown.lifetime_s * 1000)
        claimed = await self.store.claim_place(
            key.digest, shown.by.client.id, most=most, until=until, now=shown.now
        )
        return None if claimed else Reason.NO_PLACE

    async def _count(self, shown: Shown, turn: Turn) -> None:
        weak = low_entropy(shown.key)
        await self.throttle.after_failed_key(shown.by, turn, weak=weak, now=shown.now)


def reason_against(key: Key | None, shown: Shown) -> Reason | None:
    """Return what is against a token, as far as the records say."""
    if reserved(shown.key):
        return Reason.RESERVED_KEY
    if key is None:
        return None if shown.may_be_made else Reason.UNKNOWN_KEY
    if key.status is not Status.ACTIVE:
        return Reason.KEY_NOT_ACTIVE
    if not opens_at(key.policy, shown.by.client.lineage.site):
        return Reason.ANOTHER_SITE
    return None if narrowed(key.policy, shown.scope) else Reason.SCOPE
