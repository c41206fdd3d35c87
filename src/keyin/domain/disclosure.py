"""What of a person's preferences a device may see: what its own solutions will use, no more.

The filter of local-flow §3.9 and cloud-wire §4.4. It fails closed: what stands where preferences
belong and is not one that was matched is left out, whatever its shape.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from keyin.domain.ontology import APPLICATIONS, application

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from keyin.domain.absent import Value


def disclose(document: Value, inferred: Mapping[str, Any]) -> dict[str, Any]:
    """Filter a preferences document by `inferredConfiguration`, over all its sets.

    Names, metadata and unknown members beside `preferences` stay. The answer shares values with
    the document.
    """
    if not isinstance(document, dict):
        return {}
    terms, blocks = _allowed(inferred)
    disclosed = dict(document)
    if "contexts" in document:
        contexts = document["contexts"]
        disclosed["contexts"] = {
            name: _context(context, terms, blocks)
            for name, context in (contexts.items() if isinstance(contexts, dict) else ())
        }
    return disclosed


def _allowed(inferred: Mapping[str, Any]) -> tuple[set[str], dict[str, set[str]]]:
    """Collect the common terms in use, and for every application term its inner names."""
    terms: set[str] = set()
    blocks: dict[str, set[str]] = {}
    for solution, settings in _solutions(inferred):
        own = application(solution)
        inner = blocks.setdefault(own, set())
        for name, value in settings.items():
            if not name.startswith(APPLICATIONS):
                terms.add(name)
            elif name == own and isinstance(value, dict):
                inner.update(value)
    return terms, blocks


def _solutions(inferred: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for configuration in inferred.values():
        for solution, chosen in configuration["applications"].items():
            yield solution, chosen["settings"]


def _context(context: Value, terms: set[str], blocks: Mapping[str, set[str]]) -> dict[str, Any]:
    if not isinstance(context, dict):
        return {}
    if "preferences" not in context:
        return context
    preferences = context["preferences"]
    kept: dict[str, Any] = {}
    for name, value in preferences.items() if isinstance(preferences, dict) else ():
        if name in terms:
            kept[name] = value
        elif name in blocks and isinstance(value, dict):
            inner = blocks[name]
            kept[name] = {n: v for n, v in value.items() if n in terms or n in inner}
    return {**context, "preferences": kept}
