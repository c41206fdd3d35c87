"""From one ontology to another in one step: preferences, and the scopes of their metadata.

A conversion is a table of paths and one rule for applications (cloud-wire §9.1, §9.3, §9.4).
Which conversions there are, and how sets of preferences go through several, is `ontologies`.
Pure and total: what has no place in the other ontology is lost, nothing raises.
"""

from __future__ import annotations

from bisect import bisect_left
from enum import Enum, auto
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from keyin.domain import elpath
from keyin.domain.absent import ABSENT
from keyin.domain.ontology import APPLICATIONS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from keyin.domain.absent import Value
    from keyin.domain.elpath import Segments

EVERYTHING: Final = "*"
"""The scope that means all there is, in every ontology."""

LONGEST: Final = 1024
DEEPEST: Final = 32
"""Of a scope, in characters and segments: what is beyond names no preference."""

_MARK: Final = "//registry.gpii.net/applications/"
_NESTED: Final = "applications"


class Applications(Enum):
    """What becomes of preferences for one application alone."""

    LOST = auto()
    NAMED = auto()
    """`applications.ID.parameters` becomes the value of the application's URI."""
    NESTED = auto()
    """The other way round."""


class Pair(NamedTuple):
    """One term: where it stands in either ontology."""

    source: str
    """An escaped path."""
    target: str


class _Rule(msgspec.Struct, frozen=True):
    source: Segments
    target: Segments


class Conversion:
    """One mapping in one direction."""

    def __init__(self, pairs: Iterable[Pair], applications: Applications) -> None:
        """Order the rules as cloud-wire §9.4 says: short targets first, then as they come."""
        ordered = sorted(pairs, key=lambda pair: len(pair.target))
        self._rules = [_Rule(elpath.parse(p.source), elpath.parse(p.target)) for p in ordered]
        self._sources = sorted({pair.source for pair in ordered})
        self._applications = applications

    def preferences(self, document: Value) -> dict[str, Any]:
        """Convert preferences; the answer shares values with them."""
        made: dict[str, Any] = {}
        for rule in self._rules:
            value = elpath.get(document, rule.source)
            if value is not ABSENT:
                _place(made, rule.target, value)
        if isinstance(document, dict):
            self._convert_applications(document, made)
        return made

    def scope(self, scope: Sequence[Value]) -> list[str]:
        """Convert the scope of a metadata entry: which places it speaks of."""
        model: dict[str, Any] = {}
        for path in self._spoken_of(scope):
            segments = elpath.split(path)
            if len(segments) <= DEEPEST:
                _place(model, segments, True)  # noqa: FBT003 - the value that marks a place
        found = [elpath.compose(place) for place in _marked(self.preferences(model), ())]
        return [EVERYTHING, *found] if EVERYTHING in scope else found

    def _spoken_of(self, scope: Sequence[Value]) -> Iterator[str]:
        """Go through the paths, each once; a wildcard is every path that begins like it."""
        for path in dict.fromkeys(path for path in scope if isinstance(path, str)):
            if path == EVERYTHING or len(path) > LONGEST:
                continue
            if not path.endswith(EVERYTHING):
                yield path
                continue
            beginning = path.removesuffix(EVERYTHING)
            first = bisect_left(self._sources, beginning)
            for source in self._sources[first:]:
                if not source.startswith(beginning):
                    break
                yield source

    def _convert_applications(self, document: Mapping[str, Any], made: dict[str, Any]) -> None:
        if self._applications is Applications.NAMED:
            nested = document.get(_NESTED)
            for name, block in nested.items() if isinstance(nested, dict) else ():
                if isinstance(block, dict) and "parameters" in block:
                    made[APPLICATIONS + name] = block["parameters"]
        elif self._applications is Applications.NESTED:
            for uri, value in document.items():
                _, mark, name = uri.partition(_MARK)
                if mark:
                    _place(made, (_NESTED, name), {"parameters": value, "id": name})


def _place(document: dict[str, Any], place: Segments, value: object) -> None:
    """Put a value into a document of our own; what stands in the way gives way."""
    *way, last = place or ("",)
    for segment in way:
        inner = document.get(segment)
        if not isinstance(inner, dict):
            inner = document[segment] = {}
        document = inner
    document[last] = value


def _marked(value: object, place: Segments) -> Iterator[Segments]:
    if value is True:
        yield place
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from _marked(inner, (*place, name))
