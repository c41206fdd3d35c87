"""Token exchange (RFC 8693): a GPII key goes in, a short token for that key alone comes out.

The key is the subject token, under a type of our own. An unknown key, one that is not active and
the name of another record are refused in the same words.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from keyin.domain.records import ClientKind, Key, Status
from keyin.oauth.errors import Code, Reason, Refusal, refused
from keyin.oauth.issuing import Asked, issue

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keyin.domain.environment import Entropy, Millis
    from keyin.domain.secret import AccessToken
    from keyin.oauth.client_auth import Authenticated
    from keyin.oauth.grants.password import Store
    from keyin.oauth.ports import Peppers

GRANT_TYPE: Final = "urn:ietf:params:oauth:grant-type:token-exchange"
KEY_TYPE: Final = "urn:gpii:params:oauth:token-type:gpii-key"
ACCESS_TOKEN_TYPE: Final = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105 - a name
SCOPES: Final = ("settings:read", "settings:write")
LIFETIME_S: Final = 900
_NOT_ACCEPTED: Final = "The subject token is not accepted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchanged:
    """A new token, what it may do, and how it is to be presented."""

    token: AccessToken
    token_type: str
    scope: str
    lifetime_s: int = LIFETIME_S


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenExchange:
    """Answers a client that is authenticated."""

    store: Store
    peppers: Peppers
    entropy: Entropy
    issuer: str

    async def answer(
        self, named: Mapping[str, str], by: Authenticated, *, jkt: str | None, now: Millis
    ) -> Exchanged | Refusal:
        """Issue a token bound to `jkt`, or refuse. Raises StoreUnavailable."""
        refusal = check_client(by) or check_request(named) or check_target(named, self.issuer)
        if refusal:
            return refusal
        scope = scope_of(named)
        if scope is None:
            return refused(Code.INVALID_SCOPE, "No such scope", Reason.SCOPE)
        key = await self.store.find_key(self.peppers.digests("key", named["subject_token"]))
        if key is None:
            return refused(Code.INVALID_REQUEST, _NOT_ACCEPTED, Reason.UNKNOWN_KEY)
        if key.status is not Status.ACTIVE:
            return refused(Code.INVALID_REQUEST, _NOT_ACCEPTED, Reason.KEY_NOT_ACTIVE)
        return await self._issue(by, key, scope=scope, jkt=jkt, now=now)

    async def _issue(
        self, by: Authenticated, key: Key, *, scope: str, jkt: str | None, now: Millis
    ) -> Exchanged:
        asked = Asked(key=key, key_digest=key.digest, scope=scope, lifetime_s=LIFETIME_S, jkt=jkt)
        token = await issue(
            asked, by, tokens=self.store, peppers=self.peppers, entropy=self.entropy, now=now
        )
        return Exchanged(token=token, token_type="DPoP" if jkt else "Bearer", scope=scope)


def check_client(by: Authenticated) -> Refusal | None:
    """Refuse a client that is no installation: settings are for computers."""
    if by.client.kind is not ClientKind.INSTALLATION:
        return refused(
            Code.UNAUTHORIZED_CLIENT,
            "Not for this client",
            Reason.CLIENT_OF_ANOTHER_KIND,
        )
    return None


def check_request(named: Mapping[str, str]) -> Refusal | None:
    """Refuse what RFC 8693 §2.1 wants and is not there, and what we do not do."""
    if not named.get("subject_token"):
        return refused(Code.INVALID_REQUEST, "Missing required parameter: subject_token")
    if named.get("subject_token_type") != KEY_TYPE:
        return refused(Code.INVALID_REQUEST, "No such subject_token_type")
    if named.get("requested_token_type", ACCESS_TOKEN_TYPE) != ACCESS_TOKEN_TYPE:
        return refused(Code.INVALID_REQUEST, "No such requested_token_type")
    if "actor_token" in named or "actor_token_type" in named:
        return refused(Code.INVALID_REQUEST, "No actor is taken")
    return None


def check_target(named: Mapping[str, str], issuer: str) -> Refusal | None:
    """Refuse any audience but this cloud's settings (RFC 8693 §2.2.2, RFC 8707)."""
    if {named.get(name, issuer) for name in ("resource", "audience")} != {issuer}:
        return refused(Code.INVALID_TARGET, "No such resource", Reason.TARGET)
    return None


def scope_of(named: Mapping[str, str]) -> str | None:
    """Return the scope asked for, in our order; reading if none was asked for; None if unknown."""
    asked = named.get("scope", SCOPES[0]).split(" ")
    if not set(asked) <= set(SCOPES):
        return None
    return " ".join(scope for scope in SCOPES if scope in asked)
