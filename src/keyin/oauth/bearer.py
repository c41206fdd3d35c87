"""From an Authorization header to what it may do (RFC 6750 §2.1); deny first.

A token is alive only while everything that it was issued under is: itself, its client, its
credential, its key, and the epoch of each. The networks are checked here again (P25).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from keyin.domain.grant import SETTINGS_AUDIENCE, Grant
from keyin.domain.networks import Address, allowed
from keyin.domain.records import Status, StoredGrant
from keyin.oauth.digests import matches
from keyin.oauth.errors import Reason

if TYPE_CHECKING:
    from keyin.domain.environment import Millis
    from keyin.domain.secret import GpiiKey
    from keyin.oauth.ports import Peppers, Tokens

HALF_SECOND: Final = 500  # milliseconds: what remains is rounded to whole seconds (§3.6)
_PARTS: Final = 2


@dataclass(frozen=True, slots=True)
class Denial:
    """No; the reason is for the audit log."""

    reason: Reason


def bearer_token(header: str | None) -> str | None:
    """Return the token of an Authorization header: two words, the first `bearer` in any case."""
    parts = (header or "").split()
    if len(parts) != _PARTS or parts[0].lower() != "bearer":
        return None
    return parts[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bearer:
    """Checks bearer tokens against the store."""

    tokens: Tokens
    peppers: Peppers

    async def identify(
        self, header: str | None, key: GpiiKey, *, address: Address | None, now: Millis
    ) -> Grant | Denial:
        """Return what the header opens for this key, and nothing for another.

        Raises StoreUnavailable.
        """
        token = bearer_token(header)
        if token is None:
            return Denial(Reason.NO_TOKEN)
        stored = await self.tokens.find_grant(self.peppers.digests("token", token))
        if stored is None:
            return Denial(Reason.UNKNOWN_TOKEN)
        reason = reason_to_deny(stored, address=address, now=now)
        if reason:
            return Denial(reason)
        key_digests = self.peppers.digests("key", key.reveal())
        if not matches(key_digests, stored.token.key_digest):
            return Denial(Reason.ANOTHER_KEY)
        return Grant(
            key=key,
            key_digests=key_digests,
            client_id=stored.client.id,
            credential_id=stored.credential.id,
            policy=stored.credential.policy,
            lineage=stored.client.lineage,
        )


def reason_to_deny(stored: StoredGrant, *, address: Address | None, now: Millis) -> Reason | None:
    """Return the first thing that is not as it must be."""
    key_active = stored.key is None or stored.key.status is Status.ACTIVE
    must_be = (
        (stored.token.status is Status.ACTIVE, Reason.TOKEN_NOT_ACTIVE),
        (stored.token.expires - now >= HALF_SECOND, Reason.EXPIRED),
        (stored.token.audience == SETTINGS_AUDIENCE, Reason.WRONG_AUDIENCE),
        (stored.client.status is Status.ACTIVE, Reason.CLIENT_NOT_ACTIVE),
        (stored.credential.status is Status.ACTIVE, Reason.CREDENTIAL_NOT_ACTIVE),
        (key_active, Reason.KEY_NOT_ACTIVE),
        (not epochs_moved(stored), Reason.EPOCH),
        (allowed(address, stored.credential.policy.networks), Reason.NETWORK),
    )
    return next((reason for holds, reason in must_be if not holds), None)


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
