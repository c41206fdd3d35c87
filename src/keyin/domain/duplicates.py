"""What is left of stored preferences when others say the same anew (cloud-wire §9.6).

Both sides are in one ontology. Pure; neither side is changed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from keyin.domain.errors import InvalidDocument
from keyin.domain.merge import DEEPEST

if TYPE_CHECKING:
    from collections.abc import Mapping


def without_duplicates(
    stored: Mapping[str, Any], said: Mapping[str, Any], depth: int = 0
) -> dict[str, Any]:
    """Leave out what is said; of a member that is said in part, keep the rest, if there is one.

    Nested too deep raises `InvalidDocument`.
    """
    if depth > DEEPEST:
        raise InvalidDocument("A document is nested too deeply.")
    kept: dict[str, Any] = {}
    for name, value in stored.items():
        if name not in said:
            kept[name] = value
        elif isinstance(said[name], dict) and isinstance(value, dict):
            rest = without_duplicates(value, said[name], depth + 1)
            if rest:
                kept[name] = rest
    return kept
