"""Transforms that count and compare: scales, rounding, operators, ranges (local-flow §4.4).

What is not a number yields nothing, a missing operand too.
"""

from __future__ import annotations

import math
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Final

from keyin.domain.absent import ABSENT
from keyin.domain.errors import InvalidDocument
from keyin.domain.transforms.scalars import number, numeric, plain, same, text, truthy

if TYPE_CHECKING:
    from collections.abc import Callable

    from keyin.domain.absent import Absent, Value
    from keyin.domain.transforms.engine import Call

_METHODS: Final = {"round": ROUND_HALF_UP, "ceil": ROUND_CEILING, "floor": ROUND_FLOOR}
_DECIMALS: Final = 300  # a double has no more


def linear_scale(value: Value, call: Call) -> Value | Absent:
    """`input * factor + offset`; the factor is 1 and the offset 0 unless given."""
    factor, offset = _or(call.operand("factor"), 1), _or(call.operand("offset"), 0)
    terms = number(value), number(factor), number(offset)
    if terms[0] is None or terms[1] is None or terms[2] is None:
        return ABSENT
    return plain(terms[0] * terms[1] + terms[2])


def round_(value: Value, call: Call) -> Value | Absent:
    """Round to `scale` decimals, halves away from zero, on the digits a person would write."""
    double, scale = number(value), number(_or(call.operand("scale"), 0))
    rounding = _METHODS.get(call.spec.get("method", "round")) if _named(call) else None
    if rounding is None:
        raise InvalidDocument("A rounding names a method that does not exist.")
    if double is None or scale is None or abs(scale) > _DECIMALS:
        return ABSENT
    # The shortest text of the double, shifted by its exponent: 1.005 becomes 1.01, not 1.
    shifted = Decimal(repr(double)).scaleb(int(scale))
    whole = shifted.to_integral_value(rounding=rounding)
    return plain(float(whole.scaleb(-int(scale))))


def limit_range(value: Value, call: Call) -> Value | Absent:
    """Keep a number between `min` and `max`."""
    double = number(value)
    if double is None:
        return ABSENT
    lowest, highest = number(call.operand("min")), number(call.operand("max"))
    if lowest is not None:
        double = max(double, lowest)
    if highest is not None:
        double = min(double, highest)
    return plain(double)


def in_range(value: Value, call: Call) -> Value | Absent:
    """Tell whether a number lies between `min` and `max`, both included."""
    double = number(value)
    if double is None:
        return ABSENT
    lowest, highest = number(call.operand("min")), number(call.operand("max"))
    return (lowest is None or double >= lowest) and (highest is None or double <= highest)


def binary_operation(call: Call) -> Value | Absent:
    """Apply `operator` to `left` and `right`, as JavaScript does; absent if either is."""
    operator = call.spec.get("operator")
    apply = _OPERATORS.get(operator) if isinstance(operator, str) else None
    if apply is None:
        raise InvalidDocument("An operation names an operator that does not exist.")
    left, right = call.operand("left"), call.operand("right")
    if left is ABSENT or right is ABSENT:
        return ABSENT
    return apply(left, right)


def _or(value: Value | Absent, default: Value) -> Value | Absent:
    return default if value is ABSENT else value


def _named(call: Call) -> bool:
    return isinstance(call.spec.get("method", "round"), str)


def _arithmetic(
    operation: Callable[[float, float], float],
) -> Callable[[Value, Value], Value | Absent]:
    def apply(left: Value, right: Value) -> Value | Absent:
        one, other = numeric(left), numeric(right)
        if one is None or other is None:
            return ABSENT
        try:
            return plain(operation(one, other))
        except (ZeroDivisionError, ValueError, OverflowError):
            return ABSENT

    return apply


def _comparison(
    operation: Callable[[float, float], bool],
) -> Callable[[Value, Value], Value | Absent]:
    def apply(left: Value, right: Value) -> Value | Absent:
        if isinstance(left, str) and isinstance(right, str):
            return operation((left > right) - (left < right), 0)
        one, other = numeric(left), numeric(right)
        return one is not None and other is not None and operation(one, other)

    return apply


def _plus(left: Value, right: Value) -> Value | Absent:
    if isinstance(left, str) or isinstance(right, str):
        one, other = text(left), text(right)
        return ABSENT if one is None or other is None else one + other
    return _arithmetic(lambda a, b: a + b)(left, right)


_OPERATORS: Final[dict[str, Callable[[Value, Value], Value | Absent]]] = {
    "===": same,
    "!==": lambda left, right: not same(left, right),
    "<": _comparison(lambda a, b: a < b),
    "<=": _comparison(lambda a, b: a <= b),
    ">": _comparison(lambda a, b: a > b),
    ">=": _comparison(lambda a, b: a >= b),
    "+": _plus,
    "-": _arithmetic(lambda a, b: a - b),
    "*": _arithmetic(lambda a, b: a * b),
    "/": _arithmetic(lambda a, b: a / b),
    "%": _arithmetic(math.fmod),
    "&&": lambda left, right: right if truthy(left) else left,
    "||": lambda left, right: left if truthy(left) else right,
}
