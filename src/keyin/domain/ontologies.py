"""Preference sets from one ontology to another, over as many steps as it takes (cloud-wire §9).

Pure, and total for every JSON document: odd parts are carried along as they are.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from keyin.domain.errors import InvalidDocument
from keyin.domain.merge import deep_merge

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from keyin.domain.absent import Value
    from keyin.domain.conversion import Conversion

FLAT: Final = "flat"
ISO: Final = "ISO24751"
APPTOLOGY: Final = "apptology"

PreferenceSets: TypeAlias = dict[str, Any]
"""`{name?, contexts: {ID: {name?, priority?, preferences, metadata?}}, metadata?}`."""


class Ontologies:
    """The ontologies that are known, and the ways between them."""

    def __init__(self, conversions: Mapping[tuple[str, str], Conversion]) -> None:
        """`conversions` by (from, to), each direction one of its own."""
        self._conversions = dict(conversions)
        self._routes = shortest_routes(self._conversions)

    def route(self, source: str, target: str) -> tuple[str, ...]:
        """Return the ontologies on the way, both ends included; () where there is no way."""
        return self._routes.get((source, target), ())

    def convert(self, sets: Value, source: str, target: str) -> PreferenceSets:
        """Convert a document; without a way, or where it is no object, `{}`.

        In its own ontology it comes back as it is. Parts are shared, nothing is changed.
        """
        if not isinstance(sets, dict):
            return {}
        if source == target:
            return sets
        route = self.route(source, target)
        if not route:
            return {}
        for step in pairwise(route):
            sets = _converted(sets, self._conversions[step])
        return sanitised(sets)

    def view(self, stored: Mapping[str, Value], target: str) -> PreferenceSets:
        """Merge what is stored, by ontology, into one document; the later ontology wins (§9.6)."""
        view: PreferenceSets = {"contexts": {}}
        for source, sets in stored.items():
            _merge(view, self.convert(sets, source, target))
        return sanitised(view)


def sanitised(sets: PreferenceSets) -> PreferenceSets:
    """Drop empty lists from every context, and top-level metadata that is empty (§9.5)."""
    kept = {name: value for name, value in sets.items() if name != "metadata" or value != []}
    contexts = sets.get("contexts")
    if isinstance(contexts, dict):
        kept["contexts"] = {name: _sanitised(context) for name, context in contexts.items()}
    return kept


def shortest_routes(edges: Iterable[tuple[str, str]]) -> dict[tuple[str, str], tuple[str, ...]]:
    """Find the shortest way between any two; edges lead both ways, of equals the first found.

    All pairs at once, by Floyd and Warshall.
    """
    steps = [step for a, b in edges for step in ((a, b), (b, a)) if a != b]
    names = list(dict.fromkeys(name for step in steps for name in step))
    routes: dict[tuple[str, str], tuple[str, ...]] = {step: step for step in steps}
    for middle in names:
        for source in names:
            for target in names:
                first, second = routes.get((source, middle)), routes.get((middle, target))
                if source == target or first is None or second is None:
                    continue
                known = routes.get((source, target))
                if known is None or len(first) + len(second) - 1 < len(known):
                    routes[source, target] = (*first, *second[1:])
    return {**routes, **{(name, name): (name,) for name in names}}


def _converted(sets: PreferenceSets, conversion: Conversion) -> PreferenceSets:
    made: PreferenceSets = {"name": sets["name"]} if "name" in sets else {}
    contexts = sets.get("contexts")
    if isinstance(contexts, dict):
        made["contexts"] = {
            name: _converted_context(context, conversion) for name, context in contexts.items()
        }
    if "metadata" in sets:
        made["metadata"] = _converted_metadata(sets["metadata"], conversion)
    return made


def _converted_context(context: Value, conversion: Conversion) -> Value:
    """Convert preferences and metadata; members that nobody knows are carried along."""
    if not isinstance(context, dict):
        return context
    made = dict(context)
    if "preferences" in context:
        made["preferences"] = conversion.preferences(context["preferences"])
    if "metadata" in context:
        made["metadata"] = _converted_metadata(context["metadata"], conversion)
    return made


def _converted_metadata(metadata: Value, conversion: Conversion) -> Value:
    if not isinstance(metadata, list):
        return metadata
    return [_converted_entry(entry, conversion) for entry in metadata]


def _converted_entry(entry: Value, conversion: Conversion) -> Value:
    """Convert the scope; an entry about priority speaks of applications in every ontology alike."""
    if not isinstance(entry, dict) or entry.get("type") == "priority":
        return entry
    scope = entry.get("scope")
    return {**entry, "scope": conversion.scope(scope)} if isinstance(scope, list) else entry


def _merge(view: PreferenceSets, sets: PreferenceSets) -> None:
    if sets.get("name") and "name" not in view:
        view["name"] = sets["name"]
    contexts = sets.get("contexts")
    for name, context in contexts.items() if isinstance(contexts, dict) else ():
        known = view["contexts"].get(name)
        both = isinstance(known, dict) and isinstance(context, dict)
        view["contexts"][name] = _together(known, context) if both else context
    _append_metadata(view, sets)


def _together(known: dict[str, Any], context: dict[str, Any]) -> dict[str, Any]:
    """Merge a context that two ontologies know: its name and priority are the first's."""
    merged = {**context, **known}
    if "preferences" in known and "preferences" in context:
        try:
            merged["preferences"] = deep_merge(known["preferences"], context["preferences"])
        except InvalidDocument:  # stored deeper than anything that is followed
            merged["preferences"] = context["preferences"]
    _append_metadata(merged, context if "metadata" in known else {})
    return merged


def _append_metadata(to: dict[str, Any], of: Mapping[str, Any]) -> None:
    before, more = to.get("metadata"), of.get("metadata")
    if isinstance(before, list) and isinstance(more, list):
        to["metadata"] = [*before, *more]
    elif more and not before:
        to["metadata"] = more


def _sanitised(context: Value) -> Value:
    if not isinstance(context, dict):
        return context
    return {name: value for name, value in context.items() if value != []}
