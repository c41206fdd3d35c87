"""The keys that sign the audit log's checkpoints: Ed25519, beside the peppers, outside the store.

The newest signs, every one still verifies. Who can write to the store alone can sign nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from keyin.stores import key_files
from keyin.stores.key_files import AUDIT_KEY, KeyFile
from keyin.wire.signing_key import SigningKey, read_private

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from keyin.domain.environment import Entropy
    from keyin.wire.jose import PublicKey


class AuditKeys(msgspec.Struct, frozen=True):
    """Every key of a secrets directory, newest first."""

    keys: tuple[SigningKey, ...]

    @classmethod
    def open(cls, directory: Path, *, entropy: Entropy, create: bool) -> Self:
        """Read the keys; with `create`, make one where there is none.

        Raises ConfigurationError: the directory cannot be used, or is systemd's and has none.
        """
        found = [key for key in key_files.read_all(directory) if key.kind == AUDIT_KEY]
        if create and not found:
            found = [key_files.add(directory, AUDIT_KEY, entropy)]
        return cls(tuple(_signing(key) for key in found))

    @property
    def public(self) -> Mapping[str, PublicKey]:
        """Return the public halves by their thumbprints."""
        return {key.public.thumbprint: key.public for key in self.keys}


def _signing(file: KeyFile) -> SigningKey:
    key = Ed25519PrivateKey.from_private_bytes(file.material)
    return read_private(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
