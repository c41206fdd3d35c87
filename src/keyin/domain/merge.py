"""Deep merge of documents: what is stored, and what comes in over it (cloud-wire §7.5).

Objects merge by member, arrays by index (a longer tail of the stored one stays), everything else
is replaced. There is no way to delete by merging. Neither side is changed; the answer may share
parts with both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from keyin.domain.absent import ABSENT
from keyin.domain.errors import InvalidDocument

if TYPE_CHECKING:
    from keyin.domain.absent import Absent, Value

DEEPEST: Final = 128
"""Levels of nesting that are followed: real documents have ten, an attack on the stack more."""


def deep_merge(stored: Value | Absent, incoming: Value | Absent) -> Value | Absent:
    """Merge by the table of cloud-wire §7.5; nested too deep raises `InvalidDocument`."""
    merged: Value | Absent = _merge(stored, incoming, lists_by_index=True, depth=0)
    return merged


def merge_members(below: Value | Absent, above: Value | Absent) -> Value | Absent:
    """Merge objects by member; an array replaces, as transforms do (local-flow §4.2)."""
    merged: Value | Absent = _merge(below, above, lists_by_index=False, depth=0)
    return merged


def _merge(below: Any, above: Any, *, lists_by_index: bool, depth: int) -> Any:  # noqa: ANN401 - any JSON value
    if above is ABSENT:
        return below
    if depth > DEEPEST:
        raise InvalidDocument("A document is nested too deeply.")
    if isinstance(below, dict) and isinstance(above, dict):
        merged = dict(below)
        for name, value in above.items():
            merged[name] = _merge(
                below.get(name, ABSENT), value, lists_by_index=lists_by_index, depth=depth + 1
            )
        return merged
    if lists_by_index and isinstance(below, list) and isinstance(above, list):
        pairs = (
            _merge(old, new, lists_by_index=True, depth=depth + 1)
            for old, new in zip(below, above, strict=False)
        )
        shared = min(len(below), len(above))
        return [*pairs, *below[shared:], *above[shared:]]
    return above
