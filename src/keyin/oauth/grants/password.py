"""The GPII-key grant of the meeting notes: a client asks for a token for the key it was given.

On the wire it is RFC 6749 §4.3's `password` grant: `username` is the key, `password` anything.
Answered only to a client marked legacy and until that client's own date (P102).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from keyin.domain.grant import SETTINGS_SCOPE
from keyin.domain.networks import Address, allowed
from keyin.domain.records import ClientKind, Key, Status
from keyin.oauth.errors import Reason, Refusal, unauthorized, unsupported_grant_type
from keyin.oauth.issuing import Asked, issue
from keyin.oauth.parameters import Parameters, check_presence, check_scope, text
from keyin.oauth.ports import Keys, Peppers, Tokens

if TYPE_CHECKING:
    from keyin.domain.environment import Entropy, Millis
    from keyin.domain.records import Digest
    from keyin.domain.secret import AccessToken
    from keyin.oauth.client_auth import Authenticated

GRANT_TYPE: Final = "password"
LIFETIME_S: Final = 3600


class Store(Keys, Tokens, Protocol):
    """What this grant reads and writes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """A new token, the seconds it lives, and until when its client may ask for more."""

    token: AccessToken
    lifetime_s: int
    until: Millis


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordGrant:
    """Checks in the order of cloud-wire §3.2, rows 5 to 12."""

    store: Store
    peppers: Peppers
    entropy: Entropy

    async def answer(
        self,
        parameters: Parameters,
        by: Authenticated,
        *,
        address: Address | None,
        now: Millis,
    ) -> Issued | Refusal:
        """Issue a new token, always a new one, or refuse. Raises StoreUnavailable."""
        until = by.client.legacy_until
        if until is None or now >= until:
            return unsupported_grant_type(GRANT_TYPE, Reason.NOT_LEGACY)
        refusal = (
            check_presence(parameters, ("username", "password"))
            or check_scope(parameters)
            or check_network(by, address)
        )
        if refusal:
            return refusal
        digests = self.peppers.digests("key", text(parameters["username"]) or "")
        key = await self.store.find_key(digests)
        refusal = check_key(parameters, key, by) or check_kind(by)
        if refusal:
            return refusal
        token = await self._issue(by, key, digests[0] if key is None else key.digest, now)
        return Issued(token=token, lifetime_s=LIFETIME_S, until=until)

    async def _issue(
        self, by: Authenticated, key: Key | None, key_digest: Digest, now: Millis
    ) -> AccessToken:
        asked = Asked(key=key, key_digest=key_digest, scope=SETTINGS_SCOPE, lifetime_s=LIFETIME_S)
        return await issue(
            asked, by, tokens=self.store, peppers=self.peppers, entropy=self.entropy, now=now
        )


def check_network(by: Authenticated, address: Address | None) -> Refusal | None:
    """Refuse an address outside the credential's networks."""
    if not allowed(address, by.credential.policy.networks):
        return unauthorized(Reason.NETWORK)
    return None


def check_key(parameters: Parameters, key: Key | None, by: Authenticated) -> Refusal | None:
    """Refuse a key that is not there, unless both privileges let it be made later; or not active.

    Only GPII keys are looked at, so that the name of another record is an unknown key (O3).
    """
    policy = by.credential.policy
    if text(parameters["username"]) is None:
        return unauthorized(Reason.UNKNOWN_KEY)
    if key is None and not (policy.may_create_keys and policy.may_create_safes):
        return unauthorized(Reason.UNKNOWN_KEY)
    if key is not None and key.status is not Status.ACTIVE:
        return unauthorized(Reason.KEY_NOT_ACTIVE)
    return None


def check_kind(by: Authenticated) -> Refusal | None:
    """Refuse a client that is no installation."""
    if by.client.kind is not ClientKind.INSTALLATION:
        return unauthorized(Reason.CLIENT_OF_ANOTHER_KIND)
    return None
