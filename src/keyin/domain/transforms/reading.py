"""Which places of its input a rules document may read (local-flow §4.8)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from keyin.domain.transforms.table import full_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from keyin.domain.absent import Value

_DEEPEST: Final = 64
_WRITES: Final = frozenset({"outputPath", "defaultOutputPath"})
_TABLES: Final = frozenset({"match", "ranges", "noMatch"})
_NO_OPERAND: Final = frozenset({"type", "options", "inputValue"})


def input_paths(rules: Value) -> tuple[str, ...]:
    """List the paths as they are written, each once, in the order of the document."""
    return tuple(dict.fromkeys(_of_rule(rules, 0)))


def _of_rule(rule: Any, depth: int) -> Iterator[str]:  # noqa: ANN401 - any JSON value
    if depth > _DEEPEST:
        return
    if isinstance(rule, str):
        yield rule
    elif isinstance(rule, list):
        for element in rule:
            yield from _of_rule(element, depth + 1)
    elif isinstance(rule, dict) and "literalValue" not in rule:
        for name, member in rule.items():
            if name != "transform":
                yield from _of_rule(member, depth + 1)
                continue
            for spec in member if isinstance(member, list) else [member]:
                yield from _of_transform(spec, depth + 1)


def _of_transform(spec: Any, depth: int) -> Iterator[str]:  # noqa: ANN401 - any JSON value
    if isinstance(spec, dict) and full_name(spec.get("type")) != "fluid.transforms.literalValue":
        yield from _of_members(spec, depth)


def _of_members(record: dict[str, Any], depth: int) -> Iterator[str]:
    for name, member in record.items():
        if name.endswith("Path") and name not in _WRITES:
            if isinstance(member, str):
                yield member
        elif name in _TABLES:
            yield from _of_table(name, member, depth + 1)
        elif name not in _NO_OPERAND and isinstance(member, dict) and "transform" in member:
            yield from _of_rule(member, depth + 1)


def _of_table(name: str, table: Any, depth: int) -> Iterator[str]:  # noqa: ANN401 - any JSON value
    if name == "noMatch" or isinstance(table, list):
        records = table if isinstance(table, list) else [table]
    else:
        records = list(table.values()) if isinstance(table, dict) else []
    for record in records:
        if isinstance(record, dict) and depth <= _DEEPEST:
            yield from _of_members(record, depth)
