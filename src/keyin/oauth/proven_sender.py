"""Who sends a request to `/oauth2`: which client, and with which key in hand (RFC 9449).

Each proof is used up here, before anything is done for its sender, so that none comes twice (P13).
"""

from __future__ import annotations

from asyncio import gather
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from keyin.domain.records import ClientKind
from keyin.oauth.audit_ports import Trail
from keyin.oauth.auditing import record_refusal
from keyin.oauth.dpop import NAMESPACE, Dpop
from keyin.oauth.errors import Code, Reason, Refusal, invalid_client, refused
from keyin.oauth.ports import ClientKeys, Replays
from keyin.oauth.proven_client import ClientAuthentication, Proven, proof_use
from keyin.wire.dpop_proofs import Proof

if TYPE_CHECKING:
    from keyin.domain.environment import Millis
    from keyin.domain.records import ProofUse
    from keyin.oauth.asked import Asked

_DAY_MS: Final = 86_400_000


class Store(ClientKeys, Replays, Trail, Protocol):
    """What this reads and writes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """A client that proved itself, and the key that it proved besides."""

    proven: Proven
    jkt: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvenSenders:
    """Identifies who sends."""

    clients: ClientAuthentication
    dpop: Dpop
    store: Store

    async def identify(self, asked: Asked) -> Sender | Refusal:
        """Prove the client, then the key; use both proofs up. Raises StoreUnavailable."""
        proven = await self.clients.authenticate(asked)
        if isinstance(proven, Refusal):
            return proven
        proof = self._proof(asked, proven)
        refusal = await self._use_up(proven, proof, asked.now)
        if isinstance(proof, Refusal):
            refusal = refusal or proof
        elif refusal is None:
            return Sender(proven=proven, jkt=proof.jkt if proof else None)
        if proven.certain:
            await record_refusal(refusal, proven.by, asked, trail=self.store)
        return refusal

    def _proof(self, asked: Asked, proven: Proven) -> Proof | Refusal | None:
        """Check the proof that an installation with a key must bring, and others may."""
        must = proven.key is not None and proven.by.client.kind is ClientKind.INSTALLATION
        if not must and not asked.sent.proofs:
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
