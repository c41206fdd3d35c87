"""The outline of a preference set that somebody sends (cloud-wire §8.1).

What stands here is the shape, not the values of single terms (§8.2, a stage of its own). Stricter
than the original in one thing: the body and `contexts` must be objects, for anything else, merged
over a stored set, would wipe it out past every allow-list (O5).
"""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING, Final, TypeAlias, TypeGuard

if TYPE_CHECKING:
    from collections.abc import Iterator

    from keyin.domain.absent import Value

Violation: TypeAlias = "dict[str, Value]"

MOST_NAMED: Final = 100
"""Violations that are told: an answer is not many times as long as what it answers."""

_URI: Final = re.compile(r"[a-z][a-z0-9+.-]*:\S+", re.IGNORECASE | re.ASCII)
_OBJECT: Final[Violation] = {"type": "object"}
_CONTEXTS: Final = ["properties", "contexts", "additionalProperties"]


def violations(document: Value) -> list[Violation]:
    """Return what is wrong with the outline, up to `MOST_NAMED` things; empty: nothing is."""
    if not is_object(document):
        return [_wrong_type("object", [], [])]
    if "contexts" not in document:
        return [_missing(["contexts"], ["properties", "contexts"])]
    contexts = document["contexts"]
    if not is_object(contexts):
        return [_wrong_type("object", ["contexts"], ["properties", "contexts"])]
    found = (found for name, context in contexts.items() for found in _context(name, context))
    return list(islice(found, MOST_NAMED))


def is_object(value: Value) -> TypeGuard[dict[str, Value]]:
    """Tell whether the value is a JSON object."""
    return isinstance(value, dict)


def _context(name: str, context: Value) -> Iterator[Violation]:
    path: list[Value] = ["contexts", name]
    if not is_object(context):
        yield _wrong_type("object", path, _CONTEXTS)
        return
    inside = [*_CONTEXTS, "properties"]
    if "name" in context and not isinstance(context["name"], str):
        yield _wrong_type("string", [*path, "name"], [*inside, "name"])
    if "preferences" not in context:
        yield _missing([*path, "preferences"], [*inside, "preferences"])
    elif not is_object(preferences := context["preferences"]):
        yield _wrong_type("object", [*path, "preferences"], [*inside, "preferences"])
    elif not _keys_fit(preferences):
        yield {
            "message": "The value must match at least one valid format.",
            "dataPath": [*path, "preferences"],
            "schemaPath": [*inside, "preferences", "anyOf"],
            "rule": {"anyOf": [_OBJECT, {"propertyNames": {"format": "uri"}}]},
        }


def _keys_fit(preferences: dict[str, Value]) -> bool:
    """Without a member `application` anything fits; with one, its keys must be URIs."""
    if "application" not in preferences:
        return True
    inner = preferences["application"]
    return is_object(inner) and all(_URI.fullmatch(key) for key in inner)


def _missing(path: list[Value], schema: list[str]) -> Violation:
    return {
        "message": "This value is required.",
        "dataPath": path,
        "schemaPath": [*schema, "required"],
        "rule": {"required": True},
    }


def _wrong_type(wanted: str, path: list[Value], schema: list[str]) -> Violation:
    return {
        "message": f"The value supplied should be a(n) {wanted}.",
        "dataPath": path,
        "schemaPath": [*schema, "type"],
        "rule": {"type": wanted},
    }
