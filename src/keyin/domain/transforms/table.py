"""Which transform a type name means. Names without a dot belong to `fluid.transforms`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from keyin.domain import elpath
from keyin.domain.absent import ABSENT
from keyin.domain.errors import InvalidDocument
from keyin.domain.transforms import arithmetic, choices, mapping, membership
from keyin.domain.transforms.scalars import number, numeric, plain, text

if TYPE_CHECKING:
    from collections.abc import Callable

    from keyin.domain.absent import Absent, Value
    from keyin.domain.transforms.engine import Call

_FLUID: Final = "fluid.transforms."


def full_name(name: object) -> str:
    """Complete the name of a type; what is no text names nothing."""
    if not isinstance(name, str):
        return ""
    return name if "." in name else _FLUID + name


def _standard(
    function: Callable[[Value, Call], Value | Absent],
) -> Callable[[Call], Value | Absent]:
    """Give a transform its `input`: absent in, absent out; having none at all is an error."""

    def run(call: Call) -> Value | Absent:
        if "input" not in call.spec and "inputPath" not in call.spec:
            raise InvalidDocument("A transform has neither an input nor a path to one.")
        value = call.operand("input")
        return ABSENT if value is ABSENT else function(value, call)

    return run


def _copy(value: Value, _: Call) -> Value | Absent:
    return value


def _literal(call: Call) -> Value | Absent:
    value: Value | Absent = call.spec.get("input", ABSENT)
    return value


def _boolean_to_number(value: Value, _: Call) -> Value | Absent:
    return int(value) if isinstance(value, bool) else ABSENT


def _string_to_number(value: Value, _: Call) -> Value | Absent:
    double = numeric(value) if isinstance(value, str) and value.strip() else None
    return ABSENT if double is None else plain(double)


def _number_to_string(value: Value, _: Call) -> Value | Absent:
    written = None if number(value) is None else text(value)
    return ABSENT if written is None else written


def _boolean_to_string(value: Value, _: Call) -> Value | Absent:
    return text(value) if isinstance(value, bool) else ABSENT


def _string_to_boolean(value: Value, _: Call) -> Value | Absent:
    return value in {"true", "1"} if isinstance(value, str) else ABSENT


def _json_to_object(value: Value, _: Call) -> Value | Absent:
    try:
        return json.loads(value) if isinstance(value, str) else ABSENT
    except (ValueError, RecursionError):
        return ABSENT


def _object_to_json(value: Value, _: Call) -> Value | Absent:
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    except (ValueError, RecursionError):
        return ABSENT


def _delete(call: Call) -> Value | Absent:
    path = call.spec.get("outputPath", "")
    call.delete(elpath.parse(path) if isinstance(path, str) else ())
    return ABSENT


TRANSFORMS: Final[dict[str, Callable[[Call], Value | Absent]]] = {
    _FLUID + "value": _standard(_copy),
    _FLUID + "identity": _standard(_copy),
    _FLUID + "literalValue": _literal,
    _FLUID + "valueMapper": mapping.value_mapper,
    _FLUID + "condition": choices.condition,
    _FLUID + "quantize": _standard(choices.quantize),
    _FLUID + "linearScale": _standard(arithmetic.linear_scale),
    _FLUID + "binaryOp": arithmetic.binary_operation,
    _FLUID + "round": _standard(arithmetic.round_),
    _FLUID + "limitRange": _standard(arithmetic.limit_range),
    _FLUID + "inRange": _standard(arithmetic.in_range),
    _FLUID + "arrayToSetMembership": membership.array_to_set_membership,
    _FLUID + "setMembershipToArray": _standard(membership.set_membership_to_array),
    _FLUID + "indexArrayByKey": _standard(membership.index_array_by_key),
    _FLUID + "deindexIntoArrayByKey": _standard(membership.deindex_into_array_by_key),
    _FLUID + "stringToNumber": _standard(_string_to_number),
    _FLUID + "numberToString": _standard(_number_to_string),
    _FLUID + "booleanToString": _standard(_boolean_to_string),
    _FLUID + "stringToBoolean": _standard(_string_to_boolean),
    _FLUID + "JSONstringToObject": _standard(_json_to_object),
    _FLUID + "objectToJSONString": _standard(_object_to_json),
    _FLUID + "delete": _delete,
    "gpii.transformer.booleanToNumber": _standard(_boolean_to_number),
    "gpii.transformer.timeInRange": _standard(choices.time_in_range),
}
