"""The parameters of a token request: what counts as missing, and what as text.

A body is decoded elsewhere. Values are any JSON value; a form parameter that comes twice is a
list, as in the original. Presence is JavaScript's truth, on which clients' old answers depend.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, TypeAlias

from keyin.oauth.errors import Refusal, invalid_request

if TYPE_CHECKING:
    from collections.abc import Mapping

Parameters: TypeAlias = "Mapping[str, object]"

_SHOWABLE: Final = re.compile(r"[\x20\x21\x23-\x5b\x5d-\x7e]{0,200}")  # RFC 6749 §5.2


def present(value: object) -> bool:
    """Tell whether the original would see a value: an empty list or object is one."""
    return bool(value) or isinstance(value, list | dict)


def text(value: object) -> str | None:
    """Return the value where it is text; nothing else ever equals a stored text."""
    return value if isinstance(value, str) else None


def shown(parameters: Parameters, name: str) -> str:
    """Write a parameter as the original prints it, as far as RFC 6749 §5.2 lets it be shown."""
    if name not in parameters:
        return "undefined"
    printed = _printed(parameters[name])
    return printed if _SHOWABLE.fullmatch(printed) else "(unprintable)"


def _printed(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case list():
            return ",".join("" if item is None else _printed(item) for item in value)
        case dict():
            return "[object Object]"
        case _:
            return str(value)


def check_presence(parameters: Parameters, names: tuple[str, ...]) -> Refusal | None:
    """Refuse the first name that is missing or empty, or `password` given twice (P99)."""
    for name in names:
        if not present(parameters.get(name)):
            return invalid_request(f"Missing required parameter: {name}")
    if isinstance(parameters.get("password"), list):
        return invalid_request("Invalid parameter: password must not be repeated")
    return None


def check_scope(parameters: Parameters) -> Refusal | None:
    """Refuse a scope that is there and no text; a scope that is text is ignored."""
    scope = parameters.get("scope")
    if present(scope) and text(scope) is None:
        return invalid_request("Invalid parameter: scope must be a string")
    return None
