"""Peppers and data keys, kept outside the store: a dump of the store alone opens nothing (P30).

Implements `oauth.ports.Peppers` and `settings.ports.Vault`. Several of each may be there: the
newest makes, every one still verifies and opens. How the files look is `key_files`' affair.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC

from keyin.domain.errors import StoreUnavailable
from keyin.domain.records import Digest
from keyin.domain.token_form import time_mark
from keyin.stores import key_files
from keyin.stores.key_files import DATA_KEY, PEPPER, SIGNING_KEY, KeyFile
from keyin.wire.signing_key import SigningKey, key_of_seed

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from keyin.domain.environment import Entropy

_VERSION: Final = b"\x01"
_ID_END: Final = 5
_NONCE_BYTES: Final = 12  # NIST SP 800-38D §8.2.2: 96 random bits
_NONCE_END: Final = _ID_END + _NONCE_BYTES


class SecretsDirectory:
    """The keyed digests (HMAC-SHA-256) and the vault (AES-256-GCM) of one cloud."""

    def __init__(self, keys: Iterable[KeyFile], *, entropy: Entropy) -> None:
        newest_first = sorted(keys, key=lambda key: key.number, reverse=True)
        self._entropy = entropy
        # Keyed once and copied for each digest: a copy costs a third of keying anew.
        self._peppers = [
            (f"{key.id}:", HMAC(key.material, SHA256()))
            for key in newest_first
            if key.kind == PEPPER
        ]
        self._ciphers = {
            bytes.fromhex(key.id): AESGCM(key.material)
            for key in newest_first
            if key.kind == DATA_KEY
        }
        self._sealing = next(iter(self._ciphers))
        self.signing_keys: tuple[SigningKey, ...] = tuple(
            key_of_seed(key.material) for key in newest_first if key.kind == SIGNING_KEY
        )
        """The cloud's own: the newest signs, each verifies; none where it is systemd's to bring."""

    @classmethod
    def open(
        cls, path: Path, *, entropy: Entropy, create: bool = True, complete: bool = False
    ) -> Self:
        """Open the directory; with `create`, make it and what it lacks.

        `complete` adds what a directory of an earlier release does not have; never a pepper or a
        data key, without which nothing in its store would be found or opened. Raises
        ConfigurationError where it is missing, or open to another account.
        """
        if create:
            key_files.make_directory(path)
        keys = key_files.read_all(path)
        for kind in (PEPPER, DATA_KEY):
            if not any(key.kind == kind for key in keys):
                if not create:
                    raise key_files.lacking(path, kind)
                keys.append(key_files.add(path, kind, entropy))
        signs = any(key.kind == SIGNING_KEY for key in keys)
        if (create or complete) and not signs and not key_files.is_handed_over(path):
            keys.append(key_files.add(path, SIGNING_KEY, entropy))
        return cls(keys, entropy=entropy)

    @classmethod
    def in_memory(cls, *, entropy: Entropy) -> Self:
        """Make keys that are gone with the process: for tests and simulations."""
        return cls(
            [
                KeyFile(
                    kind=kind,
                    number=1,
                    id=entropy.token_bytes(4).hex(),
                    material=entropy.token_bytes(key_files.KEY_BYTES),
                )
                for kind in (PEPPER, DATA_KEY, SIGNING_KEY)
            ],
            entropy=entropy,
        )

    @property
    def ids(self) -> frozenset[str]:
        """Return the ids of all keys: what a store remembers to know its own secrets again."""
        peppers = {prefix.removesuffix(":") for prefix, _ in self._peppers}
        return frozenset(peppers | {id_.hex() for id_ in self._ciphers})

    def digests(self, purpose: str, value: str) -> tuple[Digest, ...]:
        """Return the digests of `value` under every pepper, newest first.

        Those of tokens begin with the token's moment, so that a store keeps them in that order.
        """
        message = f"{purpose}\0{value}".encode("utf-8", "surrogatepass")
        mark = time_mark(value) if purpose == "token" else ""
        found = []
        for prefix, keyed in self._peppers:
            mac = keyed.copy()
            mac.update(message)
            found.append(Digest(prefix + mark + mac.finalize().hex()))
        return tuple(found)

    def seal(self, plaintext: bytes, context: str) -> bytes:
        """Return version, data key id, nonce and ciphertext."""
        nonce = self._entropy.token_bytes(_NONCE_BYTES)
        ciphertext = self._ciphers[self._sealing].encrypt(nonce, plaintext, context.encode())
        return _VERSION + self._sealing + nonce + ciphertext

    def unseal(self, sealed: bytes, context: str) -> bytes:
        """Decrypt. Raises StoreUnavailable: no such key, another context, or altered bytes."""
        cipher = self._ciphers.get(sealed[1:_ID_END])
        if cipher is None or sealed[:1] != _VERSION:
            raise StoreUnavailable(
                "the store holds a record sealed with a data key that is not here",
                next_step="Put the data key's file back into the secrets directory.",
            )
        try:
            return cipher.decrypt(sealed[_ID_END:_NONCE_END], sealed[_NONCE_END:], context.encode())
        except InvalidTag as error:
            raise StoreUnavailable(
                "the store holds a record that was altered",
                next_step="Restore the store from a backup.",
            ) from error
