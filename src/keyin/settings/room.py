"""How much a safe may hold: each request looks at all of it, and nothing is deleted by merging.

Without a bound, a client that may write makes every later request for a key as dear as it likes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from keyin.settings.errors import Rejected, Why
from keyin.settings.payload import is_object
from keyin.wire.documents import SafeContent, encode_safe

if TYPE_CHECKING:
    from keyin.domain.absent import Value

MOST_BYTES: Final = 1024 * 1024
"""Of a safe as JSON; the largest set of the original's has 280 000."""

MOST_CONTEXTS: Final = 100
"""Preference sets in one document, each of which is matched with every solution."""

MOST_ONTOLOGIES: Final = 10
"""Whoever writes for the preferences server may call them as it likes."""


def encode_within(content: SafeContent) -> bytes:
    """Write a safe that somebody changed. Raises Rejected where it has grown too large."""
    encoded = encode_safe(content)
    many = len(content.preferences) > MOST_ONTOLOGIES
    if many or len(encoded) > MOST_BYTES or any(map(_has_many, content.preferences.values())):
        raise Rejected(Why.TOO_LARGE)
    return encoded


def _has_many(sets: Value) -> bool:
    contexts = sets.get("contexts") if is_object(sets) else None
    return is_object(contexts) and len(contexts) > MOST_CONTEXTS
