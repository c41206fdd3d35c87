"""How much a safe may hold: each request looks at all of it, and nothing is deleted by merging.

Without a bound, a client that may write makes every later request for a key as dear as it likes.
"""

from __future__ import annotations

from typing import Final

from keyin.settings.errors import Rejected, Why
from keyin.settings.flat_view import FLAT
from keyin.settings.payload import is_object
from keyin.wire.documents import SafeContent, encode_safe

MOST_BYTES: Final = 1024 * 1024
"""Of a safe as JSON; the largest set of the original's has 280 000."""

MOST_CONTEXTS: Final = 100
"""Preference sets in one document, each of which is matched with every solution."""


def encode_within(content: SafeContent) -> bytes:
    """Write a safe that somebody changed. Raises Rejected where it has grown too large."""
    encoded = encode_safe(content)
    flat = content.preferences.get(FLAT)
    contexts = flat.get("contexts") if is_object(flat) else None
    if len(encoded) > MOST_BYTES or (is_object(contexts) and len(contexts) > MOST_CONTEXTS):
        raise Rejected(Why.TOO_LARGE)
    return encoded
