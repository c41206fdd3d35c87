"""A request to an endpoint of `/oauth2`, as far as its sender has to prove something."""

from __future__ import annotations

import re
from base64 import b64decode
from binascii import Error
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keyin.domain.environment import Millis
    from keyin.domain.networks import Address

_ESCAPE: Final = re.compile(rb"%([0-9A-Fa-f]{2})")


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """What a DPoP proof is checked against: every DPoP header, the method, the own address."""

    proofs: tuple[str, ...]
    method: str
    url: str


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """One request: each parameter came once and is text (P99)."""

    parameters: Mapping[str, str]
    authorization: str | None
    sent: Sent
    address: Address | None
    now: Millis
    request_id: str


def basic(authorization: str | None) -> tuple[str, str] | None:
    """Return id and secret of HTTP Basic, form-decoded as RFC 6749 §2.3.1 wants; or None."""
    scheme, _, rest = (authorization or "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, colon, secret = b64decode(rest.strip(), validate=True).decode("utf-8").partition(":")
    except (Error, ValueError):
        return None
    return (_form_decoded(name), _form_decoded(secret)) if colon else None


def _form_decoded(text: str) -> str:
    plain = text.replace("+", " ").encode()
    return _ESCAPE.sub(lambda found: bytes([int(found[1], 16)]), plain).decode("utf-8", "replace")
