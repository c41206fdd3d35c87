"""`/oauth2/register/{client_id}` (RFC 7592): a client reads, replaces and ends its registration.

It comes with its registration access token and a proof by one of its own keys. A PUT goes through
the rules of creation (`registration_rules`), with what was registered as the template: it can make
a client less, never more (P15). Two keys may overlap while a client changes its key; each new one
brings a proof of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
from msgspec.structs import replace

from keyin.domain.errors import InvalidDocument
from keyin.domain.records import NO_SECRET, Status
from keyin.oauth.asked import Sent
from keyin.oauth.digests import matches
from keyin.oauth.errors import Reason, Refusal
from keyin.oauth.initial_access import CHANNEL_PURPOSE
from keyin.oauth.registering import SPENT, occasion
from keyin.oauth.registration_changes import Ending, Replacing, counts, may_change, terms_of
from keyin.oauth.registration_records import PURPOSE
from keyin.oauth.registration_refusals import UNREADABLE, metadata, unusable
from keyin.oauth.registration_rules import grant
from keyin.wire.dpop_proofs import Proof
from keyin.wire.enrolment import read_request

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keyin.domain.records import Digest
    from keyin.oauth.asked import Asked
    from keyin.oauth.enrolment_ports import Registered
    from keyin.oauth.ports import Peppers
    from keyin.oauth.registering import Body, Door, Presented, Proved, Store
    from keyin.oauth.registration_changes import Change
    from keyin.oauth.registration_records import Maker
    from keyin.oauth.software_statements import Statement, Statements
    from keyin.wire.enrolment import RegistrationAnswer, RegistrationRequest

_MAY: Final = {
    "GET": frozenset({Status.ACTIVE, Status.PENDING}),
    "DELETE": frozenset({Status.ACTIVE, Status.PENDING}),
}
_OF_AN_UPGRADE: Final = frozenset({"GET", "PUT"})


class Known(msgspec.Struct, frozen=True):
    """A client that proved that a registration is its own."""

    registered: Registered
    presented: Presented
    proved: Proved


class RegistrationCare(msgspec.Struct, frozen=True, kw_only=True):
    """Answers about one registration; each method raises StoreUnavailable."""

    door: Door
    store: Store
    peppers: Peppers
    maker: Maker
    statements: Statements

    async def read(
        self, client_id: str, presented: Presented | None, asked: Asked
    ) -> RegistrationAnswer | Refusal:
        """Return what is registered (RFC 7592 §2.1)."""
        known = await self._known(client_id, presented, asked)
        if isinstance(known, Refusal):
            return known
        if not await self.store.remember(known.proved.uses, now=asked.now):
            return unusable(Reason.REPLAYED)
        return self._told(known.registered, known, asked)

    async def replace(
        self, client_id: str, presented: Presented | None, asked: Asked, body: Body
    ) -> RegistrationAnswer | Refusal:
        """Replace what is registered by what the client says now (RFC 7592 §2.2)."""
        known = await self._known(client_id, presented, asked)
        if isinstance(known, Refusal):
            return known
        change = self._change(known, asked, await body())
        if isinstance(change, Refusal):
            return await self._refuse(change, known, asked)
        outcome = await self._done(change, known, asked)
        if isinstance(outcome, Refusal):
            return outcome
        return self._told(outcome, known, asked)

    async def end(
        self, client_id: str, presented: Presented | None, asked: Asked
    ) -> Refusal | None:
        """End a client for ever, with its tokens (RFC 7592 §2.3)."""
        known = await self._known(client_id, presented, asked)
        if isinstance(known, Refusal):
            return known
        ending = Ending(registered=known.registered, occasion=occasion(asked))
        outcome = await self._done(ending, known, asked)
        return outcome if isinstance(outcome, Refusal) else None

    async def _known(
        self, client_id: str, presented: Presented | None, asked: Asked
    ) -> Known | Refusal:
        """Prove that a registration is the sender's own; whatever is wrong is told alike."""
        if presented is None or presented.bound is None:
            return unusable(Reason.NO_TOKEN)
        found = await self.store.registered(client_id)
        shown = self.peppers.digests(PURPOSE, presented.token.reveal())
        right = matches(shown, found.registration.token_digest if found else NO_SECRET)
        slowed = await self.door.slowed(presented, asked, known=found is not None and right)
        if slowed:
            return slowed
        if found is None or not right:
            return await self.door.failed(presented, asked, Reason.UNKNOWN_TOKEN)
        proved = await self.door.proved(presented, asked)
        if isinstance(proved, Refusal):
            return proved
        method = asked.sent.method
        stands = found.client.status in _MAY.get(method, ()) or (
            method in _OF_AN_UPGRADE and may_change(found.client)
        )
        if stands and any(counts(key, proved.jkt) for key in found.keys):
            return Known(found, presented, proved)
        reason = Reason.ANOTHER_KEY if stands else Reason.CLIENT_NOT_ACTIVE
        return await self.door.failed(presented, asked, reason)

    def _change(self, known: Known, asked: Asked, body: bytes) -> Replacing | Refusal:
        """Read the new wish and decide what can be decided without the store."""
        try:
            request = read_request(body)
        except InvalidDocument:
            return UNREADABLE
        found = known.registered
        if request.client_id != found.credential.oauth2_client_id:
            return metadata("client_id is not that of this registration")
        statement = self.statements.read(request.software_statement, now=asked.now)
        if isinstance(statement, Refusal):
            return statement
        granted = grant(request, terms_of(found), statement)
        if isinstance(granted, Refusal):
            return granted
        fresh = self._proved_keys(request, known.presented, asked)
        for key in granted.keys:
            own = any(counts(one, key.thumbprint) for one in found.keys)
            if not own and key.thumbprint not in fresh:
                return metadata(
                    "A new key comes with a proof of its own, in keyin_key_proofs",
                    Reason.WRONG_PROOF,
                )
        return Replacing(
            registered=found,
            granted=granted,
            channel_digests=self._channel(statement),
            occasion=occasion(asked),
        )

    def _proved_keys(
        self, request: RegistrationRequest, presented: Presented, asked: Asked
    ) -> set[str]:
        """Return the keys that prove this very request besides the one that sent it."""
        sent = [
            Sent(proofs=(proof,), method=asked.sent.method, url=asked.sent.url)
            for proof in request.keyin_key_proofs
        ]
        found = [self.door.dpop.check(one, now=asked.now, token=presented.token) for one in sent]
        return {proof.jkt for proof in found if isinstance(proof, Proof)}

    def _channel(self, statement: Statement | None) -> Sequence[Digest]:
        if statement is None or statement.channel is None:
            return ()
        return self.peppers.digests(CHANNEL_PURPOSE, statement.channel)

    async def _done(self, change: Change, known: Known, asked: Asked) -> Registered | Refusal:
        before = await self.store.register(change.question(), change, uses=known.proved.uses)
        if before is not None:
            return unusable(Reason.REPLAYED)
        outcome = change.outcome or unusable(Reason.UNKNOWN_TOKEN)
        if isinstance(outcome, Refusal):
            return await self._refuse(outcome, replace(known, proved=SPENT), asked)
        return outcome

    def _told(self, found: Registered, by: Known, asked: Asked) -> RegistrationAnswer:
        """Tell all; the certificate is for a key that stays."""
        active = [key.kid for key in found.keys if key.status is Status.ACTIVE]
        jkt = active[-1] if active else by.proved.jkt
        return self.maker.answer(found, by.presented.token.reveal(), jkt=jkt, now=asked.now)

    async def _refuse(self, refusal: Refusal, known: Known, asked: Asked) -> Refusal:
        credential = known.registered.credential
        return await self.door.refuse(
            refusal,
            known.proved,
            asked,
            actor=credential.oauth2_client_id,
            site=credential.lineage.site,
        )
