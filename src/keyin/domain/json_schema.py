"""Checks a value against a schema of the registries' dialect (cloud-wire §8.2, §8.3).

JSON Schema draft 7 with one change: `required: true` stands with the property. Of the keywords,
those that registries and ontology use. A violation is told in the original's words. A schema that
is odd allows what it does not understand.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from keyin.domain.absent import Value

Violation: TypeAlias = "dict[str, Value]"
Path: TypeAlias = "list[Value]"

_TOLERANCE: Final = 1e-6
"""Of a step: decimal fractions are not exact in binary."""

_FEW: Final = 8
"""Members of an object schema that are still told as the rule that failed."""


def check(schema: object, value: Value, data: Path, place: Path) -> Iterator[Violation]:
    """Tell every violation; `data` and `place` say where value and schema stand."""
    if not isinstance(schema, dict):
        if schema is False:
            yield _violation({}, data, place)
        return
    for keyword, test in _TESTS.items():
        if keyword in schema and not test(value, schema[keyword]):
            message = _MESSAGES[keyword](schema[keyword])
            yield _violation(schema, data, [*place, keyword], message)
    if "oneOf" in schema and sum(_fits(one, value) for one in _list(schema["oneOf"])) != 1:
        yield _violation(schema, data, [*place, "oneOf"])
    if isinstance(value, dict):
        yield from _members(schema, value, data, place)
    elif isinstance(value, list) and "items" in schema:
        yield from _elements(schema["items"], value, data, [*place, "items"])


def _elements(schema: object, value: list[Value], data: Path, place: Path) -> Iterator[Violation]:
    """Check each element; a text that fits is looked at once, however often it stands there."""
    fitting: set[str] = set()
    for index, element in enumerate(value):
        if isinstance(element, str) and element in fitting:
            continue
        found = list(check(schema, element, [*data, index], place))
        yield from found
        if isinstance(element, str) and not found:
            fitting.add(element)


def _members(
    schema: dict[str, Any], value: dict[str, Value], data: Path, place: Path
) -> Iterator[Violation]:
    properties = _dict(schema.get("properties"))
    for name, inner in properties.items():
        below: Path = [*place, "properties", name]
        if name in value:
            yield from check(inner, value[name], [*data, name], below)
        elif isinstance(inner, dict) and inner.get("required") is True:
            yield _violation(inner, [*data, name], [*below, "required"], "This value is required.")
    if "additionalProperties" not in schema:
        return
    for name, inner in value.items():
        if name in properties:
            continue
        if schema["additionalProperties"] is False:
            yield _violation(schema, data, [*place, "additionalProperties"])
        else:
            rest: Path = [*place, "additionalProperties"]
            yield from check(schema["additionalProperties"], inner, [*data, name], rest)


def _fits(schema: object, value: Value) -> bool:
    return next(check(schema, value, [], []), None) is None


def _violation(
    schema: dict[str, Any], data: Path, place: Path, message: str | None = None
) -> Violation:
    """Tell one; the rule of a large object is told without its members."""
    rule = schema
    if len(_dict(schema.get("properties"))) > _FEW:
        rule = {name: part for name, part in schema.items() if name != "properties"}
    said: Violation = {} if message is None else {"message": message}
    return {**said, "dataPath": data, "schemaPath": place, "rule": rule}


def _is_type(value: Value, wanted: object) -> bool:
    if isinstance(wanted, list):
        return any(_is_type(value, one) for one in wanted)
    named = _TYPES.get(wanted) if isinstance(wanted, str) else None
    return named is None or named(value)


def _is_number(value: Value) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_integer(value: Value) -> bool:
    return _is_number(value) and (isinstance(value, int) or float(value).is_integer())  # type: ignore[arg-type]  # it is a number


_TYPES: Final[dict[str, Callable[[Value], bool]]] = {
    "boolean": lambda value: isinstance(value, bool),
    "string": lambda value: isinstance(value, str),
    "number": _is_number,
    "integer": _is_integer,
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "null": lambda value: value is None,
}


def _same(one: Any, other: Any) -> bool:  # noqa: ANN401 - any JSON values
    """Compare as JSON does: true is not 1, 1 is 1.0."""
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(one[name], other[name]) for name in one)
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)


def _is_multiple(value: Any, step: Any) -> bool:  # noqa: ANN401 - any JSON values
    if not (_is_number(value) and _is_number(step)) or step <= 0:
        return True
    try:
        steps = value / step
        return math.isfinite(steps) and abs(steps - round(steps)) <= _TOLERANCE
    except OverflowError:
        return False


def _at_most(value: Any, bound: Any) -> bool:  # noqa: ANN401 - any JSON values
    return not (_is_number(value) and _is_number(bound)) or value <= bound


def _at_least(value: Any, bound: Any) -> bool:  # noqa: ANN401 - any JSON values
    return not (_is_number(value) and _is_number(bound)) or value >= bound


_TESTS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "type": _is_type,
    "enum": lambda value, allowed: any(_same(value, one) for one in _list(allowed)),
    "maximum": _at_most,
    "minimum": _at_least,
    "multipleOf": _is_multiple,
}
_MESSAGES: Final[Mapping[str, Callable[[Any], str]]] = {
    "type": lambda wanted: f"The value supplied should be a(n) {_text(wanted)}.",
    "enum": lambda allowed: (
        "The supplied value is not one of the allowed values "
        f"({','.join(map(_text, _list(allowed)))})."
    ),
    "maximum": lambda bound: f"The value must be less than {_text(bound)}.",
    "minimum": lambda bound: f"The value must be at least {_text(bound)}.",
    "multipleOf": lambda step: f"The supplied value must be a multiple of {_text(step)}.",
}


def _text(value: object) -> str:
    """Write a value as the original's texts have it."""
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: ""}[value]
    return ",".join(map(_text, value)) if isinstance(value, list) else str(value)


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
