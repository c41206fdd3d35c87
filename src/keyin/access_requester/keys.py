"""Keys as they lie on the disk, and keys that sign."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from keyin.domain.secret import PrivateKey
from keyin.wire.signing_key import read_private

if TYPE_CHECKING:
    from keyin.wire.signing_key import SigningKey


def signing(private: PrivateKey) -> SigningKey:
    """Return the key that signs with what was kept."""
    return read_private(private.reveal().encode())


def to_keep(key: SigningKey) -> PrivateKey:
    """Return what is kept of a key."""
    return PrivateKey(msgspec.json.encode(key.private_jwk()).decode())
