"""JSON Web Signatures as keyin takes them: two algorithms, a closed header, one spelling each.

The algorithm comes from the registered key, never from the text that it signs (RFC 8725 §3.1). A
header parameter outside a closed list is refused (P17): nothing here fetches, unpacks or obeys.
Decides nothing about claims; see `client_assertions` and `dpop_proofs`.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64encode
from binascii import a2b_base64
from functools import lru_cache, partial
from hashlib import sha256
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import msgspec
from cryptography.exceptions import InvalidSignature as NotSigned
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey

from keyin.domain.errors import InvalidDocument
from keyin.wire.strict_json import decode

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from keyin.domain.absent import Value

LARGEST: Final = 4096
"""Characters of a whole JWS; what is larger is not even split (CVE-2025-61920 of another)."""
ALGORITHMS: Final = ("ES256", "EdDSA")

_CHARACTER: Final = "[A-Za-z0-9_-]"
_PARTS: Final = {
    0: re.compile(f"{_CHARACTER}+"),
    2: re.compile(f"{_CHARACTER}+[AQgw]"),
    3: re.compile(f"{_CHARACTER}+[AEIMQUYcgkosw048]"),
}
"""base64url without padding, by what is over four characters; no stray bits in the last one."""
_STANDARD: Final = bytes.maketrans(b"-_", b"+/")
_NUMBER_BYTES: Final = 32
_SIGNATURE_BYTES: Final = 2 * _NUMBER_BYTES
"""Of both algorithms (RFC 7518 §3.4, RFC 8032)."""
_COORDINATE: Final = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
_KINDS: Final = {("EC", "P-256"): "ES256", ("OKP", "Ed25519"): "EdDSA"}
_MEMBERS: Final = {"ES256": ("crv", "kty", "x", "y"), "EdDSA": ("crv", "kty", "x")}
_ES256: Final = ECDSA(SHA256())
_REMARKS: Final = frozenset({"alg", "kid", "use"})
"""Members that a public key may have beside its own: they say nothing that is believed."""


_NOT_BASE64: Final = "a part is not base64url without padding"


class InvalidSignature(Exception):  # noqa: N818 - names the thing, as `InvalidDocument`
    """A JWS or a key that is not exactly as it must be; a word between programs, not to people."""


class PublicKey(msgspec.Struct, frozen=True):
    """A key that verifies: P-256 or Ed25519, by its canonical JWK."""

    algorithm: str
    jwk: bytes
    """Required members only, sorted: what RFC 7638 §3 hashes."""
    thumbprint: str
    """RFC 7638 with SHA-256, base64url: the `kid` and the `jkt` of keyin."""


class Jws(msgspec.Struct, frozen=True, kw_only=True):
    """A compact JWS taken apart; nothing in it is believed until `verify`."""

    header: Mapping[str, Value]
    key: PublicKey | None = None
    """The key that the header brings along."""
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
    _verifier(canonical)
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
    header, key = _header(parts[0], parameters)
    claims, signature = _unwrapped(parts[1]), _unwrapped(parts[2])
    if claims is None or signature is None:
        raise InvalidSignature(_NOT_BASE64)
    if len(signature) != _SIGNATURE_BYTES:
        raise InvalidSignature("the signature has another length")
    return Jws(
        header=header,
        key=key,
        claims=_object(claims),
        signed=text[: -len(parts[2]) - 1].encode(),
        signature=signature,
    )


@lru_cache(maxsize=1024)
def _header(part: str, parameters: frozenset[str]) -> tuple[Mapping[str, Value], PublicKey | None]:
    """Read a header, and the key in it; one key's owner writes the same each time.

    Nobody may change what is returned.
    """
    content = _unwrapped(part)
    if content is None:
        raise InvalidSignature(_NOT_BASE64)
    named = _object(content)
    if not named.keys() <= parameters:
        raise InvalidSignature("the header says something that is not listened to")
    jwk = named.get("jwk")
    return MappingProxyType(named), public_key(jwk) if isinstance(jwk, dict) else None


def verify(jws: Jws, key: PublicKey) -> bool:
    """Tell whether the key signed this, with its own algorithm and under that name."""
    try:
        _verifier(key.jwk)(jws.signature, jws.signed)
    except NotSigned:
        return False
    return jws.header.get("alg") == key.algorithm


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
    spelling = _PARTS.get(len(part) % 4)
    if spelling is None or not spelling.fullmatch(part):
        return None
    return a2b_base64(part.encode().translate(_STANDARD) + b"==")


@lru_cache(maxsize=1024)
def _verifier(canonical: bytes) -> Callable[[bytes, bytes], None]:
    """Make a public key usable. Raises InvalidSignature where it is no point of its curve."""
    jwk = msgspec.json.decode(canonical)
    try:
        if jwk["kty"] == "EC":
            return partial(_verify_es256, ECKey.import_key(jwk).public_key)
        public = OKPKey.import_key(jwk).public_key
    except (JoseError, ValueError) as error:
        raise InvalidSignature("the key is no point of its curve") from error
    if not isinstance(public, Ed25519PublicKey):
        raise InvalidSignature("the key is of another curve")
    return public.verify


def _verify_es256(key: EllipticCurvePublicKey, signature: bytes, signed: bytes) -> None:
    r, s = signature[:_NUMBER_BYTES], signature[_NUMBER_BYTES:]
    numbers = encode_dss_signature(int.from_bytes(r), int.from_bytes(s))
    key.verify(numbers, signed, _ES256)


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
