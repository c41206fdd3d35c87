"""Makes the rules that lead back from settings to preferences (local-flow §4.6).

The inverse is a list of transforms at the root, each with its `outputPath`. One rule that has no
inverse leaves the whole document without one: half an answer would be read as a whole one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from keyin.domain import elpath
from keyin.domain.transforms.mapping import as_record
from keyin.domain.transforms.scalars import number
from keyin.domain.transforms.table import full_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from keyin.domain.absent import Value
    from keyin.domain.elpath import Segments

_DEEPEST: Final = 64
_FLUID: Final = "fluid.transforms."


class _NoInverseError(Exception):
    """A rule cannot be turned round."""


def invert(rules: Value) -> dict[str, Any]:
    """Turn rules round; `{}` if any of them cannot be."""
    try:
        transforms = list(_of_rule(rules, (), 0))
    except _NoInverseError:
        return {}
    return {"transform": transforms} if transforms else {}


def _of_rule(rule: Any, place: Segments, depth: int) -> Iterator[dict[str, Any]]:  # noqa: ANN401 - any JSON value
    if depth > _DEEPEST:
        raise _NoInverseError
    if isinstance(rule, str):
        yield _value(place, rule)
    elif isinstance(rule, list):
        for index, element in enumerate(rule):
            yield from _of_rule(element, (*place, str(index)), depth + 1)
    elif isinstance(rule, dict) and "literalValue" not in rule:
        for name, member in rule.items():
            if name != "transform":
                yield from _of_rule(member, place + elpath.parse(name), depth + 1)
                continue
            for spec in member if isinstance(member, list) else [member]:
                yield from _of_transform(spec, place)


def _of_transform(spec: Any, place: Segments) -> Iterator[dict[str, Any]]:  # noqa: ANN401 - any JSON value
    name = full_name(spec.get("type")) if isinstance(spec, dict) else ""
    if name == _FLUID + "literalValue":
        return
    turn = _INVERSES.get(name)
    if turn is None:
        raise _NoInverseError
    target = spec.get("outputPath", spec.get("defaultOutputPath", ""))
    yield turn(spec, place + elpath.parse(target if isinstance(target, str) else ""))


def _value(place: Segments, path: str) -> dict[str, Any]:
    return {"type": _FLUID + "value", "inputPath": elpath.compose(place), "outputPath": path}


def _source(spec: dict[str, Any]) -> str:
    path = spec.get("inputPath")
    if not isinstance(path, str):
        raise _NoInverseError
    return path


def _straight(spec: dict[str, Any], place: Segments) -> dict[str, Any]:
    return _value(place, _source(spec))


def _linear_scale(spec: dict[str, Any], place: Segments) -> dict[str, Any]:
    factor, offset = number(spec.get("factor", 1)), number(spec.get("offset", 0))
    if not factor or offset is None or "factorPath" in spec or "offsetPath" in spec:
        raise _NoInverseError
    turned = {"type": _FLUID + "linearScale", "factor": 1 / factor, "offset": -offset / factor}
    return {**_value(place, _source(spec)), **turned}


def _value_mapper(spec: dict[str, Any], place: Segments) -> dict[str, Any]:
    source, table = spec.get("defaultInputPath"), spec.get("match")
    if not isinstance(source, str):
        raise _NoInverseError
    if isinstance(table, dict):
        rows = [({"inputValue": _unwritten(key)}, as_record(entry)) for key, entry in table.items()]
    elif isinstance(table, list):
        rows = [(record, record) for record in table if isinstance(record, dict)]
    else:
        raise _NoInverseError
    return {
        "type": _FLUID + "valueMapper",
        "defaultInputPath": elpath.compose(place),
        "defaultOutputPath": source,
        "match": [row for given, entry in rows for row in _row(given, entry, place)],
    }


def _row(given: dict[str, Any], entry: dict[str, Any], place: Segments) -> Iterator[dict[str, Any]]:
    """Turn one row of a table; a row that yields nothing, or says no input, leads nowhere."""
    if "outputValue" not in entry or "inputValue" not in given:
        return
    if "inputPath" in given:  # it writes elsewhere than the mapper does: not one row turned
        raise _NoInverseError
    output = entry["outputValue"]
    if isinstance(output, dict) and "transform" in output:
        raise _NoInverseError
    if isinstance(output, dict) and "literalValue" in output:
        output = output["literalValue"]
    row = {"inputValue": output, "outputValue": {"literalValue": given["inputValue"]}}
    target = entry.get("outputPath")
    if isinstance(target, str):
        row["inputPath"] = elpath.compose(place + elpath.parse(target))
    yield row


def _unwritten(key: str) -> Value:
    """Undo what looking up by text did to booleans; a number stays the text it was."""
    return {"true": True, "false": False}.get(key, key)


def _to_array(spec: dict[str, Any], place: Segments) -> dict[str, Any]:
    return {**_membership(spec, place), "type": _FLUID + "setMembershipToArray"}


def _to_set(spec: dict[str, Any], place: Segments) -> dict[str, Any]:
    return {**_membership(spec, place), "type": _FLUID + "arrayToSetMembership"}


def _membership(spec: dict[str, Any], place: Segments) -> dict[str, Any]:
    options = spec.get("options")
    if not isinstance(options, dict) or not all(isinstance(m, str) for m in options.values()):
        raise _NoInverseError
    values: dict[str, Any] = {
        name: spec[name] for name in ("presentValue", "missingValue") if name in spec
    }
    turned = {member: name for name, member in options.items()}
    return {**_value(place, _source(spec)), **values, "options": turned}


def _by_key(name: str) -> Callable[[dict[str, Any], Segments], dict[str, Any]]:
    def turn(spec: dict[str, Any], place: Segments) -> dict[str, Any]:
        return {**_value(place, _source(spec)), "type": _FLUID + name, "key": spec.get("key")}

    return turn


_INVERSES: Final[dict[str, Callable[[dict[str, Any], Segments], dict[str, Any]]]] = {
    _FLUID + "value": _straight,
    _FLUID + "identity": _straight,
    _FLUID + "round": _straight,
    _FLUID + "linearScale": _linear_scale,
    _FLUID + "valueMapper": _value_mapper,
    _FLUID + "arrayToSetMembership": _to_array,
    _FLUID + "setMembershipToArray": _to_set,
    _FLUID + "indexArrayByKey": _by_key("deindexIntoArrayByKey"),
    _FLUID + "deindexIntoArrayByKey": _by_key("indexArrayByKey"),
}
