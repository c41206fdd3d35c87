"""Matching, the device filter and disclosure: recorded cases, odd shapes, and real people."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given

from keyin.domain.device import read_device
from keyin.domain.disclosure import disclose
from keyin.domain.errors import InvalidDocument
from keyin.domain.matchmaking import match
from keyin.domain.ontology import APPLICATIONS, COMMON, VOCABULARY
from keyin.domain.solutions import Registry, Solution, installed, read_registry
from tests import real_registries
from tests.json_values import json_values
from tests.local_cases import alike, cases, registry
from tests.shared_data import needs_shared

READER = "http://registry.gpii.net/common/screenReaderTTS/enabled"


def capable(*terms: str) -> dict[str, Any]:
    return {"capabilities": [(COMMON + term).replace(".", "\\.") for term in terms]}


SMALL = read_registry(
    "linux",
    {
        "org.gnome.orca": capable("screenReaderTTS/enabled", "fontSize"),
        "second.reader": capable("screenReaderTTS/enabled", "captions/enabled", "tracking"),
        "magnifier": capable("magnification"),
    },
)
ALL = tuple(SMALL.solutions.values())


def chosen(preferences: Any, **context: Any) -> Any:
    """Match one set and give what was inferred for it."""
    document = {"contexts": {"gpii-default": {"preferences": preferences, **context}}}
    return match(document, ALL)["inferredConfiguration"]["gpii-default"]["applications"]


def mini(case: dict[str, Any]) -> Registry:
    return read_registry(case["device"]["OS"]["id"], registry(case["registry"]))


@needs_shared
@pytest.mark.parametrize("case", cases("match"))
def test_recorded_matches(case: dict[str, Any]) -> None:
    solutions = mini(case).installed(read_device(case["device"]))
    assert alike(match(case["preferences"], solutions), case["expected"])


@needs_shared
@pytest.mark.parametrize("case", cases("device-filter"))
def test_recorded_device_filters(case: dict[str, Any]) -> None:
    system = case["registryOS"]
    registries = {system: read_registry(system, registry(case["registry"]))}
    found = installed(registries, read_device(case["device"]))
    assert [solution.id for solution in found] == case["expected"]


@needs_shared
@pytest.mark.parametrize("case", cases("filter-untrusted"))
def test_recorded_disclosures(case: dict[str, Any]) -> None:
    assert disclose(case["preferences"], case["inferredConfiguration"]) == case["expected"]


def test_the_vocabulary_has_its_69_terms() -> None:
    assert len(VOCABULARY) == len(set(VOCABULARY)) == 69


@pytest.mark.parametrize("term", ["captions/enabled", "tracking"])
def test_unmapped_terms_and_lists_select_nothing_but_ride_along(term: str) -> None:
    value = ["mouse"] if term == "tracking" else True
    assert chosen({COMMON + term: value}) == {}
    settings: dict[str, Any] = {COMMON + term: value, APPLICATIONS + "second.reader": {}}
    assert chosen(settings) == {"second.reader": {"active": True, "settings": settings}}


def test_a_null_selects() -> None:
    assert list(chosen({COMMON + "fontSize": None})) == ["org.gnome.orca"]


def test_an_own_block_outranks_and_a_priority_record_outranks_that() -> None:
    assert list(chosen({READER: True})) == ["org.gnome.orca"]
    blocked = {READER: True, APPLICATIONS + "second.reader": {}}
    assert list(chosen(blocked)) == ["second.reader"]
    record = {"type": "priority", "scope": [APPLICATIONS + "org.gnome.orca"], "value": 1024}
    assert list(chosen(blocked, metadata=[record])) == ["org.gnome.orca"]


def test_a_priority_record_alone_accepts() -> None:
    record = {"type": "priority", "scope": [APPLICATIONS + "magnifier"], "value": 1}
    assert chosen({}, metadata=[record]) == {"magnifier": {"active": True, "settings": {}}}


@pytest.mark.parametrize(
    "record",
    [
        None,
        "priority",
        {"type": "priority"},
        {"type": "priority", "scope": "x", "value": 1},
        {"type": "priority", "scope": [[], None, {}], "value": 1},
        {"type": "priority", "scope": [APPLICATIONS + "magnifier"], "value": "high"},
        {"type": "priority", "scope": [APPLICATIONS + "magnifier"], "value": float("nan")},
        {"type": "autosave", "scope": [APPLICATIONS + "magnifier"], "value": 1},
    ],
)
def test_odd_priority_records_say_nothing(record: Any) -> None:
    assert chosen({}, metadata=[record]) == {}


@pytest.mark.parametrize("block", [None, "x", [1], 5])
def test_an_own_block_that_is_no_object_is_none(block: Any) -> None:
    document = {"contexts": {"a": {"preferences": {APPLICATIONS + "magnifier": block}}}}
    output = match(document, ALL)
    assert output == {"inferredConfiguration": {"a": {"applications": {}}}}
    assert disclose(document, output["inferredConfiguration"]) == {
        "contexts": {"a": {"preferences": {}}}
    }


@pytest.mark.parametrize(
    ("document", "sets", "revealed"),
    [
        (None, [], {}),
        (["secret"], [], {}),
        ({"contexts": ["secret"], "name": "n"}, [], {"contexts": {}, "name": "n"}),
        ({"contexts": {"a": "secret"}}, ["a"], {"contexts": {"a": {}}}),
        ({"contexts": {"a": {"name": "n"}}}, ["a"], {"contexts": {"a": {"name": "n"}}}),
        (
            {"contexts": {"a": {"preferences": ["secret"]}}},
            ["a"],
            {"contexts": {"a": {"preferences": {}}}},
        ),
        (
            {"contexts": {"a": {"preferences": {"neither": "secret"}}}},
            ["a"],
            {"contexts": {"a": {"preferences": {}}}},
        ),
    ],
)
def test_odd_documents_match_nothing_and_reveal_nothing(
    document: Any, sets: list[str], revealed: Any
) -> None:
    inferred = match(document, ALL)["inferredConfiguration"]
    assert inferred == {name: {"applications": {}} for name in sets}
    assert disclose(document, inferred) == revealed


@pytest.mark.parametrize(
    ("wanted", "reported", "kept"),
    [
        ("^1.2", "1.9.0", True),
        ("^1.2", "2.0.0", False),
        ("^0.2.1", "0.3.0", False),
        ("~1.2.3", "1.2.9", True),
        (">=2 <3", "3.0.0", False),
        (">1.2.3", "1.2.3", False),
        ("<=1.2", "1.2.7", True),
        ("1.x || 3.1.0", "3.1.0", True),
        ("1.0.0 - 1.5.0", "1.6.0", False),
        ("1.2.3", "1.2.4", False),
        ("*", "7.0.0", True),
        ("nonsense", "1.0.0", True),
        ("^1.2", "nonsense", True),
        ("^1.2", None, True),
    ],
)
def test_versions_filter_only_where_both_sides_give_one(
    wanted: str, reported: str | None, *, kept: bool
) -> None:
    versioned = read_registry("linux", {"a": {"version": wanted}})
    device = {"OS": {"id": "linux"}, "solutions": [{"id": "a", "version": reported}]}
    assert bool(versioned.installed(read_device(device))) is kept


@pytest.mark.parametrize("odd", [None, [], "x", {"a": None}, {"a": "x"}])
def test_odd_registries_are_refused(odd: Any) -> None:
    with pytest.raises(InvalidDocument):
        read_registry("linux", odd)


@given(document=json_values(leaves=40), report=json_values())
def test_no_document_and_no_device_raises(document: Any, report: Any) -> None:
    found = SMALL.installed(read_device(report))
    output = match(document, found)["inferredConfiguration"]
    assert disclose(document, output) is not None
    inferred = match(document, ALL)["inferredConfiguration"]
    revealed = disclose(document, inferred)
    # What is revealed tells nothing more: it matches the same, and filters to itself.
    assert repr(match(revealed, ALL)["inferredConfiguration"]) == repr(inferred)
    assert repr(disclose(revealed, inferred)) == repr(revealed)


@given(entry=json_values(leaves=20))
def test_no_entry_of_a_registry_raises(entry: Any) -> None:
    read_registry("linux", {"a": entry if isinstance(entry, dict) else {"settingsHandlers": entry}})


@needs_shared
@pytest.mark.parametrize("system", real_registries.SYSTEMS)
def test_every_real_preference_set_matches_and_is_disclosed(system: str) -> None:
    documents = real_registries.preference_documents()
    assert len(documents) == 154
    everything = tuple(real_registries.registry(system).solutions.values())
    for name, document in documents.items():
        before = json.dumps(document)
        inferred = match(document, everything)["inferredConfiguration"]
        revealed = disclose(document, inferred)
        assert list(inferred) == list(document.get("contexts", {})), name
        assert match(revealed, everything)["inferredConfiguration"] == inferred, name
        assert json.dumps(document) == before


@needs_shared
def test_a_match_for_a_real_person_takes_little_time() -> None:
    li = real_registries.preference_documents()["preferences/li"]
    linux = real_registries.registry("linux")
    three: tuple[Solution, ...] = tuple(linux.solutions.values())[:3]
    best = min(_timed(li, three) for _ in range(200))
    assert best < 0.000_150, f"{best * 1e6:.0f} µs"


def _timed(document: Any, solutions: tuple[Solution, ...]) -> float:
    begun = time.perf_counter()
    match(document, solutions)
    return time.perf_counter() - begun
