"""Signed checkpoints: how far a chain of the audit log had come at a moment, by the cloud's word.

Who rewrites the log without the signing key cannot make one. A compact JWS (RFC 7515), so that any
library verifies it. Decides nothing about rows; see `audit_chain`.
"""

from __future__ import annotations

from binascii import Error, unhexlify
from typing import TYPE_CHECKING, Final

import msgspec

from keyin.domain.environment import Millis
from keyin.wire.audit_chain import Head
from keyin.wire.jose import InvalidSignature, parse, verify

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keyin.domain.absent import Value
    from keyin.wire.jose import PublicKey
    from keyin.wire.signing_key import SigningKey

TYPE: Final = "keyin-audit-checkpoint+jwt"
_PARAMETERS: Final = frozenset({"alg", "typ", "kid"})


class Checkpoint(msgspec.Struct, frozen=True, kw_only=True):
    """A head, and the signature that speaks for it."""

    head: Head
    at: Millis
    signature: str
    """A compact JWS that says all of this itself."""


def sign(key: SigningKey, head: Head, now: Millis) -> Checkpoint:
    """Return a checkpoint of this head."""
    claims: dict[str, Value] = {
        "chain": head.chain,
        "seq": head.seq,
        "at": now,
        "hash": head.hash.hex(),
    }
    signature = key.sign({"typ": TYPE, "kid": key.public.thumbprint}, claims)
    return Checkpoint(head=head, at=now, signature=signature)


def read(text: str, keys: Mapping[str, PublicKey]) -> Checkpoint:
    """Return what a signature of one of these keys (by thumbprint) says.

    Raises InvalidSignature.
    """
    jws = parse(text, parameters=_PARAMETERS)
    key = keys.get(str(jws.header.get("kid")))
    if key is None or jws.header.get("typ") != TYPE or not verify(jws, key):
        raise InvalidSignature("no signing key of this cloud made the checkpoint")
    claims = jws.claims
    chain, seq, at, hash_ = (claims.get(name) for name in ("chain", "seq", "at", "hash"))
    if not (isinstance(chain, str) and isinstance(hash_, str)):
        raise InvalidSignature("the checkpoint does not say of what it is")
    if not (type(seq) is int and type(at) is int):
        raise InvalidSignature("the checkpoint does not say how far the chain had come")
    try:
        head = Head(chain, seq, unhexlify(hash_))
    except (Error, ValueError) as error:
        raise InvalidSignature("the checkpoint's hash is no hash") from error
    return Checkpoint(head=head, at=Millis(at), signature=text)
