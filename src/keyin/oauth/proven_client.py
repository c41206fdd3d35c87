"""Client authentication at `/oauth2`: `private_key_jwt`, or a secret in one of two places.

An application proves itself in the one way that its record names (P59); a public one, whose record
says `none`, only names itself. Unknown and wrong cost the same: the same lookups, one verification
or one keyed digest.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Final, Protocol

import msgspec

from keyin.domain.applications import AuthMethod
from keyin.domain.networks import allowed
from keyin.domain.records import NO_SECRET, ClientKey, ClientKind, ProofUse, Status
from keyin.oauth.asked import Asked, basic
from keyin.oauth.client_auth import Authenticated, why_not_active
from keyin.oauth.digests import matches
from keyin.oauth.errors import TWO_METHODS, Code, Reason, Refusal, invalid_client
from keyin.oauth.flow_ports import Applications
from keyin.oauth.ports import ClientKeys, Credentials
from keyin.wire.client_assertions import ASSERTION_TYPE, check, read
from keyin.wire.jose import InvalidSignature, canonical_key

if TYPE_CHECKING:
    from keyin.domain.applications import Application
    from keyin.domain.environment import Millis
    from keyin.domain.records import Client, Credential
    from keyin.oauth.known_networks import KnownNetworks
    from keyin.oauth.ports import Peppers
    from keyin.oauth.throttle import Throttle
    from keyin.wire.client_assertions import Assertion, Claimed

NOBODYS: Final = (
    b'{"crv":"P-256","kty":"EC","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",'
    b'"y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"}'
)
"""RFC 7517's example key: verified against where there is no record, and never registered."""


class Store(Credentials, ClientKeys, Applications, Protocol):
    """What this reads."""


class Proven(msgspec.Struct, frozen=True, kw_only=True):
    """A client that proved itself; `uses` are remembered before anything is done for it."""

    by: Authenticated
    application: Application | None = None
    """None: an installation, or a client of the original's."""
    key: ClientKey | None = None
    uses: tuple[ProofUse, ...] = ()
    pending: bool = False
    """It registered itself, and this is its first word (P48): see `authenticate`."""

    @property
    def certain(self) -> bool:
        """Tell whether it is this client: of a public one, anybody may say so."""
        return self.application is None or self.application.auth_method is not AuthMethod.NONE


class ClientAuthentication(msgspec.Struct, frozen=True, kw_only=True):
    """Checks one request by one method."""

    store: Store
    peppers: Peppers
    issuer: str
    throttle: Throttle
    networks: KnownNetworks | None = None
    """Notes from where computers ask; None: nobody is told."""

    async def authenticate(self, asked: Asked, *, waking: bool = False) -> Proven | Refusal:
        """Find the client and check what it presents. Raises StoreUnavailable.

        `waking`: one that is pending is let through too, for the caller to make it active first.
        """
        outcome = await self._proven(asked, waking=waking)
        if isinstance(outcome, Refusal) and outcome.code is Code.INVALID_CLIENT:
            return await self.throttle.after_failed_proof(
                _claimed(asked), asked.address, outcome, now=asked.now
            )
        if isinstance(outcome, Proven) and self.networks is not None:
            await self.networks.note(outcome.by.client, asked.address, asked.now)
        return outcome

    async def _proven(self, asked: Asked, *, waking: bool) -> Proven | Refusal:
        named = asked.parameters
        by_header = bool(asked.authorization)
        by_secret = "client_secret" in named
        by_key = "client_assertion" in named or "client_assertion_type" in named
        if by_header + by_secret + by_key > 1:
            return TWO_METHODS
        if by_key:
            return await self._by_key(asked, waking=waking)
        if by_secret:
            secret = named["client_secret"]
            return await self._by_secret(
                asked, named.get("client_id", ""), secret, AuthMethod.CLIENT_SECRET_POST
            )
        if not by_header:
            return await self._by_name(asked)
        pair = basic(asked.authorization)
        if pair is None:
            return invalid_client(Reason.NO_CREDENTIALS)
        return await self._by_secret(asked, *pair, AuthMethod.CLIENT_SECRET_BASIC)

    async def _by_name(self, asked: Asked) -> Proven | Refusal:
        """Believe a public client, of which anybody may say that they are it."""
        found = await self.store.find_credential(asked.parameters.get("client_id", ""))
        if found is None:
            return invalid_client(Reason.NO_CREDENTIALS)
        application = await self._application(found)
        if application is None or application.auth_method is not AuthMethod.NONE:
            return invalid_client(Reason.NO_CREDENTIALS)
        return _active(found, asked) or Proven(by=_authenticated(found), application=application)

    async def _by_secret(
        self, asked: Asked, client_id: str, secret: str, method: AuthMethod
    ) -> Proven | Refusal:
        found = await self.store.find_credential(client_id)
        presented = self.peppers.digests("secret", secret)
        proven = matches(presented, found[0].secret_digest if found else NO_SECRET)
        if found is None:
            return invalid_client(Reason.UNKNOWN_CLIENT)
        if not proven or asked.parameters.get("client_id", client_id) != client_id:
            return invalid_client(Reason.WRONG_SECRET)
        application = await self._application(found)
        return (
            _other_way(found, application, method)
            or _active(found, asked)
            or Proven(by=_authenticated(found), application=application)
        )

    async def _by_key(self, asked: Asked, *, waking: bool) -> Proven | Refusal:
        named = asked.parameters
        try:
            claimed = read(named.get("client_assertion", ""))
        except InvalidSignature:
            return invalid_client(Reason.WRONG_ASSERTION)
        found = await self.store.find_credential(claimed.client_id)
        key = await self.store.find_client_key(claimed.kid)
        own = key if key and found and key.credential_id == found[0].id else None
        application = await self._application(found)
        plain = application is not None and not application.typ_required
        assertion = await self._checked(claimed, own, asked, plain_type=plain)
        if isinstance(assertion, Refusal):
            return assertion
        if found is None or own is None:
            return invalid_client(Reason.UNKNOWN_CLIENT_KEY)
        if (
            named.get("client_assertion_type") != ASSERTION_TYPE
            or named.get("client_id", claimed.client_id) != claimed.client_id
        ):
            return invalid_client(Reason.WRONG_ASSERTION)
        if own.status is not Status.ACTIVE:
            return invalid_client(Reason.CLIENT_KEY_NOT_ACTIVE)
        use = proof_use("assertion", own.kid, assertion.jti, assertion.expires)
        pending = waking and found[1] is not None and found[1].status is Status.PENDING
        return (
            _other_way(found, application, AuthMethod.PRIVATE_KEY_JWT)
            or _active(found, asked, pending=pending)
            or Proven(
                by=_authenticated(found),
                application=application,
                key=own,
                uses=(use,),
                pending=pending,
            )
        )

    async def _checked(
        self, claimed: Claimed, own: ClientKey | None, asked: Asked, *, plain_type: bool
    ) -> Assertion | Refusal:
        """Verify the assertion, unless too many were wrong just now (P84)."""
        slowed = await self.throttle.before_proof(
            _whose(claimed), asked.address, known=own is not None, now=asked.now
        )
        if slowed:
            return slowed
        try:
            public = canonical_key(own.jwk if own else NOBODYS)
            return check(claimed, public, issuer=self.issuer, now=asked.now, plain_type=plain_type)
        except InvalidSignature:
            return invalid_client(Reason.WRONG_ASSERTION)

    async def _application(
        self, found: tuple[Credential, Client | None] | None
    ) -> Application | None:
        """Look the record up where there may be one: not at an installation's every key-in."""
        client = found[1] if found else None
        if found is None or client is None or client.kind is not ClientKind.APPLICATION:
            return None
        return await self.store.find_application(found[0].id)


def _claimed(asked: Asked) -> str:
    """Return who the sender says that they are; "" where they do not."""
    pair = basic(asked.authorization)
    if pair is not None:
        return pair[0]
    try:
        return _whose(read(asked.parameters["client_assertion"]))
    except (KeyError, InvalidSignature):
        return asked.parameters.get("client_id", "")


def _whose(claimed: Claimed) -> str:
    """Name client and key: who knows a computer's id only cannot make it wait."""
    return f"{claimed.client_id}\0{claimed.kid}"


def proof_use(namespace: str, kid: str, jti: str, expires: Millis) -> ProofUse:
    """Return what is remembered of a proof: no more than its digest, until it expires."""
    digest = sha256(f"{kid}\0{jti}".encode("utf-8", "surrogatepass")).hexdigest()
    return ProofUse(namespace=namespace, digest=digest, expires=expires)


def _other_way(
    found: tuple[Credential, Client | None], application: Application | None, method: AuthMethod
) -> Refusal | None:
    """Refuse a client that comes in another way than its record names.

    An installation's secret is sent as the original's clients send it, in the body.
    """
    is_one = found[1] is not None and found[1].kind is ClientKind.APPLICATION
    if is_one:
        right = application is not None and application.auth_method is method
    else:
        right = method is not AuthMethod.CLIENT_SECRET_BASIC
    return None if right else invalid_client(Reason.OTHER_METHOD)


def _active(
    found: tuple[Credential, Client | None], asked: Asked, *, pending: bool = False
) -> Refusal | None:
    credential, client = found
    if credential.status is not Status.ACTIVE:
        return invalid_client(Reason.CREDENTIAL_NOT_ACTIVE)
    if client is None or (client.status is not Status.ACTIVE and not pending):
        return invalid_client(why_not_active(client))
    if not allowed(asked.address, credential.policy.networks):
        return invalid_client(Reason.NETWORK)
    return None


def _authenticated(found: tuple[Credential, Client | None]) -> Authenticated:
    credential, client = found
    if client is None:
        raise LookupError("only an active client gets here")
    return Authenticated(client=client, credential=credential)
