"""JSON as RFC 8259 has it and nothing beyond: what a request's body or device may be.

Refused: members that come twice (P99), nesting deeper than 32 and more than 20 000 objects and
arrays (P82), NaN, numbers out of range, unpaired surrogates, bytes that are no UTF-8.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

import msgspec

from keyin.domain.errors import InvalidDocument

if TYPE_CHECKING:
    from keyin.domain.absent import Value

DEEPEST: Final = 32
"""Levels of objects and arrays."""

MOST: Final = 20_000
"""Objects and arrays in one document: each costs far more to read than the bytes it is made of."""

_BRACE, _BACKSLASH = b"{\\"
_decode = msgspec.json.Decoder().decode
_BLANK: Final = re.compile(rb'"[ \n\r\t]')


def decode(text: bytes) -> Value:
    """Read one JSON value. Raises InvalidDocument with one of a few fixed texts."""
    openings = text.count(b"{") + text.count(b"[")
    try:
        value: Value = _decode(text)
        if openings > DEEPEST:
            _check_shape(value)
        if _BRACE in text and not _surely_once(text, value):
            _once_each(text.decode())
    except RecursionError as error:
        raise InvalidDocument("the JSON is nested too deeply") from error
    except ValueError as error:
        raise InvalidDocument("the JSON is malformed") from error
    return value


def _surely_once(text: bytes, value: Value) -> bool:
    """Tell whether it is a flat object, as most are, with as many names written as it has.

    Without escapes and blanks behind a quotation mark, a name ends where `":` stands.
    """
    if not isinstance(value, dict) or text.count(b"{") != 1 or _BACKSLASH in text:
        return False
    return not _BLANK.search(text) and text.count(b'":') == len(value)


def _once(members: list[tuple[str, Any]]) -> None:
    if len({name for name, _ in members}) != len(members):
        raise InvalidDocument("a member of the JSON comes twice")


def _check_shape(value: Value) -> None:
    """Descend level by level: no recursion, whatever comes in."""
    level: list[Any] = [value] if isinstance(value, dict | list) else []
    seen = 0
    for _ in range(DEEPEST):
        if not level:
            return
        seen += len(level)
        if seen > MOST:
            break
        level = [
            child
            for node in level
            for child in (node.values() if isinstance(node, dict) else node)
            if isinstance(child, dict | list)
        ]
    if level:  # too deep or too many: both are a tree that no preferences have
        raise InvalidDocument("the JSON is nested too deeply")


_once_each: Final = json.JSONDecoder(object_pairs_hook=_once).decode
