"""How the rules see single values: as JavaScript does, since registries are written for it.

A boolean is no number here. A number too large for a double, and NaN, is not a number either.
"""

from __future__ import annotations

import math
from typing import Any, Final, TypeAlias

from keyin.domain.absent import ABSENT, Absent

Number: TypeAlias = int | float

_EXACT: Final = 2**53  # above it, a double no longer holds every integer
_WRITTEN_OUT: Final = 10**21  # JavaScript writes larger numbers with an exponent
_TOLERANCE: Final = 1e-12


def number(value: object) -> float | None:
    """Take a JSON number as a finite double; anything else is None."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        double = float(value)
    except OverflowError:
        return None
    return double if math.isfinite(double) else None


def numeric(value: object) -> float | None:
    """Take a number as JavaScript's arithmetic does: texts, booleans and null are converted."""
    if isinstance(value, bool) or value is None:
        return float(bool(value))
    if not isinstance(value, str):
        return number(value)
    try:
        return number(float(value.strip() or "0"))
    except ValueError:
        return None


def plain(double: float) -> Number | Absent:
    """Give a result back: whole numbers as integers, infinities and NaN as nothing."""
    if not math.isfinite(double):
        return ABSENT
    return int(double) if double.is_integer() and abs(double) <= _EXACT else double


def truthy(value: object) -> bool:
    """Tell true from false: empty lists and objects are true, empty text is not."""
    if isinstance(value, list | dict):
        return True
    if isinstance(value, float) and math.isnan(value):
        return False
    return bool(value)


def text(value: object) -> str | None:
    """Write a text, number or boolean as JavaScript would; anything else is None."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    double = number(value)
    if double is None:
        return None
    whole = double.is_integer() and abs(double) < _WRITTEN_OUT
    return str(int(double)) if whole else repr(double)


def same(left: Any, right: Any) -> bool:  # noqa: ANN401 - any JSON value
    """Compare without conversion; numbers within a relative 1e-12, objects by content."""
    one, other = number(left), number(right)
    if one is not None and other is not None:
        return math.isclose(one, other, rel_tol=_TOLERANCE)
    if isinstance(left, bool) is not isinstance(right, bool):
        return False
    return bool(left == right)
