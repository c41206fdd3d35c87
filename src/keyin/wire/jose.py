"""JSON Web Signatures as keyin takes them: two algorithms, a closed header, one spelling each.

The algorithm comes from the registered key, never from the text that it signs (RFC 8725 §3.1). A
header parameter outside a closed list is refused (P17): nothing here fetches, unpacks or obeys.
Decides nothing about claims; see `client_assertions` and `dpop_proofs`.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import msgspec
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey
from joserfc.jws import JWSRegistry

from keyin.domain.errors import InvalidDocument
from keyin.wire.strict_json import decode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keyin.domain.absent import Value

LARGEST: Final = 4096
"""Characters of a whole JWS; what is larger is not even split (CVE-2025-61920 of another)."""
ALGORITHMS: Final = ("ES256", "EdDSA")

_PART: Final = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
_SIGNATURE_BYTES: Final = 64
"""Of both algorithms (RFC 7518 §3.4, RFC 8032)."""
_COORDINATE: Final = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
_KINDS: Final = {("EC", "P-256"): "ES256", ("OKP", "Ed25519"): "EdDSA"}
_MEMBERS: Final = {"ES256": ("crv", "kty", "x", "y"), "EdDSA": ("crv", "kty", "x")}
_REMARKS: Final = frozenset({"alg", "kid", "use"})
"""Members that a public key may have beside its own: they say nothing that is believed."""


_NOT_BASE64: Final = "a part is not base64url without padding"


class InvalidSignature(Exception):  # noqa: N818 - names the thing, as `InvalidDocument`
    """A JWS or a key that is not exactly as it must be; a word between programs, not to people."""


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A key that verifies: P-256 or Ed25519, by its canonical JWK."""

    algorithm: str
    jwk: bytes
    """Required members only, sorted: what RFC 7638 §3 hashes."""
    thumbprint: str
    """RFC 7638 with SHA-256, base64url: the `kid` and the `jkt` of keyin."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Jws:
    """A compact JWS taken apart; nothing in it is believed until `verify`."""

    header: Mapping[str, Value]
    claims: Mapping[str, Value]
    signed: bytes
    signature: bytes


def public_key(jwk: Mapping[str, Value]) -> PublicKey:
    """Read a public JWK (RFC 7517); a private or strange member is refused.

    Raises InvalidSignature.
    """
    algorithm = _KINDS.get((_text(jwk.get("kty")), _text(jwk.get("crv"))))
    if algorithm is None:
        raise InvalidSignature("the key is neither P-256 nor Ed25519")
    members = _MEMBERS[algorithm]
    if not set(members) <= jwk.keys() <= {*members, *_REMARKS}:
        raise InvalidSignature("the key has members that a public key has not")
    if jwk.get("alg", algorithm) != algorithm or jwk.get("use", "sig") != "sig":
        raise InvalidSignature("the key is for something else")
    return _known(algorithm, *(_text(jwk[name]) for name in members[2:]))


@lru_cache(maxsize=1024)
def _known(algorithm: str, *numbers: str) -> PublicKey:
    """Check a key's numbers; the keys of those who come back are known already."""
    for number_ in numbers:
        if not _COORDINATE.fullmatch(number_) or _unwrapped(number_) is None:
            raise InvalidSignature("a number of the key is not 32 bytes in base64url")
    kty, crv = next(kind for kind, name in _KINDS.items() if name == algorithm)
    members = _MEMBERS[algorithm]
    own = dict(zip(members, (crv, kty, *numbers), strict=True))
    canonical = msgspec.json.encode(own)
    _loaded(canonical)
    return PublicKey(algorithm, canonical, wrapped(sha256(canonical).digest()))


@lru_cache(maxsize=1024)
def canonical_key(jwk: bytes) -> PublicKey:
    """Read a public JWK in JSON. Raises InvalidSignature."""
    return public_key(_object(jwk))


def parse(text: str, *, parameters: frozenset[str]) -> Jws:
    """Take a compact JWS apart. `parameters` names every header parameter that may be there.

    Raises InvalidSignature.
    """
    parts = text.split(".", 3) if len(text) <= LARGEST else []
    if len(parts) != 3:  # noqa: PLR2004 - RFC 7515 §7.1
        raise InvalidSignature("there are not three parts of reasonable size")
    named = _header(parts[0])
    claims, signature = _unwrapped(parts[1]), _unwrapped(parts[2])
    if claims is None or signature is None:
        raise InvalidSignature(_NOT_BASE64)
    if len(signature) != _SIGNATURE_BYTES:
        raise InvalidSignature("the signature has another length")
    if not named.keys() <= parameters:
        raise InvalidSignature("the header says something that is not listened to")
    return Jws(
        header=named,
        claims=_object(claims),
        signed=text.rpartition(".")[0].encode(),
        signature=signature,
    )


@lru_cache(maxsize=1024)
def _header(part: str) -> Mapping[str, Value]:
    """Read a header; one key writes the same each time. Nobody may change what is returned."""
    content = _unwrapped(part)
    if content is None:
        raise InvalidSignature(_NOT_BASE64)
    return MappingProxyType(_object(content))


def verify(jws: Jws, key: PublicKey) -> bool:
    """Tell whether the key signed this, with its own algorithm and under that name."""
    holds = JWSRegistry.algorithms[key.algorithm].verify(
        jws.signed, jws.signature, _loaded(key.jwk)
    )
    return holds and jws.header.get("alg") == key.algorithm


def number(value: Value) -> float:
    """Return a NumericDate (RFC 7519 §2). Raises InvalidSignature."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidSignature("a time is no number")
    return value


def wrapped(content: bytes) -> str:
    """Write base64url without padding (RFC 7515 §2)."""
    return urlsafe_b64encode(content).rstrip(b"=").decode()


def _unwrapped(part: str) -> bytes | None:
    """Read base64url in its only spelling: no padding, no stray bits at the end."""
    if not _PART.fullmatch(part) or len(part) % 4 == 1:
        return None
    content = urlsafe_b64decode(part + "=" * (-len(part) % 4))
    return content if wrapped(content) == part else None


@lru_cache(maxsize=1024)
def _loaded(canonical: bytes) -> ECKey | OKPKey:
    """Make a public key usable. Raises InvalidSignature where it is no point of its curve."""
    jwk = msgspec.json.decode(canonical)
    try:
        key = ECKey.import_key(jwk) if jwk["kty"] == "EC" else OKPKey.import_key(jwk)
        _ = key.public_key
    except (JoseError, ValueError) as error:
        raise InvalidSignature("the key is no point of its curve") from error
    return key


def _object(text: bytes) -> Mapping[str, Value]:
    try:
        value = decode(text)
    except InvalidDocument as error:
        raise InvalidSignature("a part is not proper JSON") from error
    if not isinstance(value, dict):
        raise InvalidSignature("a part is no JSON object")
    return value


def _text(value: Value) -> str:
    return value if isinstance(value, str) else ""
