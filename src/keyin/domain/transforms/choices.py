"""Transforms that choose: conditions, ranges with outputs, times of day (local-flow §4.4)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from keyin.domain.absent import ABSENT
from keyin.domain.errors import InvalidDocument
from keyin.domain.transforms.scalars import number, truthy

if TYPE_CHECKING:
    from keyin.domain.absent import Absent, Value
    from keyin.domain.transforms.engine import Call

_TIME: Final = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])")


def condition(call: Call) -> Value | Absent:
    """Take the `true` or the `false` branch.

    A null condition yields nothing. An absent one takes the false branch: real registries rely
    on it (local-flow §12, decision 3).
    """
    chosen = call.operand("condition")
    if chosen is None:
        return ABSENT
    return call.operand("true" if truthy(chosen) else "false")


def quantize(value: Value, call: Call) -> Value | Absent:
    """Take the output of the first range whose upper bound, if any, is not exceeded."""
    double, ranges = number(value), call.spec.get("ranges")
    if not isinstance(ranges, list) or not all(isinstance(record, dict) for record in ranges):
        raise InvalidDocument("A quantize transform lacks its ranges.")
    if double is None:
        return ABSENT
    for record in ranges:
        bound = number(record.get("upperBound"))
        if "upperBound" not in record or (bound is not None and double <= bound):
            return call.given(record["output"]) if "output" in record else ABSENT
    return ABSENT


def time_in_range(value: Value, call: Call) -> Value | Absent:
    """Tell whether a time `HH:MM` lies strictly between `from` and `to`, also over midnight."""
    now, start, end = (_minutes(t) for t in (value, call.operand("from"), call.operand("to")))
    if now is None or start is None or end is None:
        return ABSENT
    if start <= end:
        return start < now < end
    return now > start or now < end


def _minutes(value: Value | Absent) -> int | None:
    match = _TIME.fullmatch(value) if isinstance(value, str) else None
    return int(match[1]) * 60 + int(match[2]) if match else None
