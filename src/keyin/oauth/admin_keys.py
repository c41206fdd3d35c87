"""The administrator's ops on GPII keys: make one, say what it may do, look at it, take it back.

A key made here has 256 random bits (P44) and is said once, to who made it. A word about a key moves
its epoch: tokens for it end at once, and the next ones obey.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

import msgspec
from msgspec.structs import replace

from keyin.domain.errors import Refused, msgid
from keyin.domain.events import Act, pseudonym
from keyin.domain.key_policy import OPEN, KeyPolicy, pin_text
from keyin.domain.key_strength import low_entropy
from keyin.domain.records import UNRESTRICTED, Key, Lineage, Origin, Status, Unrestricted
from keyin.domain.reserved_keys import reserved
from keyin.domain.secret import GpiiKey
from keyin.oauth.ports import Peppers
from keyin.wire import admin_keys as wire
from keyin.wire.admin import Changed
from keyin.wire.jose import wrapped

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keyin.domain.environment import Entropy, Millis
    from keyin.domain.events import Event
    from keyin.domain.records import Digest
    from keyin.oauth.administration import Acting, Operations

_BYTES: Final = 32


class Store(Protocol):
    """What this reads and writes; what changes something writes its event with it."""

    async def find_key(self, digests: Sequence[Digest]) -> Key | None:
        """See oauth.ports.Keys."""
        ...

    async def add_key(self, key: Key, *, event: Event) -> bool:
        """Write a new key down; False if there is one with its digest."""
        ...

    async def set_key_policy(
        self, digests: Sequence[Digest], policy: KeyPolicy | None, *, now: Millis, event: Event
    ) -> bool:
        """Give a key another policy, and end the tokens for it; False if there is no such key."""
        ...

    async def revoke_key(
        self, digests: Sequence[Digest], *, reason: str | None, now: Millis, event: Event
    ) -> bool:
        """See oauth.ports.Revocations."""
        ...


class Secrets(Peppers, Protocol):
    """Digests, and what a key is sealed with."""

    def seal(self, plaintext: bytes, context: str) -> bytes:
        """Encrypt; opens only with the same context."""
        ...


class KeyOperations(msgspec.Struct, frozen=True, kw_only=True):
    """Answers about keys."""

    store: Store
    secrets: Secrets
    entropy: Entropy

    def operations(self) -> Operations:
        """Return what answers each op."""
        return {
            wire.CreateKey: self.create,
            wire.SetKeyPolicy: self.set_policy,
            wire.ShowKey: self.show,
            wire.RevokeKey: self.revoke,
        }

    async def create(self, op: wire.CreateKey, acting: Acting) -> wire.KeyMade:
        """Make one; its preferences come with the first that are saved."""
        key = self._random()
        policy = KeyPolicy(
            pin=self._pin(key, op.pin),
            sites=UNRESTRICTED if op.sites is None else op.sites,
            machines=op.machines,
            read_only=op.read_only,
        )
        record = self._record(key, policy, op.site, acting.at)
        event = _event(acting, Act.KEY_CREATED, record.digest, policy, site=op.site)
        await self.store.add_key(record, event=event)
        return wire.KeyMade(key=key.reveal(), pseudonym=pseudonym(record.digest))

    async def set_policy(self, op: wire.SetKeyPolicy, acting: Acting) -> Changed:
        """Change what it may do."""
        key = GpiiKey(op.key)
        there = await self._the_key(key)
        if there.status is not Status.ACTIVE:
            raise _over(there.status)
        policy = self._changed(op, key, there.policy or OPEN)
        if policy == (there.policy or OPEN):
            return Changed(changed=False, status=there.status)
        event = _event(acting, Act.POLICY_CHANGED, there.digest, policy)
        await self.store.set_key_policy(
            [there.digest], None if policy == OPEN else policy, now=acting.at, event=event
        )
        return Changed(changed=True, status=there.status)

    async def show(self, op: wire.ShowKey, _: Acting) -> wire.KeyShown:
        """Tell what is known."""
        there = await self._the_key(GpiiKey(op.key))
        policy = there.policy or OPEN
        return wire.KeyShown(
            pseudonym=pseudonym(there.digest),
            status=there.status,
            low_entropy=there.low_entropy,
            has_preferences=there.safe_id is not None,
            pin=policy.pin is not None,
            sites=_listed(policy.sites),
            machines=policy.machines,
            read_only=policy.read_only,
            site=there.lineage.site,
            origin=there.lineage.origin,
            created=there.created,
            revoked=there.revoked,
            revoked_reason=there.revoked_reason,
        )

    async def revoke(self, op: wire.RevokeKey, acting: Acting) -> Changed:
        """Take it back."""
        there = await self._the_key(GpiiKey(op.key))
        if there.status is Status.REVOKED:
            return Changed(changed=False, status=there.status)
        event = acting.event(Act.KEY_REVOKED, key=pseudonym(there.digest), reason=op.reason)
        await self.store.revoke_key([there.digest], reason=op.reason, now=acting.at, event=event)
        return Changed(changed=True, status=Status.REVOKED)

    async def _the_key(self, key: GpiiKey) -> Key:
        """Return the record. Raises Refused."""
        if reserved(key):
            raise Refused(
                "reserved_key",
                msgid("this word is nobody's key"),
                next_step=msgid("Keys are made with `keyin key create`."),
            )
        found = await self.store.find_key(self.secrets.digests("key", key.reveal()))
        if found is None:
            raise Refused(
                "unknown_key",
                msgid("there is no such key"),
                next_step=msgid("Look at the key again; letters count, large and small."),
            )
        return found

    def _random(self) -> GpiiKey:
        """Return a key of a form that shows that it was made at random."""
        while True:
            key = GpiiKey(wrapped(self.entropy.token_bytes(_BYTES)))
            if not low_entropy(key):
                return key

    def _record(self, key: GpiiKey, policy: KeyPolicy, site: str | None, now: Millis) -> Key:
        digest = self.secrets.digests("key", key.reveal())[0]
        return Key(
            digest=digest,
            sealed=self.secrets.seal(key.reveal().encode(), digest),
            safe_id=None,
            prefs_set_id=None,
            lineage=Lineage(site=site, origin=Origin.ADMINISTRATOR),
            status=Status.ACTIVE,
            epoch=0,
            low_entropy=False,
            revoked_reason=None,
            created=now,
            updated=None,
            revoked=None,
            policy=None if policy == OPEN else policy,
        )

    def _pin(self, key: GpiiKey, pin: str | None) -> Digest | None:
        return None if pin is None else self.secrets.digests("pin", pin_text(key.reveal(), pin))[0]

    def _changed(self, op: wire.SetKeyPolicy, key: GpiiKey, policy: KeyPolicy) -> KeyPolicy:
        if op.pin is not None or op.no_pin:
            policy = replace(policy, pin=self._pin(key, op.pin))
        if op.sites is not None or op.any_site:
            policy = replace(policy, sites=UNRESTRICTED if op.sites is None else op.sites)
        if op.machines is not None or op.any_machines:
            policy = replace(policy, machines=op.machines)
        return policy if op.read_only is None else replace(policy, read_only=op.read_only)


def _event(
    acting: Acting, act: Act, key: Digest, policy: KeyPolicy, *, site: str | None = None
) -> Event:
    """Say what a key may do from now on; of the PIN, that there is one."""
    sites = _listed(policy.sites)
    said = {
        "pin": "yes" if policy.pin is not None else None,
        "sites": None if sites is None else ", ".join(sites),
        "machines": None if policy.machines is None else str(policy.machines),
        "read_only": "yes" if policy.read_only else None,
    }
    detail = {name: word for name, word in said.items() if word is not None}
    return acting.event(act, key=pseudonym(key), site=site, detail=detail)


def _listed(sites: tuple[str, ...] | Unrestricted) -> tuple[str, ...] | None:
    return None if isinstance(sites, Unrestricted) else sites


def _over(status: Status) -> Refused:
    return Refused(
        "not_from_here",
        msgid("it is %(status)s, and that cannot be changed so"),
        next_step=msgid("What was revoked stays so; register it anew."),
        status=status.value,
    )
