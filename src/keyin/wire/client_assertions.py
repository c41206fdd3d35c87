"""Client assertions: how a client proves at the token endpoint that it has its key.

RFC 7523 §2.2 and §3 as its successor (rfc7523bis) has them: the audience is the issuer's identifier
and nothing else, the type is said, the life is a minute.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from keyin.domain.environment import Millis
from keyin.wire.jose import InvalidSignature, Jws, PublicKey, number, parse, verify

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keyin.domain.absent import Value
    from keyin.wire.signing_key import SigningKey

ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
TYPE: Final = "client-authentication+jwt"
LIFETIME_S: Final = 60
SKEW_S: Final = 5
"""By how much the other side's clock may be ahead."""
LONGEST_ID: Final = 256
_PLAIN_TYPES: Final = (None, "JWT")
_PARAMETERS: Final = frozenset({"alg", "typ", "kid"})


class Claimed(msgspec.Struct, frozen=True, kw_only=True):
    """An assertion taken apart: who it says it is from. Nothing in it is believed yet."""

    client_id: str
    kid: str
    jws: Jws


class Assertion(msgspec.Struct, frozen=True, kw_only=True):
    """A genuine assertion; the caller sees to it that `jti` comes once until `expires`."""

    jti: str
    expires: Millis


def make(key: SigningKey, *, client_id: str, issuer: str, jti: str, now: Millis) -> str:
    """Return an assertion that lives a minute."""
    seconds = now // 1000
    return key.sign(
        {"typ": TYPE, "kid": key.public.thumbprint},
        {
            "iss": client_id,
            "sub": client_id,
            "aud": issuer,
            "iat": seconds,
            "exp": seconds + LIFETIME_S,
            "jti": jti,
        },
    )


def read(text: str) -> Claimed:
    """Take an assertion apart, to know whose key to look for. Raises InvalidSignature."""
    jws = parse(text, parameters=_PARAMETERS)
    client_id, kid = jws.claims.get("iss"), jws.header.get("kid")
    if not isinstance(client_id, str) or not isinstance(kid, str):
        raise InvalidSignature("the assertion does not say who made it with which key")
    return Claimed(client_id=client_id, kid=kid, jws=jws)


def check(
    claimed: Claimed, key: PublicKey, *, issuer: str, now: Millis, plain_type: bool = False
) -> Assertion:
    """Check signature, type, parties and time. Raises InvalidSignature.

    `plain_type`: the client may say `JWT`, or leave the type out.
    """
    if not verify(claimed.jws, key):
        raise InvalidSignature("the signature is not that key's")
    claims, header = claimed.jws.claims, claimed.jws.header
    type_ = header.get("typ")
    if type_ != TYPE and not (plain_type and type_ in _PLAIN_TYPES):
        raise InvalidSignature("this is no client assertion")
    if claimed.kid != key.thumbprint:
        raise InvalidSignature("this is no client assertion")
    if claims.get("sub") != claimed.client_id or claims.get("aud") != issuer:
        raise InvalidSignature("the assertion is from or for somebody else")
    expires = _living(claims, now)
    jti = claims.get("jti")
    if not isinstance(jti, str) or not 0 < len(jti) <= LONGEST_ID:
        raise InvalidSignature("the assertion has no proper identifier")
    return Assertion(jti=jti, expires=expires)


def _living(claims: Mapping[str, Value], now: Millis) -> Millis:
    """Return when it ends; refuse what is over, not yet, or longer than a minute."""
    seconds = now / 1000
    expires, issued = number(claims.get("exp")), number(claims.get("iat", seconds))
    begins = number(claims.get("nbf", issued))
    if not seconds < expires <= issued + LIFETIME_S:
        raise InvalidSignature("the assertion is over, or lives too long")
    if max(issued, begins) > seconds + SKEW_S:
        raise InvalidSignature("the assertion is from the future")
    return Millis(int(expires * 1000))
