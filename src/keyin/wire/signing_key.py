"""A private key that signs proofs: in memory, or from a file's PEM or JWK text.

It never prints; what leaves is its public half, what it signed, and what the file it is kept in
holds.
"""

from __future__ import annotations

from hashlib import sha512
from typing import TYPE_CHECKING, Final, Never

import msgspec
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    derive_private_key,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey
from joserfc.jws import JWSRegistry

from keyin.wire.jose import InvalidSignature, PublicKey, canonical_key, public_key, wrapped

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keyin.domain.absent import Value
    from keyin.domain.environment import Entropy

_EXTRA_BYTES: Final = 16
"""More than the order has, so that no remainder is likelier (FIPS 186-5, A.2.1)."""
_PUBLIC: Final = frozenset({"kty", "crv", "x", "y"})
_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


class SigningKey:
    """Signs as `public.algorithm`."""

    __slots__ = ("_key", "public")

    def __init__(self, key: ECKey | OKPKey) -> None:
        self._key = key
        self.public: PublicKey = _public(key)

    def __repr__(self) -> str:
        return f"<SigningKey {self.public.thumbprint}>"

    def __reduce_ex__(self, protocol: object) -> Never:
        raise TypeError("a SigningKey does not pickle")

    def private_jwk(self) -> dict[str, str]:
        """Return the JWK with its private member, for the file that this key is kept in."""
        jwk = self._key.as_dict(private=True).items()
        return {str(name): str(value) for name, value in jwk if name in {*_PUBLIC, "d"}}

    def sign(self, header: Mapping[str, Value], claims: Mapping[str, Value]) -> str:
        """Return a compact JWS; `alg` is added."""
        named = {"alg": self.public.algorithm, **header}
        signed = f"{wrapped(msgspec.json.encode(named))}.{wrapped(msgspec.json.encode(claims))}"
        model = JWSRegistry.algorithms[self.public.algorithm]
        return f"{signed}.{wrapped(model.sign(signed.encode(), self._key))}"


def new_key(entropy: Entropy) -> SigningKey:
    """Make a P-256 key from the given chance."""
    return _of_chance(entropy.token_bytes(32 + _EXTRA_BYTES))


def key_of_seed(seed: bytes) -> SigningKey:
    """Return the P-256 key that belongs to 32 unpredictable bytes: always the same."""
    return _of_chance(sha512(b"keyin signing key\0" + seed).digest()[: 32 + _EXTRA_BYTES])


def _of_chance(chance: bytes) -> SigningKey:
    number = int.from_bytes(chance, "big") % (_ORDER - 1) + 1
    return SigningKey(ECKey.import_key(_pem(derive_private_key(number, SECP256R1()))))


def read_private(text: bytes) -> SigningKey:
    """Read a private key: PEM without a pass phrase, or JWK; P-256 or Ed25519.

    Raises InvalidSignature.
    """
    try:
        if not text.lstrip().startswith(b"{"):
            return _from_pem(text)
        jwk = msgspec.json.decode(text, type=dict[str, str | list[str]])
        key = ECKey.import_key(jwk) if jwk.get("kty") == "EC" else OKPKey.import_key(jwk)
        if not key.is_private:
            raise InvalidSignature("this is a public key")
        return SigningKey(key)
    except (JoseError, ValueError, TypeError, KeyError) as error:
        raise InvalidSignature("this is no private key of P-256 or Ed25519") from error


def read_public(text: bytes) -> PublicKey:
    """Read a public key: PEM or JWK; a private one is refused. Raises InvalidSignature."""
    if text.lstrip().startswith(b"{"):
        return canonical_key(text)
    try:
        key = load_pem_public_key(text)
    except ValueError as error:
        raise InvalidSignature("this is no public key of P-256 or Ed25519") from error
    pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    for kind in (ECKey, OKPKey):
        try:
            return _public(kind.import_key(pem))
        except (JoseError, ValueError, TypeError):
            continue
    raise InvalidSignature("this is no public key of P-256 or Ed25519")


def _public(key: ECKey | OKPKey) -> PublicKey:
    """Return the public half, without what the library adds to it."""
    jwk = key.as_dict(private=False).items()
    return public_key({str(name): value for name, value in jwk if name in _PUBLIC})


def _from_pem(text: bytes) -> SigningKey:
    key = load_pem_private_key(text, password=None)
    if isinstance(key, Ed25519PrivateKey):
        return SigningKey(OKPKey.import_key(_pem(key)))
    if isinstance(key, EllipticCurvePrivateKey) and isinstance(key.curve, SECP256R1):
        return SigningKey(ECKey.import_key(_pem(key)))
    raise InvalidSignature("this is no private key of P-256 or Ed25519")


def _pem(key: EllipticCurvePrivateKey | Ed25519PrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
