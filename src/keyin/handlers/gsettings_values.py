"""Which JSON value fits which GVariant type. Pure; ranges and choices are the schema's to judge."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from keyin.domain.absent import ABSENT

if TYPE_CHECKING:
    from keyin.domain.absent import Absent, Value

_INTEGERS: Final = {
    "y": (0, 2**8 - 1),
    "n": (-(2**15), 2**15 - 1),
    "q": (0, 2**16 - 1),
    "i": (-(2**31), 2**31 - 1),
    "u": (0, 2**32 - 1),
    "x": (-(2**63), 2**63 - 1),
    "t": (0, 2**64 - 1),
}


def convert(kind: str, value: Value) -> bool | float | str | list[str] | Absent:
    """Return the value in the key's type; ABSENT where it is of another kind.

    A number for an integer key is rounded to the nearest integer, halves away from zero: transforms
    such as seconds x 1000 leave 569.9999999999999. A boolean is no number, nor a number a boolean.
    """
    if kind == "b":
        return value if isinstance(value, bool) else ABSENT
    if kind == "s":
        return value if isinstance(value, str) and _is_text(value) else ABSENT
    if kind == "as":
        return _texts(value) if isinstance(value, list) else ABSENT
    return _number(kind, value)


def _texts(items: list[Any]) -> list[str] | Absent:
    fit = all(isinstance(item, str) and _is_text(item) for item in items)
    return [str(item) for item in items] if fit else ABSENT


def _is_text(value: str) -> bool:
    """Tell whether GLib can hold it: UTF-8 without the character NUL."""
    return "\0" not in value and not any("\ud800" <= letter <= "\udfff" for letter in value)


def _number(kind: str, value: Value) -> float | Absent:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return ABSENT
    if not _is_finite(value):
        return ABSENT
    if kind == "d":
        return float(value)
    if kind not in _INTEGERS:
        return ABSENT
    low, high = _INTEGERS[kind]
    whole = value if isinstance(value, int) else _round_half_away(value)
    return whole if low <= whole <= high else ABSENT


def _is_finite(value: float) -> bool:
    """Tell whether a double can hold it; an integer may be too large."""
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def _round_half_away(value: float) -> int:
    return math.floor(value + 0.5) if value >= 0 else math.ceil(value - 0.5)
