"""A safe's preferences seen as one flat set (cloud-wire §9.5, §9.6, §7.5).

Here only what is stored as `flat` counts; sets in other ontologies are kept as they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from keyin.domain.absent import ABSENT
from keyin.domain.merge import deep_merge
from keyin.settings.payload import is_object

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keyin.domain.absent import Value

FLAT: Final = "flat"


def flat_view(ontologies: Mapping[str, Value]) -> dict[str, Value]:
    """Return name, contexts and metadata; whatever odd shape was stored, `contexts` is there."""
    stored = ontologies.get(FLAT)
    view: dict[str, Value] = {"contexts": {}}
    if not is_object(stored):
        return view
    if stored.get("name"):
        view["name"] = stored["name"]
    contexts = stored.get("contexts")
    if is_object(contexts):
        view["contexts"] = {name: _sanitised(context) for name, context in contexts.items()}
    if stored.get("metadata"):
        view["metadata"] = stored["metadata"]
    return view


def merged(ontologies: Mapping[str, Value], document: dict[str, Value]) -> dict[str, Value]:
    """Merge a sent document over the flat set; every other ontology stays as it is.

    Raises InvalidDocument where the result would be nested too deeply.
    """
    result = deep_merge(ontologies.get(FLAT, ABSENT), sanitised(document))
    return {**ontologies, FLAT: result if result is not ABSENT else document}


def sanitised(document: dict[str, Value]) -> dict[str, Value]:
    """Drop empty lists from every context, and top-level metadata that is empty."""
    kept = {name: value for name, value in document.items() if name != "metadata" or value != []}
    contexts = document.get("contexts")
    if is_object(contexts):
        kept["contexts"] = {name: _sanitised(context) for name, context in contexts.items()}
    return kept


def _sanitised(context: Value) -> Value:
    if not is_object(context):
        return context
    return {name: value for name, value in context.items() if value != []}
