"""What is said to who may not: the same to everybody, with what a right request would look like.

Where there is an issuer, the challenge of RFC 9449 §7.1 stands beside the original's body. A nonce
that is missing, and a scope that is too narrow, are told only to who proved the token already.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from keyin.cloud import routes
from keyin.cloud.answers import Answer
from keyin.cloud.errors import UNAUTHORIZED, unauthorized
from keyin.oauth.errors import Reason

if TYPE_CHECKING:
    from keyin.cloud.oauth_routes import Authorization
    from keyin.domain.environment import Millis
    from keyin.oauth.bearer import Denial


def denied(denial: Denial, authorization: Authorization | None, now: Millis) -> Answer:
    """Render a denial (cloud-wire §4.2, RFC 6750 §3, RFC 9449 §7.1 and §9)."""
    if authorization is None:
        return unauthorized(denial)
    scope = denial.reason is Reason.SCOPE
    nonce = denial.reason is Reason.NO_NONCE
    error = b"insufficient_scope" if scope else b"use_dpop_nonce" if nonce else b"invalid_token"
    place = (authorization.issuer + routes.RESOURCE_METADATA.template).encode()
    challenge = (
        b'DPoP error="' + error + b'", algs="ES256 EdDSA", resource_metadata="' + place + b'"'
    )
    more = authorization.nonce(now) if nonce else ()
    return Answer(
        403 if scope else UNAUTHORIZED.status,
        UNAUTHORIZED.body,
        (*UNAUTHORIZED.headers, (b"www-authenticate", challenge), *more),
        denial.reason,
    )
