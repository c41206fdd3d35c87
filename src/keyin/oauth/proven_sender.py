"""Who sends a request to `/oauth2`: which client, and with which key in hand (RFC 9449).

Each proof is used up, before or together with what is done for its sender, so that none comes
twice (P13).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

import msgspec

from keyin.domain.records import ClientKind
from keyin.oauth.audit_ports import Trail
from keyin.oauth.auditing import record_refusal, refusal_event
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


class Sender(msgspec.Struct, frozen=True, kw_only=True):
    """A client that proved itself, and the key that it proved besides."""

    proven: Proven
    jkt: str | None
    uses: tuple[ProofUse, ...] = ()
    """The proofs that came; nothing is done for the sender before they are used up."""


class ProvenSenders(msgspec.Struct, frozen=True, kw_only=True):
    """Identifies who sends."""

    clients: ClientAuthentication
    dpop: Dpop
    store: Store

    async def identify(self, asked: Asked) -> Sender | Refusal:
        """Prove the client, then the key; use both proofs up. Raises StoreUnavailable."""
        sender = await self.prove(asked)
        if isinstance(sender, Refusal):
            return sender
        return await self.spend(sender, asked) or sender

    async def prove(self, asked: Asked) -> Sender | Refusal:
        """Prove both; the caller uses the proofs up, whatever it does. Raises StoreUnavailable."""
        proven = await self.clients.authenticate(asked)
        if isinstance(proven, Refusal):
            return proven
        await self._note(proven, asked.now)
        proof = self._proof(asked, proven)
        if isinstance(proof, Refusal):
            sender = Sender(proven=proven, jkt=None, uses=proven.uses)
            return await self.refuse_and_spend(proof, sender, asked)
        if proof is None:
            return Sender(proven=proven, jkt=None, uses=proven.uses)
        use = proof_use(NAMESPACE, proof.jkt, proof.jti, proof.expires)
        return Sender(proven=proven, jkt=proof.jkt, uses=(*proven.uses, use))

    async def check_unused(self, sender: Sender, asked: Asked) -> Refusal | None:
        """Refuse a proof that came before; for who uses proofs up with what they are for.

        A text that was caught on the way must not even count against its client.
        """
        before = await self.store.came_before(sender.uses)
        if before is None:
            return None
        await self.refuse(replayed(before), sender, asked)
        await self.store.remember(sender.uses, now=asked.now)  # what came with it is used up too
        return replayed(before)

    async def spend(self, sender: Sender, asked: Asked) -> Refusal | None:
        """Use the proofs up, in one commit; refuse where one came before. StoreUnavailable."""
        if not sender.uses:
            return None
        before = await self.store.spend(sender.uses)
        return None if before is None else await self.refuse(replayed(before), sender, asked)

    async def refuse_and_spend(self, refusal: Refusal, sender: Sender, asked: Asked) -> Refusal:
        """Refuse, and use the proofs up as well; where one came before, that is what is told.

        The event goes with their commit: who hears of the refusal of a proven request can rely on
        it, also after kill -9. Raises StoreUnavailable.
        """
        if not sender.uses:
            return await self.refuse(refusal, sender, asked)
        proven = sender.proven
        event = refusal_event(refusal, proven.by, asked) if proven.certain else None
        before = await self.store.spend(sender.uses, event=event)
        return refusal if before is None else await self.refuse(replayed(before), sender, asked)

    async def refuse(self, refusal: Refusal, sender: Sender, asked: Asked) -> Refusal:
        """Note the refusal of a client that is certain. Raises StoreUnavailable."""
        if sender.proven.certain:
            await record_refusal(refusal, sender.proven.by, asked, trail=self.store)
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

    async def _note(self, proven: Proven, now: Millis) -> None:
        key = proven.key
        if key is not None and (key.last_used is None or now - key.last_used > _DAY_MS):
            await self.store.note_key_use(key.kid, now=now)


def replayed(use: ProofUse) -> Refusal:
    """Return what the sender of a proof that came before is told."""
    if use.namespace == NAMESPACE:
        return refused(
            Code.INVALID_DPOP_PROOF, "The DPoP proof is missing or wrong", Reason.REPLAYED
        )
    return invalid_client(Reason.REPLAYED)
