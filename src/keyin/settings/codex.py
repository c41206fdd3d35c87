"""What the value of each known term must be: the second look at a sent document (cloud-wire §8.2).

Known are the common terms of the ontology and every application of the registries; what is not
known passes. A value is data: it is compared, and run through no rule but those of registries.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from keyin.domain import elpath
from keyin.domain.absent import ABSENT
from keyin.domain.errors import InvalidDocument
from keyin.domain.json_schema import check
from keyin.domain.ontology import COMMON
from keyin.domain.preferences import preference_sets
from keyin.domain.solutions import settings_blocks
from keyin.domain.transforms import input_paths, transform
from keyin.settings.payload import MOST_NAMED

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from keyin.domain.absent import Value
    from keyin.domain.elpath import Segments
    from keyin.domain.solutions import Registry
    from keyin.settings.payload import Violation

TRANSFORMED: Final = "win32"
"""The operating system whose solutions' rules are tried on a value before it is checked."""

_ENABLED: Final = "enabled"


class _Rules(NamedTuple):
    """The rules of one settings handler, and what they look at."""

    rules: Value
    reads: list[Segments]

    def settings(self, preferences: dict[str, Value]) -> dict[str, Value]:
        """Run them where something is there that they look at: constants alone say nothing."""
        if all(elpath.get(preferences, place) is ABSENT for place in self.reads):
            return {}
        try:
            made = transform(self.rules, preferences, on_invalid=_ignore)
        except InvalidDocument:
            return {}
        return made if isinstance(made, dict) else {}


class Codex:
    """Schemas by URI."""

    def __init__(
        self, terms: Mapping[str, Mapping[str, Any]], registries: Iterable[Registry]
    ) -> None:
        """Make one schema of each application, whatever operating systems it is on."""
        self._schemas: dict[str, Mapping[str, Any]] = dict(terms)
        self._rules: dict[str, list[_Rules]] = {}
        properties: dict[str, dict[str, Any]] = {}
        for registry in registries:
            for solution in registry.solutions.values():
                settings = properties.setdefault(solution.application, {})
                for _, block in settings_blocks(solution.entry):
                    settings.update(_settings(block))
                if registry.os == TRANSFORMED:
                    self._rules[solution.application] = _rules(solution.entry)
        for uri, settings in properties.items():
            settings.setdefault(_ENABLED, {"type": "boolean"})
            self._schemas[uri] = {
                "type": "object",
                "properties": settings,
                "additionalProperties": False,
            }

    def become(self, newer: Codex) -> None:
        """Know what the newer one knows: whoever has this object sees it from now on."""
        vars(self).update(vars(newer))

    def __len__(self) -> int:
        """Return how many terms are known."""
        return len(self._schemas)

    def violations(self, document: Value) -> list[Violation]:
        """Return what is wrong with the first term whose value does not fit; empty: nothing is.

        Every set is looked at, where the original looked at one (ADR 19). The document's outline
        must be sound.
        """
        for chosen in preference_sets(document):
            nested = chosen.preferences.get("application")
            terms = nested if isinstance(nested, dict) else chosen.preferences
            for uri, value in terms.items():
                found = self._of_term(uri, value)
                if found:
                    return found
        return []

    def _of_term(self, uri: str, value: Value) -> list[Violation]:
        schema = self._schemas.get(uri)
        if schema is None:
            return []
        return list(islice(check(schema, self._native(uri, value), [uri], []), MOST_NAMED))

    def _native(self, uri: str, value: Value) -> Value:
        """Return a value of an application as its own settings, where its rules make some of it.

        People store what reads well (GPII-4323); its common terms count as if they were the set's.
        """
        rules = self._rules.get(uri)
        if not rules or not isinstance(value, dict):
            return value
        own = {name: inner for name, inner in value.items() if not name.startswith(COMMON)}
        scoped = {name: inner for name, inner in value.items() if name.startswith(COMMON)}
        made: dict[str, Value] = {}
        for one in rules:
            made |= one.settings({uri: own, **scoped})
        return made or value


def _settings(block: Mapping[str, Any]) -> dict[str, Any]:
    supported = block.get("supportedSettings")
    return {
        name: setting.get("schema", True) if isinstance(setting, dict) else True
        for name, setting in (supported.items() if isinstance(supported, dict) else ())
    }


def _rules(entry: Mapping[str, Any]) -> list[_Rules]:
    found = (block.get("capabilitiesTransformations") for _, block in settings_blocks(entry))
    return [_Rules(rules, [*map(elpath.parse, input_paths(rules))]) for rules in found if rules]


def _ignore(_why: InvalidDocument) -> None:
    """Tell nobody: what cannot be run yields nothing."""
