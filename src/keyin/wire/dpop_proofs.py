"""DPoP proofs (RFC 9449): each request shows that its sender has the key of the token."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Final

import msgspec

from keyin.domain.environment import Millis
from keyin.domain.secret import equal
from keyin.wire.client_assertions import LONGEST_ID
from keyin.wire.jose import InvalidSignature, number, parse, verify, wrapped

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keyin.domain.absent import Value
    from keyin.domain.secret import AccessToken
    from keyin.wire.jose import Jws, PublicKey
    from keyin.wire.signing_key import SigningKey

TYPE: Final = "dpop+jwt"
OLDEST_S: Final = 60
SKEW_S: Final = 5
"""By how much the other side's clock may be ahead."""
_PARAMETERS: Final = frozenset({"alg", "typ", "jwk"})


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """A genuine proof; the caller looks at `nonce`, and that `jti` comes once until `expires`."""

    jkt: str
    """The thumbprint of the key that made it (RFC 9449 §6.1)."""
    jti: str
    nonce: str | None
    expires: Millis


def token_hash(token: AccessToken) -> str:
    """Return `ath`: what ties a proof to its token (RFC 9449 §4.2)."""
    return wrapped(sha256(token.reveal().encode()).digest())


def make(  # noqa: PLR0913 - one parameter a claim
    key: SigningKey,
    *,
    method: str,
    url: str,
    jti: str,
    now: Millis,
    token: AccessToken | None = None,
    nonce: str | None = None,
) -> str:
    """Return a proof for one request; `url` without query and fragment."""
    claims: dict[str, Value] = {"htm": method, "htu": url, "iat": now // 1000, "jti": jti}
    if token is not None:
        claims["ath"] = token_hash(token)
    if nonce is not None:
        claims["nonce"] = nonce
    jwk: Value = msgspec.json.decode(key.public.jwk)
    return key.sign({"typ": TYPE, "jwk": jwk}, claims)


def check(
    text: str, *, method: str, url: str, now: Millis, token: AccessToken | None = None
) -> Proof:
    """Check a proof against its request (RFC 9449 §4.3) as far as it can without memory.

    `url` is the request's own, as the issuer's address makes it. Raises InvalidSignature.
    """
    jws, key = _parsed(text)
    claims = jws.claims
    if claims.get("htm") != method or not _same_place(claims.get("htu"), url):
        raise InvalidSignature("the proof is for another request")
    if token is not None and not equal(_text(claims.get("ath")), token_hash(token)):
        raise InvalidSignature("the proof is for another token")
    issued = _issued(claims, now)
    jti, nonce = claims.get("jti"), claims.get("nonce")
    if not isinstance(jti, str) or not 0 < len(jti) <= LONGEST_ID:
        raise InvalidSignature("the proof has no proper identifier")
    if not verify(jws, key):
        raise InvalidSignature("the signature is not that key's")
    return Proof(
        jkt=key.thumbprint,
        jti=jti,
        nonce=nonce if isinstance(nonce, str) else None,
        expires=Millis(int((issued + OLDEST_S + SKEW_S) * 1000)),
    )


def sender(text: str) -> str:
    """Return the thumbprint of the key that a proof says it is from; nothing is verified.

    For who passes a proof on. Raises InvalidSignature.
    """
    return proof_key(text).thumbprint


def proof_key(text: str) -> PublicKey:
    """Return the key that a proof says it is from; nothing is verified. InvalidSignature."""
    return _parsed(text)[1]


def _parsed(text: str) -> tuple[Jws, PublicKey]:
    jws = parse(text, parameters=_PARAMETERS)
    if jws.header.get("typ") != TYPE or jws.key is None:
        raise InvalidSignature("this is no DPoP proof")
    return jws, jws.key


def _same_place(claimed: Value, url: str) -> bool:
    """Compare without query and fragment (RFC 9449 §4.3, 9)."""
    return _text(claimed).partition("#")[0].partition("?")[0] == url


def _issued(claims: Mapping[str, Value], now: Millis) -> float:
    issued = number(claims.get("iat"))
    if not now / 1000 - OLDEST_S <= issued <= now / 1000 + SKEW_S:
        raise InvalidSignature("the proof is of another time")
    return issued


def _text(value: Value) -> str:
    return value if isinstance(value, str) else ""
