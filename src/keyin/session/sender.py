"""The key of one key-in: with its proofs (DPoP, RFC 9449) a token is of use to nobody else.

It is in this process's memory only, from key-in to key-out. Decides nothing about requests: it
signs the method and the address that it is given.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from keyin.domain.environment import Millis
from keyin.wire import dpop_proofs
from keyin.wire.signing_key import SigningKey, new_key

if TYPE_CHECKING:
    from keyin.domain.environment import Clock, Entropy
    from keyin.domain.secret import AccessToken

_BACK_MS: Final = 30_000
"""Proofs count for a minute: dated half of it back, a clock that is a little off does no harm."""
_JTI_BYTES: Final = 16


class Sender:
    """Whoever sends the requests of one key-in."""

    def __init__(self, key: SigningKey, senders: Senders) -> None:
        self._key: SigningKey | None = key
        self._senders = senders
        self.jkt = key.public.thumbprint
        """The thumbprint of the key."""

    def __repr__(self) -> str:
        return "<Sender>"

    def proof(self, method: str, url: str, *, token: AccessToken | None = None) -> str:
        """Return a proof for one request, with the newest nonce that is known."""
        senders = self._senders
        if self._key is None:
            raise LookupError("the key is destroyed")
        return dpop_proofs.make(
            self._key,
            method=method,
            url=url,
            jti=senders.entropy.token_bytes(_JTI_BYTES).hex(),
            now=Millis(senders.clock.now() - _BACK_MS),
            token=token,
            nonce=senders.nonce,
        )

    def take_nonce(self, nonce: str) -> None:
        """Use this from now on: the cloud gave it."""
        self._senders.nonce = nonce

    def destroy(self) -> None:
        """Let go of the key, whoever still holds this: an error remembers where it was raised."""
        self._key = None


class Senders:
    """Makes a key for each key-in, and keeps the one of whoever is keyed in until key-out."""

    def __init__(self, *, clock: Clock, entropy: Entropy) -> None:
        self.clock = clock
        self.entropy = entropy
        self.nonce: str | None = None
        """The cloud's word of the minute: the same for everybody, so it outlives a key-in."""
        self._current: Sender | None = None

    def passing(self) -> Sender:
        """Make a key that nobody keeps."""
        return Sender(new_key(self.entropy), self)

    def begin(self) -> Sender:
        """Make the key of a key-in."""
        self.end()
        self._current = self.passing()
        return self._current

    def end(self) -> None:
        """Destroy it."""
        if self._current is not None:
            self._current.destroy()
        self._current = None
