"""The matchmaker against its text (cloud-wire §10, local-flow §3), rule by rule and as a whole.

`by_the_text` does what the text says, step by step, through ISO 24751 and apptology; the engine
takes a shorter way, and must come to the same for every document and every registry.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as running
from hypothesis import strategies as st

from keyin.domain import elpath
from keyin.domain.disclosure import disclose
from keyin.domain.matchmaking import match
from keyin.domain.ontologies import APPTOLOGY, FLAT, ISO
from keyin.domain.ontology import APPLICATIONS, COMMON
from keyin.domain.solutions import Solution, read_registry
from keyin.domain.transforms import input_paths
from keyin.stores.ontology_file import read_ontology
from tests import real_registries
from tests.shared_data import needs_shared

ONTOLOGIES = read_ontology().ontologies
TYPES = [
    COMMON + kind + "Application"
    for kind in (
        "magnifier", "screenReader", "stickyKeys", "slowKeys", "debounceKeys", "onScreenKeyboard",
    )
]  # fmt: skip
"""In the order of the mapping, which is that of local-flow §3.5."""


def path(term: str) -> str:
    return elpath.compose([COMMON + term])


def entry(*capabilities: str, **blocks: tuple[str, ...]) -> dict[str, Any]:
    """Make a registry entry: its own capabilities, and what the rules of its blocks read."""
    return {
        "capabilities": [path(term) for term in capabilities],
        "settingsHandlers": {
            name: {"capabilitiesTransformations": {f"s{n}": path(t) for n, t in enumerate(terms)}}
            for name, terms in blocks.items()
        },
    }


def solutions(entries: dict[str, dict[str, Any]]) -> tuple[Solution, ...]:
    return tuple(read_registry("linux", entries).solutions.values())


def one(preferences: dict[str, Any], *metadata: Any) -> dict[str, Any]:
    context: dict[str, Any] = {"preferences": preferences}
    if metadata:
        context["metadata"] = [*metadata]
    return {"contexts": {"gpii-default": context}}


def priority(value: float, *names: str) -> dict[str, Any]:
    return {"type": "priority", "scope": [APPLICATIONS + name for name in names], "value": value}


def matched(document: dict[str, Any], entries: dict[str, dict[str, Any]]) -> Any:
    inferred = match(document, solutions(entries))["inferredConfiguration"]
    return inferred["gpii-default"]["applications"]


# --- the text, step by step -------------------------------------------------------------------


def leaves(value: object, place: tuple[str, ...] = ()) -> set[tuple[str, ...]]:
    """Collect the paths of primitive values; elements of lists are numbered leaves."""
    if isinstance(value, dict):
        return set().union(*(leaves(inner, (*place, name)) for name, inner in value.items()))
    if isinstance(value, list):
        return set().union(*(leaves(inner, (*place, str(n))) for n, inner in enumerate(value)))
    return {place}


@cache
def capabilities(solution: Solution) -> set[str]:
    """Union the input paths of every block's rules and the entry's own list (step 1)."""
    found = [text for text in solution.entry.get("capabilities", []) if isinstance(text, str)]
    for block in solution.entry.get("settingsHandlers", {}).values():
        found += input_paths(block.get("capabilitiesTransformations", {}))
    return {elpath.split(text)[0] for text in found if len(elpath.split(text)) == 1}


@cache
def through(solution: Solution, target: str) -> dict[str, Any]:
    """Convert what a solution is capable of."""
    marked = {"contexts": {"x": {"preferences": dict.fromkeys(capabilities(solution), 1)}}}
    made: dict[str, Any] = ONTOLOGIES.convert(marked, FLAT, target)["contexts"]["x"]["preferences"]
    return made


def own_blocks(preferences: dict[str, Any]) -> dict[str, Any]:
    return {
        uri.removeprefix(APPLICATIONS): value
        for uri, value in preferences.items()
        if uri.startswith(APPLICATIONS) and isinstance(value, dict)
    }


def priorities(context: dict[str, Any], there: tuple[Solution, ...]) -> dict[str, float]:
    found: dict[str, float] = dict.fromkeys(own_blocks(context["preferences"]), 512)
    for record in context.get("metadata", []):
        if isinstance(record, dict) and record.get("type") == "priority":
            for uri in record.get("scope", []):
                found[uri.removeprefix(APPLICATIONS)] = record["value"]
    names = {solution.id for solution in there}
    return {name: value for name, value in found.items() if name in names}


def by_the_text(document: dict[str, Any], there: tuple[Solution, ...]) -> dict[str, Any]:
    inferred = {}
    iso = ONTOLOGIES.convert(document, FLAT, ISO)
    for name, context in document.get("contexts", {}).items():
        said = leaves(iso["contexts"][name]["preferences"])
        ranks = priorities(context, there)
        accepted = [
            solution
            for solution in there
            if solution.id in ranks or said & leaves(through(solution, ISO))
        ]
        rejected: set[str] = set()
        for type_ in TYPES:
            rivals = [
                solution
                for solution in accepted
                if type_ in through(solution, APPTOLOGY) and solution.id not in rejected
            ]
            best = sorted(rivals, key=lambda rival: -ranks.get(rival.id, 0))[:1]
            rejected |= {rival.id for rival in rivals} - {winner.id for winner in best}
        inferred[name] = {
            "applications": {
                solution.id: {"active": True, "settings": settings(solution, context)}
                for solution in accepted
                if solution.id not in rejected
            }
        }
    return {"inferredConfiguration": inferred}


def settings(solution: Solution, context: dict[str, Any]) -> dict[str, Any]:
    preferences = context["preferences"]
    made = {uri: preferences[uri] for uri in preferences if uri in capabilities(solution)}
    block = own_blocks(preferences).get(solution.id)
    if block is not None:
        inner = {name: value for name, value in block.items() if not name.startswith(COMMON)}
        made[APPLICATIONS + solution.id] = inner
        made |= {name: value for name, value in block.items() if name.startswith(COMMON)}
    return made


# --- the engine does as the text says ---------------------------------------------------------

ENTRIES = {
    "a.reader": entry("screenReaderTTS/enabled", voice=("speechRate", "fontSize")),
    "b.reader": entry("screenReaderTTS/enabled", "stickyKeys", keys=("stickyKeys", "volume")),
    "c.magnifier": entry(zoom=("magnification",), look=("highContrast/enabled", "tracking")),
    "d.keys": entry(keys=("stickyKeys", "slowKeys/enabled", "debounce/enabled")),
    "e.zoom": entry("magnification/enabled"),
    "f.unmapped": entry("captions/enabled", "contrast"),
    "g.nothing": {},
}
TERMS = sorted({term for one_ in solutions(ENTRIES) for term in capabilities(one_)})
NAMES = [*ENTRIES, "h.absent"]
VALUES = st.sampled_from([True, False, None, 1.5, "x", [], ["mouse"], {}, {"a": 1}])
BLOCKS = st.dictionaries(st.sampled_from(["s1", COMMON + "volume", COMMON + "x"]), VALUES)
PREFERENCES = st.dictionaries(
    st.sampled_from([*TERMS, COMMON + "unheardOf"]), VALUES, max_size=4
).flatmap(
    lambda terms: st.dictionaries(
        st.sampled_from([APPLICATIONS + name for name in NAMES]), BLOCKS, max_size=2
    ).map(lambda blocks: terms | blocks)
)
RECORDS = st.builds(
    priority, st.sampled_from([-1, 0, 1, 512, 513, 1024, 1024.5]), st.sampled_from(NAMES)
) | st.just({"type": "required", "scope": ["*"]})
CONTEXTS = st.fixed_dictionaries(
    {"preferences": PREFERENCES}, optional={"metadata": st.lists(RECORDS, max_size=3)}
)
DOCUMENTS = st.fixed_dictionaries(
    {"contexts": st.dictionaries(st.sampled_from(["gpii-default", "night"]), CONTEXTS)}
)


@running(deadline=None, max_examples=300)
@given(document=DOCUMENTS, there=st.sets(st.sampled_from([*ENTRIES])))
def test_any_document_is_matched_as_the_text_says(document: Any, there: set[str]) -> None:
    device = solutions({name: ENTRIES[name] for name in ENTRIES if name in there})
    assert match(document, device) == by_the_text(document, device)


@needs_shared
@pytest.mark.parametrize("system", real_registries.SYSTEMS)
def test_every_real_set_is_matched_as_the_text_says(system: str) -> None:
    everything = tuple(real_registries.registry(system).solutions.values())
    for name, document in real_registries.preference_documents().items():
        for there in (everything, everything[::2], everything[1::2], everything[:1]):
            found = match(document, there)
            assert found == by_the_text(document, there), name
            assert [*found["inferredConfiguration"]] == [*document.get("contexts", {})], name


# --- single sentences -------------------------------------------------------------------------


def test_capabilities_are_those_of_every_block_and_of_the_entry() -> None:
    several = {"x": entry("stickyKeys", one=("fontSize",), two=("volume",))}
    for term in ("stickyKeys", "fontSize", "volume"):
        assert [*matched(one({COMMON + term: 1}), several)] == ["x"]
    assert matched(one({COMMON + "pitch": 1}), several) == {}


def test_an_own_block_counts_512_and_a_record_counts_as_it_says_lower_too() -> None:
    both = {COMMON + "screenReaderTTS/enabled": True}
    assert [*matched(one(both), ENTRIES)] == ["a.reader"]
    with_block = {**both, APPLICATIONS + "b.reader": {}}
    assert [*matched(one(with_block), ENTRIES)] == ["b.reader"]
    for rank, winner in ((511, "b.reader"), (512, "a.reader"), (513, "a.reader")):
        found = matched(one(with_block, priority(rank, "a.reader")), ENTRIES)
        assert [*found] == [winner], rank
    lowered = one(with_block, priority(-1, "b.reader"))
    assert [*matched(lowered, ENTRIES)] == ["a.reader"]


def test_the_last_record_about_a_solution_counts() -> None:
    both = {COMMON + "screenReaderTTS/enabled": True}
    twice = (priority(2000, "b.reader"), priority(1, "b.reader"), priority(1024, "a.reader"))
    assert [*matched(one(both, *twice), ENTRIES)] == ["a.reader"]


def test_a_record_speaks_of_its_own_set_only() -> None:
    document: dict[str, Any] = {
        "contexts": {
            "gpii-default": {"preferences": {}},
            "night": {"preferences": {}, "metadata": [priority(1024, "a.reader")]},
        },
        "metadata": [priority(1024, "b.reader")],
    }
    inferred = match(document, solutions(ENTRIES))["inferredConfiguration"]
    chosen = {name: [*found["applications"]] for name, found in inferred.items()}
    assert chosen == {"gpii-default": [], "night": ["a.reader"]}


def test_who_lost_in_one_type_does_not_compete_in_the_next() -> None:
    """b.reader loses as a reader, so the keys go to d.keys, which is after it in the registry."""
    wanted: dict[str, Any] = dict.fromkeys(
        (COMMON + "screenReaderTTS/enabled", COMMON + "stickyKeys"), True
    )
    assert [*matched(one(wanted), ENTRIES)] == ["a.reader", "d.keys"]
    wanted[APPLICATIONS + "b.reader"] = {}
    assert [*matched(one(wanted), ENTRIES)] == ["b.reader"]


def test_whoever_is_accepted_is_active_whatever_the_value() -> None:
    found = matched(one({COMMON + "magnification/enabled": False}), ENTRIES)
    assert found == {
        "e.zoom": {"active": True, "settings": {COMMON + "magnification/enabled": False}}
    }


def test_a_term_in_an_own_block_counts_for_that_solution_alone() -> None:
    block = {COMMON + "fontSize": 9, "voice": 1}
    wanted = {COMMON + "fontSize": 12, APPLICATIONS + "a.reader": block}
    more = {**ENTRIES, "z.text": entry(look=("fontSize",))}
    found = matched(one(wanted), more)
    assert found["a.reader"]["settings"] == {
        COMMON + "fontSize": 9,
        APPLICATIONS + "a.reader": {"voice": 1},
    }
    assert found["z.text"]["settings"] == {COMMON + "fontSize": 12}


def test_a_block_of_common_terms_alone_leaves_an_empty_one() -> None:
    found = matched(one({APPLICATIONS + "a.reader": {COMMON + "volume": 1}}), ENTRIES)
    assert found["a.reader"]["settings"] == {APPLICATIONS + "a.reader": {}, COMMON + "volume": 1}


def test_no_contexts_no_configuration_and_no_match_no_applications() -> None:
    assert match({"contexts": {}}, solutions(ENTRIES)) == {"inferredConfiguration": {}}
    assert match({}, solutions(ENTRIES)) == {"inferredConfiguration": {}}
    assert matched(one({COMMON + "unheardOf": 1}), ENTRIES) == {}


def test_what_is_disclosed_is_the_union_over_all_sets() -> None:
    """A term that one set makes a solution use is shown in every set; so are inner names."""
    reader = APPLICATIONS + "a.reader"
    document: dict[str, Any] = {
        "name": "n",
        "metadata": [1],
        "contexts": {
            "one": {
                "name": "One",
                "priority": 2,
                "preferences": {COMMON + "speechRate": 1, reader: {"s": 1}},
            },
            "two": {
                "preferences": {
                    COMMON + "fontSize": 2,
                    COMMON + "volume": 3,
                    COMMON + "captions/enabled": True,
                    APPLICATIONS + "h.absent": {"secret": 1},
                },
                "metadata": [priority(1, "x")],
            },
            "three": {"preferences": {reader: {"s": 2, "t": 3, COMMON + "speechRate": 4}}},
            "four": {"preferences": {COMMON + "pitch": 1}},
        },
    }
    there = solutions({"a.reader": ENTRIES["a.reader"]})
    shown = disclose(document, match(document, there)["inferredConfiguration"])
    assert shown["name"] == "n"
    assert shown["metadata"] == [1]
    assert shown["contexts"]["one"] == document["contexts"]["one"]
    assert shown["contexts"]["two"] == {
        "preferences": {COMMON + "fontSize": 2},
        "metadata": [priority(1, "x")],
    }
    assert shown["contexts"]["three"] == document["contexts"]["three"]
    assert shown["contexts"]["four"] == {"preferences": {}}
