"""DPoP at the endpoints (RFC 9449): proofs with a nonce of ours, each of them once.

A nonce is a keyed digest of the minute it was given in: every process on the store knows it, none
remembers it, and it is good for that minute and the next.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from keyin.domain.secret import equal
from keyin.oauth.errors import Reason
from keyin.wire.dpop_proofs import Proof, check
from keyin.wire.jose import InvalidSignature

if TYPE_CHECKING:
    from keyin.domain.environment import Millis
    from keyin.domain.secret import AccessToken
    from keyin.oauth.asked import Sent
    from keyin.oauth.ports import Peppers

NONCE_LIFE_MS: Final = 60_000
NAMESPACE: Final = "dpop"
_LENGTH: Final = 32


class Dpop:
    """Gives nonces out and checks proofs."""

    __slots__ = ("_good", "_minute", "_peppers")

    def __init__(self, *, peppers: Peppers) -> None:
        self._peppers = peppers
        self._minute = -1
        self._good: tuple[str, ...] = ()
        """Of that minute and the one before; remembered, since all that is asked in it asks."""

    def nonce(self, now: Millis) -> str:
        """Return the nonce of this minute."""
        return self._nonces(now)[0]

    def check(self, sent: Sent, *, now: Millis, token: AccessToken | None = None) -> Proof | Reason:
        """Return the proof if there is exactly one and it is right, else why not.

        The caller sees to it that it comes once.
        """
        if len(sent.proofs) != 1:
            return Reason.WRONG_PROOF if sent.proofs else Reason.NO_PROOF
        try:
            proof = check(sent.proofs[0], method=sent.method, url=sent.url, now=now, token=token)
        except InvalidSignature:
            return Reason.WRONG_PROOF
        return proof if self._fresh(proof.nonce, now) else Reason.NO_NONCE

    def _fresh(self, nonce: str | None, now: Millis) -> bool:
        return sum([equal(nonce or "", one) for one in self._nonces(now)]) > 0

    def _nonces(self, now: Millis) -> tuple[str, ...]:
        """Return the nonces that are good now, the one to give first."""
        minute = now // NONCE_LIFE_MS
        if minute != self._minute:
            self._good = (*self._of(minute), *self._of(minute - 1))
            self._minute = minute
        return self._good

    def _of(self, minute: int) -> list[str]:
        digests = self._peppers.digests("nonce", str(minute))
        return [digest.rpartition(":")[2][:_LENGTH] for digest in digests]
