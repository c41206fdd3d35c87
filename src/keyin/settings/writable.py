"""Which documents a client may save: every term of every context must be in its list (P19).

The original looked into one context only (O5). An empty list allows nothing; what is not a
preference but could steer one (metadata, priorities, members nobody knows) is refused too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from keyin.domain.records import Unrestricted
from keyin.settings.payload import is_object

if TYPE_CHECKING:
    from keyin.domain.absent import Value

_STRUCTURE: Final = frozenset({"contexts"})
_CONTEXT: Final = frozenset({"name", "preferences"})


def may_write(document: Value, writable: tuple[str, ...] | Unrestricted) -> bool:
    """Tell whether everything in a document of sound outline may be written."""
    if isinstance(writable, Unrestricted):
        return True
    allowed = frozenset(writable)
    if not is_object(document) or not document.keys() <= _STRUCTURE:
        return False
    contexts = document.get("contexts")
    return is_object(contexts) and all(
        _context_allowed(context, allowed) for context in contexts.values()
    )


def _context_allowed(context: Value, allowed: frozenset[str]) -> bool:
    if not is_object(context) or not context.keys() <= _CONTEXT:
        return False
    preferences = context.get("preferences")
    return is_object(preferences) and preferences.keys() <= allowed
