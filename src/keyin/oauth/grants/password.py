"""The GPII-key grant of the meeting notes: a client asks for a token for the key it was given.

On the wire it is RFC 6749 §4.3's `password` grant: `username` is the key, `password` its PIN, or
anything where the key has none.
Answered only to a client marked legacy and until that client's own date (P102).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
from msgspec.structs import replace

from keyin.domain.grant import SETTINGS_SCOPE
from keyin.domain.networks import Address, allowed
from keyin.domain.records import ClientKind
from keyin.domain.secret import GpiiKey
from keyin.oauth.errors import Reason, Refusal, unauthorized, unsupported_grant_type
from keyin.oauth.issuing import Asked, issue
from keyin.oauth.key_door import KeyDoor, Opened, Shown
from keyin.oauth.parameters import Parameters, check_presence, check_scope, text

if TYPE_CHECKING:
    from keyin.domain.environment import Entropy, Millis
    from keyin.domain.secret import AccessToken
    from keyin.oauth.auditing import Occasion
    from keyin.oauth.client_auth import Authenticated
    from keyin.oauth.ports import Peppers, Tokens

GRANT_TYPE: Final = "password"
LIFETIME_S: Final = 3600


class Issued(msgspec.Struct, frozen=True, kw_only=True):
    """A new token, the seconds it lives, and until when its client may ask for more."""

    token: AccessToken
    lifetime_s: int
    until: Millis


class PasswordGrant(msgspec.Struct, frozen=True, kw_only=True):
    """Checks in the order of cloud-wire §3.2, rows 5 to 12."""

    door: KeyDoor
    tokens: Tokens
    peppers: Peppers
    entropy: Entropy

    async def answer(
        self,
        parameters: Parameters,
        by: Authenticated,
        on: Occasion,
    ) -> Issued | Refusal:
        """Issue a new token, always a new one, or refuse. Raises StoreUnavailable."""
        until = by.client.legacy_until
        if until is None or on.now >= until:
            return unsupported_grant_type(GRANT_TYPE, Reason.NOT_LEGACY)
        refusal = (
            check_presence(parameters, ("username", "password"))
            or check_scope(parameters)
            or check_network(by, on.address)
            or check_kind(by)
        )
        if refusal:
            return refusal
        presented = shown(parameters, by, on.now)
        opened = await self.door.open(presented)
        if isinstance(opened, Reason):
            key = self.peppers.digests("key", presented.key.reveal())[0]
            return replace(unauthorized(opened), key=key)
        if isinstance(opened, Refusal):
            return opened
        token = await self._issue(by, opened, on)
        return Issued(token=token, lifetime_s=LIFETIME_S, until=until)

    async def _issue(self, by: Authenticated, opened: Opened, on: Occasion) -> AccessToken:
        asked = Asked(
            key=opened.key,
            key_digest=opened.digest,
            scope=opened.scope,
            lifetime_s=LIFETIME_S,
            grant=GRANT_TYPE,
        )
        return await issue(
            asked, by, tokens=self.tokens, peppers=self.peppers, entropy=self.entropy, on=on
        )


def shown(parameters: Parameters, by: Authenticated, now: Millis) -> Shown:
    """Return the key as it was presented; what is no text is the name of no key.

    A key that is not there may be asked for with both privileges: it is made by saving.
    """
    key, policy = text(parameters["username"]), by.credential.policy
    return Shown(
        key=GpiiKey(key or ""),
        pin=text(parameters["password"]),
        by=by,
        scope=SETTINGS_SCOPE,
        lifetime_s=LIFETIME_S,
        now=now,
        may_be_made=key is not None and policy.may_create_keys and policy.may_create_safes,
    )


def check_network(by: Authenticated, address: Address | None) -> Refusal | None:
    """Refuse an address outside the credential's networks."""
    if not allowed(address, by.credential.policy.networks):
        return unauthorized(Reason.NETWORK)
    return None


def check_kind(by: Authenticated) -> Refusal | None:
    """Refuse a client that is no installation."""
    if by.client.kind is not ClientKind.INSTALLATION:
        return unauthorized(Reason.CLIENT_OF_ANOTHER_KIND)
    return None
