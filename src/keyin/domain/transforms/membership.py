"""Transforms between lists and objects: set membership, indexing by a key (local-flow §4.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keyin.domain import elpath
from keyin.domain.absent import ABSENT
from keyin.domain.errors import InvalidDocument
from keyin.domain.transforms.scalars import same, text

if TYPE_CHECKING:
    from keyin.domain.absent import Absent, Value
    from keyin.domain.transforms.engine import Call


def array_to_set_membership(call: Call) -> Value | Absent:
    """Write, for every option, whether the list holds it; an absent list writes nothing."""
    base = call.spec.get("outputPath")
    if not isinstance(base, str):
        raise InvalidDocument("A transform to set membership lacks its outputPath.")
    members = call.operand("input")
    options = list(call.objects("options"))
    if members is ABSENT:
        return ABSENT
    if not isinstance(members, list):
        raise InvalidDocument("A transform to set membership was given something else than a list.")
    present = {name for name in map(text, members) if name is not None}
    for element, path in options:
        held = element in present
        value = (
            call.spec.get("presentValue", True) if held else call.spec.get("missingValue", False)
        )
        call.write(elpath.parse(base) + elpath.parse(path), value)
    return ABSENT


def set_membership_to_array(value: Value, call: Call) -> Value | Absent:
    """List the options whose place in the input holds `presentValue`, in their order."""
    present = call.spec.get("presentValue", True)
    return [
        element
        for path, element in call.objects("options")
        if same(elpath.get(value, elpath.parse(path)), present)
    ]


def index_array_by_key(value: Value, call: Call) -> Value | Absent:
    """Make an object of a list of objects, named by their member `key`, which they lose."""
    key = _key(call)
    indexed: dict[str, Value] = {}
    # A parser of XML gives a lone element as an object, not as a list of one.
    for record in value if isinstance(value, list) else [value]:
        name = text(record.get(key)) if isinstance(record, dict) else None
        if name is None or not isinstance(record, dict):
            raise InvalidDocument("A list cannot be indexed: an element lacks the key.")
        indexed[name] = {member: inner for member, inner in record.items() if member != key}
    return indexed


def deindex_into_array_by_key(value: Value, call: Call) -> Value | Absent:
    """Make a list of an object of objects; each gets its name as member `key`."""
    key = _key(call)
    if not isinstance(value, dict) or not all(
        isinstance(record, dict) for record in value.values()
    ):
        raise InvalidDocument("Only an object of objects can become a list with a key.")
    return [{key: name, **record} for name, record in value.items()]


def _key(call: Call) -> str:
    key = call.spec.get("key")
    if not isinstance(key, str):
        raise InvalidDocument("A transform that indexes lacks its key.")
    return key
