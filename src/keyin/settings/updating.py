"""What a safe holds after somebody said something in one ontology (cloud-wire §7.5).

A safe holds preference sets by ontology. What is said in one takes its place there and leaves the
others; merged, it is laid over what there was, which then stays beside it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from keyin.domain.absent import ABSENT
from keyin.domain.duplicates import without_duplicates
from keyin.domain.merge import deep_merge
from keyin.domain.ontologies import sanitised
from keyin.settings.payload import is_object

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keyin.domain.absent import Value
    from keyin.domain.ontologies import Ontologies, PreferenceSets


def merged(stored: Mapping[str, Value], view: str, document: PreferenceSets) -> dict[str, Value]:
    """Merge a document over its ontology; every other stays as it is.

    Taken out of the others first and merged over what was stored, a duplicate would come back.
    Raises InvalidDocument where the result would be nested too deeply.
    """
    result = deep_merge(stored.get(view, ABSENT), sanitised(document))
    return {**stored, view: document if result is ABSENT else result}


def replaced(
    stored: Mapping[str, Value],
    view: str,
    document: PreferenceSets,
    ontologies: Ontologies,
) -> dict[str, Value]:
    """Put a document in the place of its ontology; the others no longer say what it says.

    Raises InvalidDocument where something is nested too deeply.
    """
    changed: dict[str, Value] = {}
    for name, sets in {**stored, view: document}.items():
        if not is_object(sets):
            changed[name] = sets
        elif name == view or not ontologies.route(view, name):
            changed[name] = sanitised(sets)
        else:
            changed[name] = sanitised(_without(sets, ontologies.convert(document, view, name)))
    return changed


def _without(sets: PreferenceSets, said: PreferenceSets) -> PreferenceSets:
    contexts, others = sets.get("contexts"), said.get("contexts")
    if not (is_object(contexts) and is_object(others)):
        return sets
    return {
        **sets,
        "contexts": {
            name: _context_without(context, others.get(name)) for name, context in contexts.items()
        },
    }


def _context_without(context: Value, said: Value) -> Value:
    if not (is_object(context) and is_object(said)):
        return context
    preferences, others = context.get("preferences"), said.get("preferences")
    if not (is_object(preferences) and is_object(others)):
        return context
    return {**context, "preferences": without_duplicates(preferences, others)}
