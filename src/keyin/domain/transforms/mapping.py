"""The value mapper: a table from input values to outputs (local-flow §4.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from keyin.domain import elpath
from keyin.domain.absent import ABSENT
from keyin.domain.errors import InvalidDocument
from keyin.domain.transforms.scalars import same, text

if TYPE_CHECKING:
    from keyin.domain.absent import Absent, Value
    from keyin.domain.transforms.engine import Call

Record: TypeAlias = dict[str, Any]

_DEEPEST = 64
_EXACT = 1 << 32  # an exact match outranks any number of leaves


def value_mapper(call: Call) -> Value | Absent:
    """Look the input up in `match`; `noMatch` serves an unknown and also an absent input."""
    value, table = call.operand("defaultInput"), call.spec.get("match")
    if isinstance(table, dict):
        found = _by_text(table, value)
    elif isinstance(table, list):
        found = _by_score(table, value, call)
    else:
        raise InvalidDocument("A value mapper lacks its table.")
    if found is None and "noMatch" in call.spec:
        found = as_record(call.spec["noMatch"])
    return ABSENT if found is None else _output(found, call)


def as_record(entry: Value) -> Record:
    """Read an entry of a table: objects are records, anything else is the output itself."""
    return entry if isinstance(entry, dict) else {"outputValue": entry}


def _by_text(table: dict[str, Any], value: Value | Absent) -> Record | None:
    key = text(value)
    return as_record(table[key]) if key is not None and key in table else None


def _by_score(table: list[Any], value: Value | Absent, call: Call) -> Record | None:
    best: Record | None = None
    highest = 0
    for record in table:
        if not isinstance(record, dict):
            raise InvalidDocument("An entry of a value mapper is not an object.")
        path = record.get("inputPath")
        read = call.read(path) if isinstance(path, str) else value
        score = _score(record, read)
        if score > highest:
            best, highest = record, score
    return best


def _score(record: Record, value: Value | Absent) -> int:
    if value is ABSENT or "inputValue" not in record:
        return 0
    wanted = record["inputValue"]
    if same(wanted, value):
        return _EXACT
    return _matching_leaves(wanted, value, 0) if record.get("partialMatches") is True else 0


def _matching_leaves(wanted: Any, value: Any, depth: int) -> int:  # noqa: ANN401 - any JSON value
    if depth > _DEEPEST:
        return 0
    if isinstance(wanted, dict) and isinstance(value, dict):
        pairs = [(wanted[name], value[name]) for name in wanted if name in value]
    elif isinstance(wanted, list) and isinstance(value, list):
        pairs = list(zip(wanted, value, strict=False))
    else:
        return int(same(wanted, value))
    return sum(_matching_leaves(one, other, depth + 1) for one, other in pairs)


def _output(record: Record, call: Call) -> Value | Absent:
    if record.get("outputUndefinedValue") is True:
        return ABSENT
    if "outputValue" in record:
        value = call.given(record["outputValue"])
    else:
        value = call.operand("defaultOutputValue")
    target = record.get("outputPath")
    if not isinstance(target, str):
        return value
    call.write(elpath.parse(target), value)
    return ABSENT
