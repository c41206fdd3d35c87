"""Token exchanges signed beforehand: each has an assertion and a proof that come once."""

from __future__ import annotations

import itertools
import json
import os
import time
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePrivateKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
)

if TYPE_CHECKING:
    from collections.abc import Callable

EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
KEY_TYPE = "urn:gpii:params:oauth:token-type:gpii-key"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
WIDTH = 32


@dataclass(frozen=True)
class Signer:
    """A P-256 key; signs as fast as OpenSSL does."""

    key: EllipticCurvePrivateKey = field(default_factory=lambda: generate_private_key(SECP256R1()))
    _numbers: Any = field(default_factory=itertools.count)

    @property
    def jwk(self) -> dict[str, str]:
        """Return the public key, in RFC 7638's order."""
        point = self.key.public_key().public_numbers()
        x, y = (wrapped(number.to_bytes(WIDTH, "big")) for number in (point.x, point.y))
        return {"crv": "P-256", "kty": "EC", "x": x, "y": y}

    @property
    def thumbprint(self) -> str:
        """Return RFC 7638's name of the key."""
        return wrapped(sha256(packed(self.jwk)).digest())

    def __reduce__(self) -> tuple[Callable[[bytes], Signer], tuple[bytes]]:
        """Let a kept store have it: a key of the library's is not to be pickled."""
        words = Encoding.DER, PrivateFormat.PKCS8, NoEncryption()
        return _signer, (self.key.private_bytes(*words),)

    def jws(self, header: str, claims: dict[str, Any]) -> str:
        """Sign; `header` is encoded already."""
        unique = f"{os.getpid()}-{time.monotonic_ns()}-{next(self._numbers)}"
        signed = f"{header}.{wrapped(packed({**claims, 'jti': unique}))}"
        r, s = decode_dss_signature(self.key.sign(signed.encode(), ECDSA(SHA256())))
        return f"{signed}.{wrapped(r.to_bytes(WIDTH, 'big') + s.to_bytes(WIDTH, 'big'))}"


def _signer(der: bytes) -> Signer:
    key = load_der_private_key(der, None)
    if not isinstance(key, EllipticCurvePrivateKey):
        raise TypeError
    return Signer(key)


@dataclass(frozen=True)
class Installation:
    """A registered computer that exchanges keys."""

    issuer: str
    client_id: str
    client: Signer
    sender: Signer = field(default_factory=Signer)

    def exchanges(self, person: str, count: int, nonce: str | None) -> tuple[tuple[str, str], ...]:
        """Return proofs and bodies of so many requests, good for the minute to come."""
        names = {"typ": "client-authentication+jwt", "kid": self.client.thumbprint}
        assertion = wrapped(packed({"alg": "ES256", **names}))
        proof = wrapped(packed({"alg": "ES256", "typ": "dpop+jwt", "jwk": self.sender.jwk}))
        now = int(time.time())
        who = {"iss": self.client_id, "sub": self.client_id, "aud": self.issuer}
        claims = {**who, "iat": now, "exp": now + 60}
        shown = {"htm": "POST", "htu": f"{self.issuer}/oauth2/token", "iat": now}
        shown |= {"nonce": nonce} if nonce else {}
        form = urlencode(
            {
                "grant_type": EXCHANGE,
                "subject_token": person,
                "subject_token_type": KEY_TYPE,
                "scope": "settings:read settings:write",
                "client_assertion_type": ASSERTION_TYPE,
            }
        )
        return tuple(
            (
                self.sender.jws(proof, shown),
                f"{form}&client_assertion={self.client.jws(assertion, claims)}",
            )
            for _ in range(count)
        )


def wrapped(content: bytes) -> str:
    """Write base64url without padding."""
    return urlsafe_b64encode(content).rstrip(b"=").decode()


def packed(value: object) -> bytes:
    """Write JSON without spaces."""
    return json.dumps(value, separators=(",", ":")).encode()
