"""A public key from a file that somebody names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keyin.domain.errors import ConfigurationError
from keyin.oauth.proven_client import NOBODYS
from keyin.wire.jose import InvalidSignature, PublicKey
from keyin.wire.signing_key import read_public

if TYPE_CHECKING:
    from pathlib import Path


def public_key(file: Path) -> PublicKey:
    """Return the key. Raises ConfigurationError: it is none, or its private half is published."""
    try:
        return _nobody_elses(read_public(file.read_bytes()))
    except InvalidSignature as error:
        raise ConfigurationError(
            "%(path)s holds no public key of P-256 or Ed25519",
            next_step="Give the public half of a key pair, as PEM or JWK; keep the private one.",
            path=file,
        ) from error


def _nobody_elses(key: PublicKey) -> PublicKey:
    if key.jwk == NOBODYS:
        raise InvalidSignature("its private half is published")
    return key
