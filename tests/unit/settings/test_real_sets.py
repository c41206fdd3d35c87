"""Every real preference set, merged, replaced and written, in any combination."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st

from keyin.domain.merge import deep_merge
from keyin.domain.ontologies import FLAT, ISO, sanitised
from keyin.settings.updating import merged, replaced
from keyin.settings.writable import may_write
from keyin.stores.ontology_file import read_ontology
from tests import real_registries
from tests.shared_data import GPII_DATA, needs_shared
from tests.unit.test_merge import obeys

if TYPE_CHECKING:
    from collections.abc import Iterator

ONTOLOGIES = read_ontology().ontologies
NAMES = sorted(
    f"{folder}/{path.stem}"
    for folder in ("preferences", "test-preferences")
    for path in (GPII_DATA / folder).glob("*.json5")
) or ["none"]
A_SET = st.sampled_from(NAMES)
pytestmark = needs_shared


def _real(name: str) -> dict[str, Any]:
    found: dict[str, Any] = real_registries.preference_documents()[name]
    return found


def _terms(document: dict[str, Any]) -> Iterator[tuple[str, str, Any]]:
    for name, context in document.get("contexts", {}).items():
        for term, value in context.get("preferences", {}).items():
            yield name, term, value


@settings(max_examples=300, deadline=None)
@given(A_SET, A_SET, A_SET)
def test_any_real_set_merges_over_any_other_by_the_table(one: str, other: str, sent: str) -> None:
    stored = {FLAT: _real(one), ISO: ONTOLOGIES.convert(_real(other), FLAT, ISO)}
    before = repr(stored)
    result = merged(stored, FLAT, _real(sent))
    incoming = sanitised(_real(sent))
    by_the_table = deep_merge(stored[FLAT], incoming)
    assert obeys(stored[FLAT], incoming, by_the_table)
    assert result[FLAT] == by_the_table
    assert result[ISO] is stored[ISO]
    assert repr(stored) == before


@settings(max_examples=200, deadline=None)
@given(A_SET, A_SET, A_SET)
def test_what_is_put_in_one_ontology_is_what_is_seen_of_it(one: str, other: str, sent: str) -> None:
    """In whichever order the ontologies stand: no other says what was said here."""
    document, iso = _real(sent), ONTOLOGIES.convert(_real(other), FLAT, ISO)
    for stored in ({FLAT: _real(one), ISO: iso}, {ISO: iso, FLAT: _real(one)}):
        seen = ONTOLOGIES.view(replaced(stored, FLAT, document, ONTOLOGIES), FLAT)
        for context, term, value in _terms(document):
            if value != [] and not isinstance(value, dict):
                assert seen["contexts"][context]["preferences"][term] == value


@settings(max_examples=300, deadline=None)
@given(A_SET, st.data())
def test_p19_of_a_real_set_nothing_passes_but_what_is_listed(
    name: str, data: st.DataObject
) -> None:
    document = _real(name)
    terms = sorted({term for _, term, _ in _terms(document)})
    listed = tuple(data.draw(st.lists(st.sampled_from(terms), unique=True))) if terms else ()
    members = set().union(document, *({*one} for one in document.get("contexts", {}).values()))
    plain = members <= {"contexts", "name", "preferences"} and "name" not in document
    assert may_write(document, listed) == (plain and set(listed) >= set(terms))
    assert may_write(document, tuple(terms)) == plain
    extras: list[dict[str, Any]] = [
        {"metadata": []},
        {"x": {"preferences": document}},
        {"name": "x"},
    ]
    for extra in extras:
        assert not may_write({**document, **extra}, tuple(terms))
    hidden = {"preferences": dict.fromkeys([*terms, "not listed"])}
    spread = {"contexts": {**document.get("contexts", {}), "another": hidden}}
    assert not may_write(spread, tuple(terms))
