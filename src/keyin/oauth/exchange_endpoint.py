"""`/oauth2/token`: prove the client, prove the sender, then hand over to the grant."""

from __future__ import annotations

from asyncio import gather
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from keyin.oauth.dpop import NAMESPACE, Dpop
from keyin.oauth.errors import Code, Reason, Refusal, invalid_client, refused
from keyin.oauth.grants.token_exchange import GRANT_TYPE, Exchanged, TokenExchange
from keyin.oauth.ports import ClientKeys, Replays
from keyin.oauth.proven_client import ClientAuthentication, Proven, proof_use
from keyin.wire.dpop_proofs import Proof

if TYPE_CHECKING:
    from keyin.domain.environment import Millis
    from keyin.domain.records import ProofUse
    from keyin.oauth.asked import Asked

_DAY_MS: Final = 86_400_000


class Store(ClientKeys, Replays, Protocol):
    """What this reads and writes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeEndpoint:
    """Answers a token request whose form was already read."""

    clients: ClientAuthentication
    dpop: Dpop
    grant: TokenExchange
    store: Store

    async def answer(self, asked: Asked) -> Exchanged | Refusal:
        """Run the named steps; the client comes before everything else. Raises StoreUnavailable."""
        proven = await self.clients.authenticate(asked)
        if isinstance(proven, Refusal):
            return proven
        proof = self._proof(asked, proven)
        replayed = await self._use_up(proven, proof, asked.now)
        if replayed:
            return replayed
        if isinstance(proof, Refusal):
            return proof
        refusal = check_grant_type(asked)
        if refusal:
            return refusal
        jkt = proof.jkt if proof else None
        return await self.grant.answer(asked.parameters, proven.by, jkt=jkt, now=asked.now)

    def _proof(self, asked: Asked, proven: Proven) -> Proof | Refusal | None:
        """Check the proof that a client with a key must bring, and another one may."""
        if proven.key is None and not asked.sent.proofs:
            return None
        found = self.dpop.check(asked.sent, now=asked.now)
        if isinstance(found, Proof):
            return found
        if found is Reason.NO_NONCE:
            return refused(Code.USE_DPOP_NONCE, "The proof needs the nonce given here", found)
        return refused(Code.INVALID_DPOP_PROOF, "The DPoP proof is missing or wrong", found)

    async def _use_up(
        self, proven: Proven, proof: Proof | Refusal | None, now: Millis
    ) -> Refusal | None:
        """Remember that these proofs came; both in one commit, since they are asked together."""
        shown: tuple[ProofUse, ...] = ()
        if isinstance(proof, Proof):
            shown = (proof_use(NAMESPACE, proof.jkt, proof.jti, proof.expires),)
        first, first_proof, _ = await gather(
            self._first(proven.uses, now), self._first(shown, now), self._note(proven, now)
        )
        if not first:
            return invalid_client(Reason.REPLAYED)
        if not first_proof:
            return refused(
                Code.INVALID_DPOP_PROOF, "The DPoP proof is missing or wrong", Reason.REPLAYED
            )
        return None

    async def _first(self, uses: tuple[ProofUse, ...], now: Millis) -> bool:
        return not uses or await self.store.remember(uses, now=now)

    async def _note(self, proven: Proven, now: Millis) -> None:
        key = proven.key
        if key is not None and (key.last_used is None or now - key.last_used > _DAY_MS):
            await self.store.note_key_use(key.kid, now=now)


def check_grant_type(asked: Asked) -> Refusal | None:
    """Refuse every grant type but the one (RFC 6749 §5.2)."""
    given = asked.parameters.get("grant_type")
    if not given:
        return refused(Code.INVALID_REQUEST, "Missing required parameter: grant_type")
    if given != GRANT_TYPE:
        return refused(Code.UNSUPPORTED_GRANT_TYPE, "No such grant type", Reason.GRANT_TYPE)
    return None
