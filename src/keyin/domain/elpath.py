r"""Paths into JSON documents: segments joined by dots, `\` makes the next character literal.

The empty path is the document itself. Preference URIs hold dots, so as one segment they appear
escaped: `http://registry\.gpii\.net/common/fontSize` (local-flow §4.1). Nothing here changes a
document it is given: `put` and `remove` answer new ones that share what did not change.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from keyin.domain.absent import ABSENT
from keyin.domain.errors import InvalidDocument

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keyin.domain.absent import Absent, Value

Segments: TypeAlias = tuple[str, ...]

_LITERAL_NEXT: Final = "\\"
_ESCAPED: Final = str.maketrans({".": "\\.", "\\": "\\\\", "}": "\\}"})
_NO_PLACE: Final = "A path leads to a place that a list does not have."


@lru_cache(maxsize=4096)
def parse(path: str) -> Segments:
    """Split a path of a registry; see `split`."""
    return split(path)


def split(path: str) -> Segments:
    """Split a path; one dot at the end is ignored, a backslash at the end stands for itself.

    For what people send: it is not remembered.
    """
    segments: list[str] = []
    segment: list[str] = []
    characters = iter(path)
    for character in characters:
        if character == _LITERAL_NEXT:
            segment.append(next(characters, _LITERAL_NEXT))
        elif character == ".":
            segments.append("".join(segment))
            segment = []
        else:
            segment.append(character)
    if segment:
        segments.append("".join(segment))
    return tuple(segments)


def compose(segments: Sequence[str]) -> str:
    """Join segments; `parse` gives them back, an empty last one too (hence the extra dot)."""
    path = ".".join(segment.translate(_ESCAPED) for segment in segments)
    return f"{path}." if segments and not segments[-1] else path


def get(document: Value, segments: Sequence[str]) -> Value | Absent:
    """Read the value at a place; numeric segments address the elements of a list."""
    value: Any = document
    for segment in segments:
        if isinstance(value, dict):
            if segment not in value:
                return ABSENT
            value = value[segment]
        elif isinstance(value, list):
            index = _index(segment)
            if index is None or index >= len(value):
                return ABSENT
            value = value[index]
        else:
            return ABSENT
    return value  # type: ignore[no-any-return]


def put(document: Value | Absent, segments: Sequence[str], value: Value) -> Value:
    """Answer the document with `value` at the place; objects are made on the way.

    A scalar in the way gives way. A list takes an index it has, or the next one: anything else
    raises `InvalidDocument`, since it would lose what the list holds.
    """
    if not segments:
        return value
    first, rest = segments[0], segments[1:]
    if isinstance(document, list):
        index = _index(first)
        if index is None or index > len(document):
            raise InvalidDocument(_NO_PLACE)
        inner = document[index] if index < len(document) else ABSENT
        return [*document[:index], put(inner, rest, value), *document[index + 1 :]]
    if not isinstance(document, dict):
        document = {}
    return {**document, first: put(document.get(first, ABSENT), rest, value)}


def remove(document: Value, segments: Sequence[str]) -> Value | Absent:
    """Answer the document without the place; what is not there stays not there."""
    if not segments:
        return ABSENT
    if get(document, segments) is ABSENT:
        return document
    first, rest = segments[0], segments[1:]
    if isinstance(document, list):
        index = int(first)
        inner = remove(document[index], rest)
        return document[:index] + ([] if inner is ABSENT else [inner]) + document[index + 1 :]
    if not isinstance(document, dict):
        return document
    inner = remove(document[first], rest)
    if inner is not ABSENT:
        return {**document, first: inner}
    return {name: member for name, member in document.items() if name != first}


def _index(segment: str) -> int | None:
    return int(segment) if segment.isascii() and segment.isdecimal() and len(segment) < 10 else None  # noqa: PLR2004 - a list has fewer places than that
