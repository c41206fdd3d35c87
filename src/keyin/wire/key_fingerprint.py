"""A key as two people compare it: short, on the page and on the computer the same (M9)."""

from __future__ import annotations

from base64 import urlsafe_b64decode
from binascii import Error
from typing import Final

_BYTES: Final = 4
UNKNOWN: Final = "?"


def key_fingerprint(thumbprint: str) -> str:
    """Return the first eight hexadecimal digits of an RFC 7638 thumbprint: `3F9A-12CD`."""
    try:
        digest = urlsafe_b64decode(thumbprint + "=" * (-len(thumbprint) % 4))
    except (Error, ValueError):
        return UNKNOWN
    if len(digest) < _BYTES:
        return UNKNOWN
    text = digest[:_BYTES].hex().upper()
    return f"{text[:4]}-{text[4:]}"
