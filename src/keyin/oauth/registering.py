"""`/oauth2/register` (RFC 7591): a computer brings its public key and becomes a client.

It comes with an initial access token, and with a proof by the key that it registers (RFC 9449): who
has not the private half registers nothing. The token is authenticated before the body is read.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from hashlib import sha256
from typing import TYPE_CHECKING, Final, Protocol

import msgspec

from keyin.domain.address_text import address_text
from keyin.domain.enrolment import Computer, InitialAccessKind, Template
from keyin.domain.errors import InvalidDocument
from keyin.domain.events import Act, Event
from keyin.domain.networks import allowed
from keyin.domain.secret import AccessToken, equal
from keyin.oauth.audit_ports import Trail
from keyin.oauth.births import Birth, Manners, Occasion, Told
from keyin.oauth.dpop import NAMESPACE, Dpop
from keyin.oauth.enrolment_ports import InitialAccesses, Registering
from keyin.oauth.errors import Code, Reason, Refusal
from keyin.oauth.initial_access import CHANNEL_PURPOSE, PURPOSE
from keyin.oauth.ports import Replays
from keyin.oauth.proven_client import proof_use
from keyin.oauth.registration_refusals import UNREADABLE, check_access, metadata, unusable
from keyin.oauth.registration_rules import Terms, grant
from keyin.wire.dpop_proofs import Proof
from keyin.wire.enrolment import read_request
from keyin.wire.enrolment_code import is_initial_access_token

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keyin.domain.enrolment import InitialAccess
    from keyin.domain.records import ProofUse
    from keyin.oauth.asked import Asked
    from keyin.oauth.ports import Peppers
    from keyin.oauth.registration_records import Maker
    from keyin.oauth.software_statements import Statements
    from keyin.oauth.throttle import Throttle
    from keyin.wire.enrolment import RegistrationAnswer

Body = Callable[[], Awaitable[bytes]]
"""Reads what was sent: nothing is read of who has not proved anything (P81)."""
_SCHEMES: Final = frozenset({"dpop", "bearer"})


class Store(InitialAccesses, Registering, Replays, Trail, Protocol):
    """What this reads and writes."""


class Presented(msgspec.Struct, frozen=True):
    """A token, and how it is presented."""

    scheme: str
    token: AccessToken

    @property
    def bound(self) -> AccessToken | None:
        """Return what the proof must be made for; of a bearer's, nothing."""
        return self.token if self.scheme == "dpop" else None


class Proved(msgspec.Struct, frozen=True):
    """Whose key is in hand, and what is used up with it."""

    jkt: str
    uses: Sequence[ProofUse]


SPENT: Final = Proved("", ())
"""Of what a unit of work refused: it has used the proof up."""


class Door(msgspec.Struct, frozen=True, kw_only=True):
    """What everything at this endpoint stands on: proofs, limits, refusals."""

    store: Store
    peppers: Peppers
    dpop: Dpop
    throttle: Throttle

    async def slowed(self, presented: Presented, asked: Asked, *, known: bool) -> Refusal | None:
        """Refuse to look at a signature where too many were wrong."""
        return await self.throttle.before_proof(
            _bucket(presented), asked.address, known=known, now=asked.now
        )

    async def failed(self, presented: Presented, asked: Asked, reason: Reason) -> Refusal:
        """Count what did not open anything; return what is told."""
        return await self.throttle.after_failed_proof(
            _bucket(presented), asked.address, unusable(reason), now=asked.now
        )

    async def proved(self, presented: Presented, asked: Asked) -> Proved | Refusal:
        """Check the proof that came."""
        found = self.dpop.check(asked.sent, now=asked.now, token=presented.bound)
        if isinstance(found, Proof):
            use = proof_use(NAMESPACE, found.jkt, found.jti, found.expires)
            return Proved(found.jkt, (use,))
        if found is Reason.NO_NONCE:
            return Refusal(
                status=401,
                code=Code.USE_DPOP_NONCE,
                description="The proof needs the nonce given here",
                reason=found,
            )
        return await self.failed(presented, asked, found)

    async def refuse(
        self, refusal: Refusal, proved: Proved, asked: Asked, *, actor: str, site: str | None
    ) -> Refusal:
        """Use the proof up, note the refusal of who may at least ask, and tell it."""
        event = self._refused(refusal, asked, actor=actor, site=site)
        before = await self.store.spend(proved.uses, event=event)
        if before is None:
            return refusal
        replay = unusable(Reason.REPLAYED)
        await self.store.record(self._refused(replay, asked, actor=actor, site=site))
        return replay

    @staticmethod
    def _refused(refusal: Refusal, asked: Asked, *, actor: str, site: str | None) -> Event:
        return Event(
            act=Act.REGISTRATION_REFUSED,
            actor=actor,
            at=asked.now,
            address=address_text(asked.address),
            request_id=asked.request_id,
            site=site,
            reason=refusal.reason,
        )


class Registrar(msgspec.Struct, frozen=True, kw_only=True):
    """Answers a request whose body was read, and not looked at."""

    door: Door
    store: Store
    peppers: Peppers
    maker: Maker
    statements: Statements
    manners: Manners

    async def create(
        self, presented: Presented | None, asked: Asked, body: Body
    ) -> RegistrationAnswer | Refusal:
        """Register. Raises StoreUnavailable."""
        if presented is None:
            return unusable(Reason.NO_TOKEN)
        access = await self._access(presented.token)
        slowed = await self.door.slowed(presented, asked, known=access is not None)
        if slowed:
            return slowed
        if access is None:
            return await self.door.failed(presented, asked, Reason.UNKNOWN_TOKEN)
        proved = await self.door.proved(presented, asked)
        if isinstance(proved, Refusal):
            return proved
        refusal = _may_use(access, presented, proved, asked)
        if refusal:
            return await self._refuse(refusal, proved, asked, access)
        return await self._register(access, proved, asked, body)

    async def create_open(self, asked: Asked, body: Body) -> RegistrationAnswer | Refusal:
        """Register anybody, where the operator wants that; a person decides later."""
        slowed = await self.door.throttle.before_unproven_wish(asked.address, now=asked.now)
        if slowed:
            return slowed
        proved = await self.door.proved(Presented("bearer", AccessToken("")), asked)
        return (
            proved
            if isinstance(proved, Refusal)
            else await self._register(None, proved, asked, body)
        )

    async def _access(self, token: AccessToken) -> InitialAccess | None:
        if not is_initial_access_token(token.reveal()):
            return None
        return await self.store.find_initial_access(self.peppers.digests(PURPOSE, token.reveal()))

    async def _register(
        self, access: InitialAccess | None, proved: Proved, asked: Asked, body: Body
    ) -> RegistrationAnswer | Refusal:
        birth = self._birth(access, proved, asked, await body())
        if isinstance(birth, Refusal):
            return await self._refuse(birth, proved, asked, access)
        before = await self.store.register(birth.question(), birth, uses=proved.uses)
        if before is not None:
            return unusable(Reason.REPLAYED)
        outcome = birth.outcome
        if isinstance(outcome, Told):
            return self.maker.answer(
                outcome.registered, outcome.token, jkt=proved.jkt, now=asked.now
            )
        return await self._refuse(outcome or unusable(Reason.UNKNOWN_TOKEN), SPENT, asked, access)

    def _birth(
        self, access: InitialAccess | None, proved: Proved, asked: Asked, body: bytes
    ) -> Birth | Refusal:
        """Read the wish and decide what can be decided without the store."""
        try:
            request = read_request(body)
        except InvalidDocument:
            return UNREADABLE
        statement = self.statements.read(request.software_statement, now=asked.now)
        if isinstance(statement, Refusal):
            return statement
        granted = grant(request, _terms(access), statement)
        if isinstance(granted, Refusal):
            return granted
        if [key.thumbprint for key in granted.keys] != [proved.jkt]:
            return metadata("The key of jwks is not the one that proves", Reason.ANOTHER_KEY)
        channel = statement.channel if statement else None
        return Birth(
            maker=self.maker,
            manners=self.manners,
            occasion=occasion(asked),
            granted=granted,
            jkt=proved.jkt,
            access=access,
            access_digests=[access.digest] if access else (),
            channel_digests=self.peppers.digests(CHANNEL_PURPOSE, channel) if channel else (),
        )

    async def _refuse(
        self, refusal: Refusal, proved: Proved, asked: Asked, access: InitialAccess | None
    ) -> Refusal:
        actor, site = (access.id, access.site) if access else ("-", None)
        return await self.door.refuse(refusal, proved, asked, actor=actor, site=site)


def occasion(asked: Asked) -> Occasion:
    """Return what events and notices say of a request."""
    return Occasion(now=asked.now, address=address_text(asked.address), request_id=asked.request_id)


def presented(authorization: str | None) -> Presented | None:
    """Read the header of a request that must come with a token."""
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() not in _SCHEMES or not token.strip():
        return None
    return Presented(scheme.lower(), AccessToken(token.strip()))


def _terms(access: InitialAccess | None) -> Terms:
    if access is None:
        return Terms(template=Template(), computer=Computer())
    computer = access.computer or Computer()
    if access.kind is InitialAccessKind.CODE and computer.name is None:
        computer = Computer(name=access.label)
    return Terms(template=access.template, computer=computer, software_ids=access.software_ids)


def _may_use(
    access: InitialAccess, shown: Presented, proved: Proved, asked: Asked
) -> Refusal | None:
    """Refuse a token that cannot be used here and by this key; how often, the store knows."""
    refusal = check_access(access, asked.now)
    if refusal is not None and refusal.reason is not Reason.USED_UP:
        return refusal
    if not allowed(asked.address, access.networks):
        return unusable(Reason.NETWORK)
    bound = access.bound_jkt
    if bound is not None and (shown.bound is None or not equal(bound, proved.jkt)):
        return unusable(Reason.ANOTHER_KEY)
    return None


def _bucket(shown: Presented) -> str:
    """Name a bucket for failures: by what was shown, so that nobody makes others wait."""
    return "register\0" + sha256(shown.token.reveal().encode("utf-8", "replace")).hexdigest()
