"""What a settings panel asks of the rules: changes, autosave, and settings read as preferences.

The two first work on documents the session holds (local-flow §5.8), the third is the way back
from the settings of a computer (§4.6). Saves and reads nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from keyin.domain.absent import ABSENT
from keyin.domain.errors import InvalidDocument
from keyin.domain.merge import merge_members
from keyin.domain.ontology import application
from keyin.domain.preferences import preference_sets
from keyin.domain.solutions import settings_blocks
from keyin.domain.transforms import invert, transform

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from keyin.domain.absent import Absent, Value


def updated(inferred: Mapping[str, Any], document: Value) -> dict[str, Any]:
    """Write changed preferences into an inferred configuration that already has those terms.

    Here, and only here, `enabled` terms decide `active`.
    """
    sets = {found.name: found.preferences for found in preference_sets(document)}
    return {
        name: {
            **configuration,
            "applications": {
                solution: _changed(solution, chosen, sets.get(name, {}))
                for solution, chosen in configuration["applications"].items()
            },
        }
        for name, configuration in inferred.items()
    }


def autosaved(preferences: Mapping[str, Any], metadata: Iterable[Any]) -> dict[str, Any] | Absent:
    """Keep the preferences that the metadata's autosave records list; ABSENT if it lists none.

    A record's scope holds URIs of common terms, and pairs of application URI and name.
    """
    kept: dict[str, Any] = {}
    for record in metadata:
        if not isinstance(record, dict) or record.get("type") != "autosave":
            continue
        scope = record.get("scope")
        for place in scope if isinstance(scope, list) else ():
            _keep(place, preferences, kept)
    return kept or ABSENT


def read_back(entry: Mapping[str, Any], settings: Value) -> dict[str, Any]:
    """Turn settings of a solution into preferences, as far as its rules lead back.

    A block's own inverse rules count, even empty ones; else its rules are turned round.
    """
    preferences: Any = {}
    for _, block in settings_blocks(entry):
        rules = block.get("inverseCapabilitiesTransformations")
        if rules is None:
            rules = invert(block.get("capabilitiesTransformations", {}))
        try:
            preferences = merge_members(preferences, transform(rules, settings))
        except InvalidDocument:  # what the computer holds has not the shape the rules expect
            continue
    return preferences if isinstance(preferences, dict) else {}


def _changed(
    solution: str, chosen: Mapping[str, Any], preferences: Mapping[str, Any]
) -> dict[str, Any]:
    uri = application(solution)
    block = preferences.get(uri)
    own = block if isinstance(block, dict) else {}
    settings = dict(chosen["settings"])
    for term, value in settings.items():
        if term == uri and isinstance(value, dict):
            settings[term] = {name: own.get(name, inner) for name, inner in value.items()}
        else:
            settings[term] = own.get(term, preferences.get(term, value))
    enabled = [value for term, value in settings.items() if term.endswith("/enabled")]
    active = any(enabled) if enabled else chosen.get("active", True)
    return {**chosen, "active": active, "settings": settings}


def _keep(place: object, preferences: Mapping[str, Any], kept: dict[str, Any]) -> None:
    if isinstance(place, str) and place in preferences:
        kept[place] = preferences[place]
    elif isinstance(place, list) and all(isinstance(name, str) for name in place):
        uri, name = (*place, "", "")[:2]
        block = preferences.get(uri)
        if isinstance(block, dict) and name in block:
            kept[uri] = {**kept.get(uri, {}), name: block[name]}
