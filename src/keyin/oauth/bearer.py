"""From an Authorization header to what it may do (RFC 6750 §2.1); deny first.

A token is alive only while everything that it was issued under is: itself, its client, its
credential, its key, and the epoch of each. The networks are checked here again (P25). A token that
is bound to a key comes with a fresh proof of it, under the scheme `DPoP` only (RFC 9449 §7.1).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from keyin.domain.grant import SETTINGS_AUDIENCE, Grant
from keyin.domain.key_policy import narrowed, opens_at
from keyin.domain.networks import Address, allowed
from keyin.domain.records import Status, StoredGrant
from keyin.domain.reserved_keys import reserved
from keyin.domain.secret import AccessToken, equal
from keyin.oauth.client_auth import why_not_active
from keyin.oauth.digests import matches
from keyin.oauth.dpop import NAMESPACE, Dpop
from keyin.oauth.errors import Reason
from keyin.oauth.proven_client import proof_use
from keyin.wire.dpop_proofs import Proof

if TYPE_CHECKING:
    from keyin.domain.environment import Millis
    from keyin.domain.records import Digest
    from keyin.domain.secret import GpiiKey
    from keyin.oauth.asked import Sent
    from keyin.oauth.ports import Peppers, Replays, Tokens
    from keyin.oauth.throttle_ports import Places

HALF_SECOND: Final = 500  # milliseconds: what remains is rounded to whole seconds (§3.6)
_PARTS: Final = 2


class Denial(msgspec.Struct, frozen=True):
    """No; the reason is for the audit log."""

    reason: Reason


class Presented(msgspec.Struct, frozen=True, kw_only=True):
    """A token as it came: `dpop` says under which of the two schemes."""

    token: AccessToken
    dpop: bool


def presented(header: str | None) -> Presented | None:
    """Read an Authorization header: two words, the first `bearer` or `dpop` in any case."""
    parts = (header or "").split()
    if len(parts) != _PARTS or parts[0].lower() not in {"bearer", "dpop"}:
        return None
    return Presented(token=AccessToken(parts[1]), dpop=parts[0].lower() == "dpop")


class Bearer(msgspec.Struct, frozen=True, kw_only=True):
    """Checks tokens against the store."""

    tokens: Tokens
    peppers: Peppers
    dpop: Dpop | None = None
    """None: no token that is bound to a key opens anything."""
    replays: Replays | None = None
    places: Places | None = None
    """None: no key opens anything that may be open at a few computers only."""

    async def identify(
        self,
        header: str | None,
        key: GpiiKey | None,
        *,
        address: Address | None,
        now: Millis,
        sent: Sent | None = None,
        scope: str | None = None,
    ) -> Grant | Denial:
        """Return what the header opens for this key, and nothing for another.

        `key` None: the route names none, and the token's own is meant. `scope` is what the route
        asks for. Raises StoreUnavailable.
        """
        shown = presented(header)
        if shown is None:
            return Denial(Reason.NO_TOKEN)
        stored = await self._stored(shown, SETTINGS_AUDIENCE, address=address, now=now)
        if isinstance(stored, Denial):
            return stored
        key_digests = self._own_digests(stored.token.key_digest, key)
        if key_digests is None:
            return Denial(Reason.ANOTHER_KEY)
        policy = stored.key.policy if stored.key else None
        reason = await self._unproven(shown, stored.token.cnf_jkt, sent, now)
        if reason is None and policy is not None and policy.machines is not None:
            reason = await self._without_place(stored, now)
        if reason:
            return Denial(reason)
        if scope is not None and scope not in narrowed(policy, stored.token.scope).split(" "):
            return Denial(Reason.SCOPE)
        return _granted(stored, key, key_digests)

    async def identify_other(
        self,
        header: str | None,
        *,
        audience: str,
        scope: str,
        address: Address | None,
        now: Millis,
        sent: Sent | None,
    ) -> StoredGrant | Denial:
        """Return what a token of another class than settings opens. Raises StoreUnavailable."""
        shown = presented(header)
        if shown is None:
            return Denial(Reason.NO_TOKEN)
        stored = await self._stored(shown, audience, address=address, now=now)
        if isinstance(stored, Denial):
            return stored
        reason = await self._unproven(shown, stored.token.cnf_jkt, sent, now)
        if reason is None and scope not in stored.token.scope.split(" "):
            reason = Reason.SCOPE
        return stored if reason is None else Denial(reason)

    async def _stored(
        self, shown: Presented, audience: str, *, address: Address | None, now: Millis
    ) -> StoredGrant | Denial:
        """Find the token, and look at everything but its proof."""
        stored = await self.tokens.find_grant(self.peppers.digests("token", shown.token.reveal()))
        if stored is None:
            return Denial(Reason.UNKNOWN_TOKEN)
        if stored.token.audience != audience:
            return Denial(Reason.WRONG_AUDIENCE)
        reason = reason_to_deny(stored, address=address, now=now)
        return Denial(reason) if reason else stored

    def _own_digests(self, own: Digest, key: GpiiKey | None) -> tuple[Digest, ...] | None:
        """Return the digests of the key that is meant, if the token is for it."""
        if key is None:
            return (own,)
        digests = self.peppers.digests("key", key.reveal())
        return digests if matches(digests, own) and not reserved(key) else None

    async def _unproven(
        self, shown: Presented, jkt: str | None, sent: Sent | None, now: Millis
    ) -> Reason | None:
        """Return what is wrong with scheme and proof; a right proof is used up."""
        if shown.dpop != (jkt is not None):
            return Reason.SCHEME
        if jkt is None:
            return None
        if self.dpop is None or self.replays is None or sent is None:
            return Reason.NO_PROOF
        proof = self.dpop.check(sent, now=now, token=shown.token)
        if not isinstance(proof, Proof):
            return proof
        if not equal(proof.jkt, jkt):
            return Reason.WRONG_PROOF
        use = proof_use(NAMESPACE, proof.jkt, proof.jti, proof.expires)
        return None if await self.replays.remember([use], now=now) else Reason.REPLAYED

    async def _without_place(self, stored: StoredGrant, now: Millis) -> Reason | None:
        """Refuse a computer that gave its place back, of a key that is open at a few only."""
        held = self.places is not None and await self.places.holds_place(
            stored.token.key_digest, stored.client.id, now=now
        )
        return None if held else Reason.NO_PLACE


def _granted(stored: StoredGrant, key: GpiiKey | None, key_digests: tuple[Digest, ...]) -> Grant:
    return Grant(
        key=key,
        key_digests=key_digests,
        client_id=stored.client.id,
        credential_id=stored.credential.id,
        policy=stored.credential.policy,
        lineage=stored.client.lineage,
        safe=stored.safe,
    )


def reason_to_deny(stored: StoredGrant, *, address: Address | None, now: Millis) -> Reason | None:
    """Return the first thing that is not as it must be, of a token of whatever audience."""
    return _ended(stored, now) or _elsewhere(stored, address)


def _ended(stored: StoredGrant, now: Millis) -> Reason | None:
    """Tell whether the token, or anything that it was issued under, is no longer active."""
    if stored.token.status is not Status.ACTIVE:
        return Reason.TOKEN_NOT_ACTIVE
    if stored.token.expires - now < HALF_SECOND:
        return Reason.EXPIRED
    if stored.client.status is not Status.ACTIVE:
        return why_not_active(stored.client)
    if stored.credential.status is not Status.ACTIVE:
        return Reason.CREDENTIAL_NOT_ACTIVE
    if stored.key is not None and stored.key.status is not Status.ACTIVE:
        return Reason.KEY_NOT_ACTIVE
    return None


def _elsewhere(stored: StoredGrant, address: Address | None) -> Reason | None:
    """Tell whether it opens something here, and nothing was revoked in between."""
    if stored.key is not None and not opens_at(stored.key.policy, stored.client.lineage.site):
        return Reason.ANOTHER_SITE
    if epochs_moved(stored):
        return Reason.EPOCH
    return None if allowed(address, stored.credential.policy.networks) else Reason.NETWORK


def epochs_moved(stored: StoredGrant) -> bool:
    """Tell whether anything was revoked since the token was issued, even if restored after."""
    token, key = stored.token, stored.key
    if token.key_epoch is not None and (key is None or key.epoch != token.key_epoch):
        return True
    return (
        token.client_epoch != stored.client.epoch
        or token.credential_epoch != stored.credential.epoch
        or token.store_epoch != stored.store_epoch
    )
