"""From one ontology to another: the table of facts, ways, sets, scopes, and real people's sets."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

import pyjson5
import pytest
from hypothesis import given

from keyin.domain.conversion import Applications, Conversion, Pair
from keyin.domain.duplicates import without_duplicates
from keyin.domain.errors import InvalidDocument
from keyin.domain.ontologies import APPTOLOGY, FLAT, ISO, Ontologies, shortest_routes
from keyin.domain.ontology import APPLICATION_TYPES, APPLICATIONS, COMMON, VOCABULARY
from keyin.stores.ontology_file import read_ontology
from tests import real_registries
from tests.json_values import json_values
from tests.shared_data import GPII_DATA, needs_shared

ONTOLOGY = read_ontology()
ONTOLOGIES = ONTOLOGY.ontologies
ALSA = APPLICATIONS + "org.alsa-project"


def one(preferences: Any, **more: Any) -> dict[str, Any]:
    return {"contexts": {"gpii-default": {"preferences": preferences, **more}}}


def scoped(*scope: Any, **more: Any) -> dict[str, Any]:
    return one({}, metadata=[{"type": "provenance", "scope": [*scope], **more}])


def scopes(sets: dict[str, Any]) -> Any:
    return sets["contexts"]["gpii-default"]["metadata"][0]["scope"]


def escaped(uri: str) -> str:
    return uri.replace(".", "\\.")


def _read(name: str) -> Any:
    return pyjson5.decode_buffer((GPII_DATA / "ontologies" / name).read_bytes())


def _facts(schema: dict[str, Any]) -> dict[str, Any]:
    """Leave out the texts: they are no facts."""
    told = ("title", "description", "enumLabels")
    return {
        name: _facts(part) if isinstance(part, dict) else part
        for name, part in schema.items()
        if name not in told
    }


def test_the_table_agrees_with_the_vocabulary_of_matching() -> None:
    model = one({COMMON + term: 1 for term in (uri.removeprefix(COMMON) for uri in VOCABULARY)})
    there = ONTOLOGIES.convert(model, FLAT, ISO)
    assert ONTOLOGIES.convert(there, ISO, FLAT) == model
    types = ONTOLOGIES.convert(model, FLAT, APPTOLOGY)["contexts"]["gpii-default"]["preferences"]
    assert len(types) == len(APPLICATION_TYPES) == 6
    asking = frozenset[str]().union(*APPLICATION_TYPES.values())
    others = one({uri: 1 for uri in VOCABULARY if uri not in asking})
    assert ONTOLOGIES.convert(others, FLAT, APPTOLOGY) == one({})
    assert len(ONTOLOGY.schemas) == 55


def test_the_notice_of_the_facts_ships_beside_them() -> None:
    notice = files("keyin.data").joinpath("ontology", "LICENSE").read_text(encoding="utf-8")
    assert "Raising the Floor" in notice
    assert "Redistribution and use in source and binary forms" in notice


@needs_shared
def test_the_facts_are_those_of_the_original() -> None:
    decoded = _read("flat.json5")
    assert ONTOLOGY.schemas == {uri: _facts(term["schema"]) for uri, term in decoded.items()}
    mapping = _read("mappings/ISO24751-flat.json5")
    for target, source in mapping.items():
        if target:
            there = ONTOLOGIES.convert(one({target.replace("\\", ""): 7}), FLAT, ISO)
            found = there["contexts"]["gpii-default"]["preferences"]
            for segment in source.split("."):
                found = found[segment]
            assert found == 7


@pytest.mark.parametrize(
    ("edges", "ends", "way"),
    [
        ([], "ab", ""),
        (["ab"], "ab", "ab"),
        (["ab"], "ba", "ba"),
        (["ab"], "aa", "a"),
        (["ab", "bc"], "ac", "abc"),
        (["ab", "bc", "ac"], "ca", "ca"),
        (["ab", "bc", "cd", "de"], "ea", "edcba"),
        (["ab", "bc", "cd", "de", "ad"], "ae", "ade"),
        (["ab", "cd"], "ad", ""),
        (["ab", "bd", "ac", "cd"], "ad", "abd"),
        (["ab"], "ax", ""),
    ],
)
def test_ways_are_the_shortest(edges: list[str], ends: str, way: str) -> None:
    routes = shortest_routes((edge[0], edge[1]) for edge in edges)
    assert "".join(routes.get((ends[0], ends[1]), ())) == way


def test_through_flat_to_types_of_application() -> None:
    assert ONTOLOGIES.route(ISO, APPTOLOGY) == (ISO, FLAT, APPTOLOGY)
    magnified = one({"display": {"screenEnhancement": {"magnification": 2}}})
    assert ONTOLOGIES.convert(magnified, ISO, APPTOLOGY) == one(
        {COMMON + "magnifierApplication": 2}
    )


def test_applications_and_what_stands_beside_preferences() -> None:
    flat = {
        "name": "n",
        "contexts": {
            "a": {
                "name": "A",
                "priority": 3,
                "foo": {"bar": [1]},
                "preferences": {ALSA: {"masterVolume": 14, COMMON + "volume": 1}, COMMON + "x": 1},
            },
        },
        "lost": 1,
    }
    there = ONTOLOGIES.convert(flat, FLAT, ISO)
    block = {"id": "org.alsa-project", "parameters": {"masterVolume": 14, COMMON + "volume": 1}}
    assert there == {
        "name": "n",
        "contexts": {
            "a": {
                "name": "A",
                "priority": 3,
                "foo": {"bar": [1]},
                "preferences": {"applications": {"org.alsa-project": block}},
            }
        },
    }


def test_own_ontology_comes_back_as_it_is_and_without_a_way_nothing() -> None:
    odd = {"contexts": 5, "x": []}
    assert ONTOLOGIES.convert(odd, "bogus", "bogus") is odd
    assert ONTOLOGIES.convert(odd, "bogus", FLAT) == {}
    assert ONTOLOGIES.convert(odd, FLAT, "iso24751") == {}


@pytest.mark.parametrize(
    ("scope", "converted"),
    [
        (["*"], ["*"]),
        ([escaped(COMMON) + "fontSize", "*"], ["*", "display.screenEnhancement.fontSize"]),
        ([escaped(ALSA)], ["applications.org\\.alsa-project.parameters"]),
        ([escaped(ALSA) + ".pcm"], ["applications.org\\.alsa-project.parameters.pcm"]),
        ([escaped(COMMON) + "unknown"], []),
        ([escaped(COMMON) + "slowKeys*"], [
            "control.keyboardEnhancement.slowKeys.slowKeysInterval",
            "control.keyboardEnhancement.slowKeys.-provisional-slowKeys/enabled",
        ]),
        ([None, 5, {}, "x" * 2000, "." * 500], []),
        ([], []),
    ],
)  # fmt: skip
def test_scopes_lead_to_the_same_places(scope: list[Any], converted: list[str]) -> None:
    sets = ONTOLOGIES.convert(scoped(*scope), FLAT, ISO)
    assert scopes(sets) == converted


def test_a_wildcard_names_its_terms_short_names_first() -> None:
    sets = ONTOLOGIES.convert(scoped("control.*"), ISO, FLAT)
    terms = [path.replace("\\", "").removeprefix(COMMON) for path in scopes(sets)]
    assert terms == [
        "initDelay", "stickyKeys", "toggleKeys", "cursorSpeed", "speechControl", "hapticFeedback",
        "tableOfContents", "slowKeysInterval", "slowKeys/enabled", "debounce/enabled",
        "mouseEmulation/enabled", "onScreenKeyboard/enabled",
    ]  # fmt: skip


def test_an_entry_about_priority_is_copied_whole() -> None:
    entry = {"type": "priority", "scope": [ALSA], "value": 1024}
    assert ONTOLOGIES.convert(one({}, metadata=[entry]), FLAT, ISO) == one({}, metadata=[entry])


def test_several_ontologies_merge_the_later_over_the_earlier() -> None:
    required = {"type": "required", "scope": ["*"]}
    stored = {
        FLAT: {**one({COMMON + "fontSize": 1, ALSA: {"a": 1}}, name="A"), "name": ""},
        ISO: {
            "name": "iso",
            "contexts": {
                "gpii-default": {
                    "name": "B",
                    "preferences": {"display": {"screenEnhancement": {"fontSize": 2}}},
                    "metadata": [required],
                },
                "night": {"preferences": {}, "metadata": []},
            },
            "metadata": [required],
        },
        "bogus": one({"foo": 1}),
    }
    assert ONTOLOGIES.view(stored, FLAT) == {
        "name": "iso",
        "contexts": {
            "gpii-default": {
                "name": "A",
                "preferences": {COMMON + "fontSize": 2, ALSA: {"a": 1}},
                "metadata": [required],
            },
            "night": {"preferences": {}},
        },
        "metadata": [required],
    }
    assert ONTOLOGIES.view(stored, "bogus") == one({"foo": 1})


@pytest.mark.parametrize(
    "stored",
    [{}, {FLAT: None}, {FLAT: []}, {FLAT: "x"}, {FLAT: {}}, {FLAT: {"contexts": 5}}],
)
def test_whatever_was_stored_there_are_contexts(stored: dict[str, Any]) -> None:
    assert ONTOLOGIES.view(stored, FLAT) == {"contexts": {}}


def test_name_contexts_and_metadata_are_seen_and_empty_lists_are_not() -> None:
    context = {"name": "c", "preferences": {"a": []}, "metadata": [], "foo": 1}
    stored = {FLAT: {"name": "n", "contexts": {"x": context, "odd": 3}, "metadata": [], "y": 1}}
    seen = {"name": "c", "preferences": {"a": []}, "foo": 1}
    assert ONTOLOGIES.view(stored, FLAT) == {"name": "n", "contexts": {"x": seen, "odd": 3}}


@given(flat=json_values(leaves=40), iso=json_values(leaves=40))
def test_no_stored_shape_raises(flat: Any, iso: Any) -> None:
    stored = {FLAT: flat, ISO: iso, "nested": one(flat, metadata=iso)}
    shaped = {FLAT: one(flat, metadata=iso), ISO: one(iso, metadata=[{"scope": flat}])}
    before = json.dumps([stored, shaped])
    for target in (FLAT, ISO, APPTOLOGY, "nested"):
        assert "contexts" in ONTOLOGIES.view(stored, target)
        assert "contexts" in ONTOLOGIES.view(shaped, target)
    assert json.dumps([stored, shaped]) == before


def test_what_is_stored_too_deep_to_be_merged_is_taken_as_it_is() -> None:
    deep: Any = 1
    for _ in range(500):
        deep = {"a": deep}
    stored = {FLAT: one({ALSA: deep}), ISO: one({"applications": {"org.alsa-project": {
        "parameters": deep}}})}  # fmt: skip
    assert ONTOLOGIES.view(stored, FLAT) == one({ALSA: deep})


@pytest.mark.parametrize(
    ("stored", "said", "kept"),
    [
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": 5}}, {"a": {"c": 2}}),
        ({"a": {"b": 1, "c": 2}}, {"a": 5}, {}),
        ({"a": {"b": 1}}, {"a": {"b": 5}}, {}),
        ({"a": {"b": 1}, "d": 4}, {"a": {"b": [1]}}, {"d": 4}),
        ({"a": [1, 2]}, {"a": [3]}, {}),
        ({"a": 1}, {"a": {"b": 1}}, {}),
        ({"a": 1}, {"b": 1}, {"a": 1}),
        ({"a": None}, {"a": None}, {}),
        ({}, {"a": 1}, {}),
    ],
)
def test_duplicates_leave(stored: Any, said: Any, kept: Any) -> None:
    assert without_duplicates(stored, said) == kept


def test_duplicates_nested_beyond_use_are_refused() -> None:
    deep: Any = {}
    for _ in range(500):
        deep = {"a": deep}
    with pytest.raises(InvalidDocument):
        without_duplicates(deep, deep)


def test_a_term_in_the_way_of_another_gives_way() -> None:
    pairs = [Pair("a", "x"), Pair("b", "x.yy")]
    ontologies = Ontologies({("p", "q"): Conversion(pairs, Applications.LOST)})
    assert ontologies.convert(one({"a": 1, "b": 2}), "p", "q") == one({"x": {"yy": 2}})


@needs_shared
@pytest.mark.parametrize("target", [ISO, APPTOLOGY])
def test_there_and_back_loses_only_what_the_other_has_no_place_for(target: str) -> None:
    """Of all real sets: terms that the mapping does not name, and top-level members."""
    documents = real_registries.preference_documents()
    assert len(documents) == 154
    for name, document in documents.items():
        back = ONTOLOGIES.convert(ONTOLOGIES.convert(document, FLAT, target), target, FLAT)
        for context, sets in document.get("contexts", {}).items():
            preferences = sets.get("preferences", {})
            found = back["contexts"][context]
            expected = _kept(preferences, target)
            assert found["preferences"] == expected, name
            rest = {n: v for n, v in sets.items() if n not in {"preferences", "metadata"}}
            assert {n: v for n, v in found.items() if n in rest} == rest, name
        assert set(back) <= {"name", "contexts", "metadata"}


def _kept(preferences: dict[str, Any], target: str) -> dict[str, Any]:
    """Say what has a place in the other ontology, without asking the code that converts."""
    if target == ISO:
        return {
            uri: value
            for uri, value in preferences.items()
            if uri in VOCABULARY or uri.startswith(APPLICATIONS)
        }
    kept = {}
    for asking in APPLICATION_TYPES.values():
        said = [preferences[uri] for uri in VOCABULARY if uri in asking and uri in preferences]
        # both terms that ask for a magnifier become one type, and it both again
        kept.update(dict.fromkeys(asking, said[-1]) if said else {})
    return kept


@needs_shared
def test_there_and_back_metadata_speaks_of_the_same_places() -> None:
    for name, document in real_registries.preference_documents().items():
        there = ONTOLOGIES.convert(document, FLAT, ISO)
        back = ONTOLOGIES.convert(there, ISO, FLAT)
        again = ONTOLOGIES.convert(back, FLAT, ISO)
        assert again == there, name


def test_a_scope_that_repeats_itself_costs_no_more_than_its_paths() -> None:
    sets = ONTOLOGIES.convert(scoped(*["control.*"] * 100_000), ISO, FLAT)
    assert len(scopes(sets)) == 12
