"""Which of a device's solutions serve a person, and with which of their preferences.

The flat matchmaker of local-flow §3, as the original does it: `enabled: false` selects like
`true`, arrays and terms outside the matching vocabulary never select. Pure and total: any JSON
document has an answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from keyin.domain.ontology import APPLICATION_TYPES, COMMON, SELECTING
from keyin.domain.preferences import preference_sets

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from keyin.domain.absent import Value
    from keyin.domain.preferences import PreferenceSet
    from keyin.domain.solutions import Solution

OWN_BLOCK: Final = 512
"""The priority of a solution that a set has an application block for; people's begin at 1024."""


def match(document: Value, solutions: Sequence[Solution]) -> dict[str, Any]:
    """Answer `matchMakerOutput` for a preferences document and the solutions of a device.

    `{"inferredConfiguration": {set: {"applications": {id: {"active", "settings"}}}}}`; the
    solutions must be in registry order. The answer shares values with the document.
    """
    inferred = {
        chosen.name: {"applications": _applications(chosen, solutions)}
        for chosen in preference_sets(document)
    }
    return {"inferredConfiguration": inferred}


def _applications(chosen: PreferenceSet, solutions: Sequence[Solution]) -> dict[str, Any]:
    priorities = _priorities(chosen, solutions)
    reasons = {
        term
        for term, value in chosen.preferences.items()
        if term in SELECTING and not isinstance(value, list | dict)
    }
    accepted = [
        solution
        for solution in solutions
        if solution.id in priorities or not solution.selecting.isdisjoint(reasons)
    ]
    return {
        solution.id: {"active": True, "settings": _settings(solution, chosen.preferences)}
        for solution in _without_rivals(accepted, priorities)
    }


def _priorities(chosen: PreferenceSet, solutions: Sequence[Solution]) -> dict[str, float]:
    """Give the solutions that the set speaks of their priority; the last record wins."""
    priorities: dict[str, float] = {
        solution.id: OWN_BLOCK
        for solution in solutions
        if isinstance(chosen.preferences.get(solution.application), dict)
    }
    if not chosen.metadata:
        return priorities
    by_application = {solution.application: solution.id for solution in solutions}
    for record in chosen.metadata:
        for uri, value in _priority(record):
            if uri in by_application:
                priorities[by_application[uri]] = value
    return priorities


def _priority(record: object) -> list[tuple[str, float]]:
    """Read `{"type": "priority", "scope": [URI...], "value": n}`; anything else says nothing."""
    if not isinstance(record, dict) or record.get("type") != "priority":
        return []
    scope, value = record.get("scope"), record.get("value")
    if not isinstance(scope, list) or not isinstance(value, int | float) or value != value:  # noqa: PLR0124 - a NaN can be stored, and orders nothing
        return []
    return [(uri, value) for uri in scope if isinstance(uri, str)]


def _without_rivals(
    accepted: Sequence[Solution], priorities: Mapping[str, float]
) -> Sequence[Solution]:
    """Keep one solution of each application type: the highest priority, then the first."""
    if len(accepted) < 2:  # noqa: PLR2004 - it takes two to compete
        return accepted
    rejected: set[str] = set()
    for type_ in APPLICATION_TYPES:
        rivals = [s for s in accepted if type_ in s.types and s.id not in rejected]
        if len(rivals) > 1:
            best = max(rivals, key=lambda rival: priorities.get(rival.id, 0))
            rejected.update(rival.id for rival in rivals if rival is not best)
    return [solution for solution in accepted if solution.id not in rejected]


def _settings(solution: Solution, preferences: Mapping[str, Any]) -> dict[str, Any]:
    """Take what the solution honours; common terms of its own block override the shared ones."""
    settings = {term: value for term, value in preferences.items() if term in solution.terms}
    block = preferences.get(solution.application)
    if isinstance(block, dict):
        settings[solution.application] = {
            name: value for name, value in block.items() if not name.startswith(COMMON)
        }
        settings.update((name, value) for name, value in block.items() if name.startswith(COMMON))
    return settings
