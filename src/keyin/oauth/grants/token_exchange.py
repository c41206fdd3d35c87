"""Token exchange (RFC 8693): a GPII key goes in, a short token for that key alone comes out.

The key is the subject token, under a type of our own; where its policy asks for a PIN, that comes
in the parameter `pin`. Whatever is wrong with a key is refused in the same words (`key_door`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
from msgspec.structs import replace

from keyin.domain.records import ClientKind, ProofUse
from keyin.domain.secret import GpiiKey
from keyin.oauth.errors import Code, Reason, Refusal, refused
from keyin.oauth.granting import Given, GrantRequest
from keyin.oauth.issuing import Asked, issue_once
from keyin.oauth.key_door import KeyDoor, Opened, Shown
from keyin.oauth.proven_sender import replayed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keyin.domain.environment import Entropy
    from keyin.oauth.client_auth import Authenticated
    from keyin.oauth.ports import Peppers, Tokens

GRANT_TYPE: Final = "urn:ietf:params:oauth:grant-type:token-exchange"
KEY_TYPE: Final = "urn:gpii:params:oauth:token-type:gpii-key"
ACCESS_TOKEN_TYPE: Final = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105 - a name
SCOPES: Final = ("settings:read", "settings:write")
LIFETIME_S: Final = 900
_NOT_ACCEPTED: Final = "The subject token is not accepted"


class TokenExchange(msgspec.Struct, frozen=True, kw_only=True):
    """Answers a client that is authenticated."""

    door: KeyDoor
    tokens: Tokens
    peppers: Peppers
    entropy: Entropy
    issuer: str

    async def answer(self, request: GrantRequest) -> Given | Refusal:
        """Issue a token bound to the proof's key, or refuse. Raises StoreUnavailable."""
        named, by = request.asked.parameters, request.by
        refusal = check_client(by) or check_request(named) or check_target(named, self.issuer)
        if refusal:
            return refusal
        scope = scope_of(named)
        if scope is None:
            return refused(Code.INVALID_SCOPE, "No such scope", Reason.SCOPE)
        shown = Shown(
            key=GpiiKey(named["subject_token"]),
            pin=named.get("pin"),
            by=by,
            scope=scope,
            lifetime_s=LIFETIME_S,
            now=request.asked.now,
        )
        opened = await self.door.open(shown)
        if isinstance(opened, Reason):
            key = self.peppers.digests("key", shown.key.reveal())[0]
            refusal = refused(Code.INVALID_REQUEST, _NOT_ACCEPTED, opened)
            return replace(refusal, key=key)
        return opened if isinstance(opened, Refusal) else await self._issue(request, opened)

    async def _issue(self, request: GrantRequest, opened: Opened) -> Given | Refusal:
        """Issue the token and use the proofs up, in one commit."""
        asked = Asked(
            key=opened.key,
            key_digest=opened.digest,
            scope=opened.scope,
            lifetime_s=LIFETIME_S,
            jkt=request.jkt,
            grant="token-exchange",
        )
        token = await issue_once(
            asked,
            request.by,
            request.uses,
            tokens=self.tokens,
            peppers=self.peppers,
            entropy=self.entropy,
            on=request.asked,
        )
        if isinstance(token, ProofUse):
            return replayed(token)
        return Given(
            token=token,
            token_type="DPoP" if request.jkt else "Bearer",
            scope=opened.scope,
            lifetime_s=LIFETIME_S,
            issued_token_type=ACCESS_TOKEN_TYPE,
        )


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
