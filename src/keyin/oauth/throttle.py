"""The limits of the authorization server: who fails often waits, who collects keys is stopped.

Asked before what is dear and told of what failed; ADR 25 says what each limit is for. Every limit
is a client's own first (P43): a bucket of an address slows only those whom nobody knows there, and
one of a site is large enough that one computer alone cannot empty it.
"""

from __future__ import annotations

from enum import Enum, auto
from functools import lru_cache
from hashlib import sha256
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Protocol

import msgspec

from keyin.domain.environment import Millis
from keyin.domain.events import Act, Event, pseudonym
from keyin.domain.limits import Bucket, bucket
from keyin.domain.networks import HOUSEHOLD_BITS, IPV4_BITS, household
from keyin.domain.records import Status
from keyin.oauth.administration_ports import Word
from keyin.oauth.errors import Reason, Refusal, too_many
from keyin.oauth.throttle_ports import Alarms, Quotas, Stopping

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keyin.domain.networks import Address
    from keyin.domain.records import Client, Digest, RecordId
    from keyin.oauth.client_auth import Authenticated

HOUR_MS: Final = 3_600_000
OTHERWISE: Final = "other"
"""What counts for a computer of a type that is not listed, or of none."""
FAILED_KEYS: Final = bucket(100, 20)
SITE_FAILED_KEYS: Final = bucket(1000, 200)
FAILED_PROOFS: Final = bucket(50, 20)
ADDRESS_FAILED_PROOFS: Final = bucket(300, 60)
UNPROVEN_WISHES: Final = bucket(300, 60)
_DIGEST: Final = 64  # characters of HMAC-SHA-256, behind the pepper's name
_SHOWN: Final = 16  # of them, those that tell members apart


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """How much of what; the configuration says so."""

    keys_an_hour: Mapping[str, int] = msgspec.field(
        default_factory=lambda: MappingProxyType({"public": 300, "private": 30, OTHERWISE: 60})
    )
    """Distinct keys of one client, by its computer's type."""
    suspend_at: int = 2
    """A client that presents so many times as many is stopped."""
    failed_keys: Bucket = FAILED_KEYS
    site_failed_keys: Bucket = SITE_FAILED_KEYS
    weak_key_cost: int = 5
    """What a failed key costs that could be guessed, the first time it comes."""
    failed_proofs: Bucket = FAILED_PROOFS
    """Of one client at one address."""
    address_failed_proofs: Bucket = ADDRESS_FAILED_PROOFS
    unproven_wishes: Bucket = UNPROVEN_WISHES
    """Of public applications at one address: each is remembered for a while."""


class Turn(Enum):
    """What the limits say of a key that may be looked at."""

    FIRST = auto()
    AGAIN = auto()
    """This client presented it within the hour before."""


class Store(Quotas, Stopping, Protocol):
    """What this reads and writes."""


class Throttle(msgspec.Struct, frozen=True, kw_only=True):
    """Counts and refuses; each raises StoreUnavailable."""

    store: Store
    alarms: Alarms
    rules: Rules = msgspec.field(default_factory=Rules)

    async def before_proof(
        self, claimed: str, address: Address | None, *, known: bool, now: Millis
    ) -> Refusal | None:
        """Refuse to look at a signature: this client failed here too often just now.

        `known`: there is a client with that key. Of others, the address's failures count as well.
        """
        pair, place = _names(claimed, address)
        asked = [(pair, self.rules.failed_proofs)]
        if not known:
            asked.append((place, self.rules.address_failed_proofs))
        wait = await self.store.wait(asked, now=now)
        if wait:
            return self._refused("failed_proofs", wait)
        self.alarms.signature_checked()
        return None

    async def after_failed_proof(
        self, claimed: str, address: Address | None, refusal: Refusal, *, now: Millis
    ) -> Refusal:
        """Count a client that did not prove itself; return what it is told.

        A secret is looked at however often it was wrong, since that costs nothing: who has the
        right one gets in past everybody else's failures.
        """
        if refusal.reason is Reason.NO_CREDENTIALS:
            return refusal
        pair, place = _names(claimed, address)
        rules = self.rules
        wait = await self.store.wait(
            [(pair, rules.failed_proofs), (place, rules.address_failed_proofs)], now=now
        )
        if await self.store.charge(pair, rules.failed_proofs, cost=1, now=now):
            self.alarms.limit_reached("failed_proofs")
        if await self.store.charge(place, rules.address_failed_proofs, cost=1, now=now):
            self.alarms.limit_reached("failed_proofs_of_address")
        return self._refused("failed_proofs", wait) if wait else refusal

    async def before_unproven_wish(self, address: Address | None, *, now: Millis) -> Refusal | None:
        """Let somebody who proved nothing leave a wish, or refuse: too many came from there."""
        name, rule = f"w:{_network(address)}", self.rules.unproven_wishes
        wait = await self.store.wait([(name, rule)], now=now)
        if wait:
            return self._refused("unproven_wishes", wait)
        if await self.store.charge(name, rule, cost=1, now=now):
            self.alarms.limit_reached("unproven_wishes")
        return None

    async def before_key(self, by: Authenticated, key: Digest, *, now: Millis) -> Turn | Refusal:
        """Let a key be looked at, or refuse: too many failed, or too many different ones."""
        client, rules, hour = by.client, self.rules, now // HOUR_MS
        own, site, distinct = _key_names(client.id, client.lineage.site, hour)
        wait = await self.store.wait(
            ((own, rules.failed_keys), (site, rules.site_failed_keys)), now=now
        )
        if wait:
            return self._refused("failed_keys", wait)
        found = await self.store.note(
            distinct,
            _member(key),
            until=Millis((hour + 1) * HOUR_MS),
            most=self._most(client),
            now=now,
        )
        if found is None:
            return await self._too_many_keys(by, key, now)
        return Turn.FIRST if found else Turn.AGAIN

    async def after_failed_key(
        self, by: Authenticated, turn: Turn, *, weak: bool, now: Millis
    ) -> None:
        """Count a key that opened nothing. A reader that repeats itself guesses nothing."""
        rules = self.rules
        own, site, _ = _key_names(by.client.id, by.client.lineage.site, now // HOUR_MS)
        cost = rules.weak_key_cost if weak and turn is Turn.FIRST else 1
        if await self.store.charge(own, rules.failed_keys, cost=cost, now=now):
            self.alarms.limit_reached("failed_keys")
        if await self.store.charge(site, rules.site_failed_keys, cost=cost, now=now):
            self.alarms.limit_reached("failed_keys_of_site")

    async def _too_many_keys(self, by: Authenticated, key: Digest, now: Millis) -> Refusal:
        """Count what comes over the limit; at the second bound, stop the client."""
        client, most = by.client, self._most(by.client)
        hour = now // HOUR_MS
        until = Millis((hour + 1) * HOUR_MS)
        names = (f"o:{client.id}:{hour}", _key_names(client.id, client.lineage.site, hour)[2])
        over = most * (self.rules.suspend_at - 1)
        count = await self.store.note(names[0], _member(key), until=until, most=over, now=now)
        if count == 1:
            self.alarms.limit_reached("distinct_keys")
        if count is None or count >= over:
            await self._stop(by, most * self.rules.suspend_at, key, now)
            await self.store.forget(names)
        return self._refused("distinct_keys", until - now)

    async def _stop(self, by: Authenticated, count: int, key: Digest, now: Millis) -> None:
        event = Event(
            act=Act.CLIENT_SUSPENDED,
            at=now,
            actor=by.credential.oauth2_client_id,
            client=by.client.id,
            site=by.client.lineage.site,
            key=pseudonym(key),
            reason=Reason.DISTINCT_KEYS,
            detail={"keys": str(count)},
        )
        word = Word(status=Status.SUSPENDED, reason=Reason.DISTINCT_KEYS, now=now, event=event)
        if await self.store.set_client_status(
            by.client.id, word, only_from=frozenset({Status.ACTIVE})
        ):
            self.alarms.suspended(count)

    def _most(self, client: Client) -> int:
        limits = self.rules.keys_an_hour
        found = limits.get(client.computer_type or OTHERWISE)
        return limits[OTHERWISE] if found is None else found

    def _refused(self, limit: str, wait_ms: int) -> Refusal:
        self.alarms.refused(limit)
        return too_many(wait_ms)


def _member(key: Digest) -> str:
    """Return enough of a digest to tell keys apart: of its 64 characters, the first."""
    return key[-_DIGEST : _SHOWN - _DIGEST]


def _hashed(text: str) -> str:
    """Return what stands for a text that somebody sent: it may be anything, of any length."""
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_SHOWN]


@lru_cache(maxsize=4096)
def _names(claimed: str, address: Address | None) -> tuple[str, str]:
    """Name the buckets of a client at a network, and of the network."""
    network = _network(address)
    return f"p:{_hashed(claimed)}@{network}", f"a:{network}"


def _network(address: Address | None) -> str:
    if address is None:
        return "-"
    own = household(address)
    if own.bits == IPV4_BITS:
        return f"4:{own.value:x}"
    return f"6:{own.value >> HOUSEHOLD_BITS:x}"


@lru_cache(maxsize=4096)
def _key_names(client: RecordId, site: str | None, hour: int) -> tuple[str, str, str]:
    """Name a client's bucket, its site's, and the set of its keys of this hour.

    A client without a site is its own.
    """
    of_site = f"s:{_hashed(site)}" if site else f"s:-{client}"
    return f"k:{client}", of_site, f"d:{client}:{hour}"
