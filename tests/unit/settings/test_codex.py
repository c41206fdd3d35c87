"""The values of known terms: the schemas of ontology and registries (cloud-wire §8.2, §8.3)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from keyin.domain.solutions import read_registry
from keyin.settings.codex import Codex
from keyin.settings.payload import violations
from keyin.stores.ontology_file import read_ontology
from tests import real_registries
from tests.json_values import json_values
from tests.shared_data import needs_shared

COMMON = "http://registry.gpii.net/common/"
APPLICATIONS = "http://registry.gpii.net/applications/"
TERMS = read_ontology().schemas
READER = APPLICATIONS + "my.reader"
ESCAPED = READER.replace(".", "\\.")

RULES = {"Native": {"value": ESCAPED + ".Friendly", "path": {"literalValue": "p"}}}
RATE = {"Rate": (COMMON + "speechRate").replace(".", "\\.")}
SUPPORTED = {
    "Native": {
        "schema": {
            "type": "object",
            "properties": {"value": {"type": "integer", "required": True}},
        }
    },
    "Rate": {"schema": {"type": "integer", "maximum": 9}},
    "free": {},
}
WINDOWS = read_registry(
    "win32",
    {
        "my.reader": {
            "settingsHandlers": {
                "one": {"supportedSettings": SUPPORTED, "capabilitiesTransformations": RULES},
                "two": {"capabilitiesTransformations": RATE},
            }
        },
        "my.magnifier": {
            "settingsHandlers": {"one": {"supportedSettings": {"zoom": {"schema": {"minimum": 1}}}}}
        },
    },
)
LINUX = read_registry(
    "linux",
    {"my.magnifier": {"settingsHandlers": {"two": {"supportedSettings": {"invert": {}}}}}},
)
CODEX = Codex(TERMS, [WINDOWS, LINUX])


UNFIT = {
    "james", "javier", "jaws", "jaws_application",  # voices that the registry does not name
    "magic", "samuel", "os_win",  # settings that it does not have
    "os_win_2",  # a colour in another shape
}  # fmt: skip
"""Of the 154 real sets, those that hold something the registries never allowed."""


def told(preferences: Any, context: str = "gpii-default") -> list[Any]:
    return CODEX.violations({"contexts": {context: {"preferences": preferences}}})


@pytest.mark.parametrize(
    ("term", "value", "message"),
    [
        ("fontSize", "big", "The value supplied should be a(n) number."),
        ("fontSize", 2, "The value must be at least 3."),
        ("fontSize", 12.34, "The supplied value must be a multiple of 0.1."),
        ("volume", 1.5, "The value must be less than 1."),
        ("stickyKeys", 1, "The value supplied should be a(n) boolean."),
        ("stickyKeys", None, "The value supplied should be a(n) boolean."),
        ("initDelay", 1.5, "The value supplied should be a(n) integer."),
        ("initDelay", True, "The value supplied should be a(n) integer."),
        (
            "punctuationVerbosity",
            "few",
            "The supplied value is not one of the allowed values (none,some,most,all).",
        ),
        (
            "speakTutorialMessages",
            1,
            "The supplied value is not one of the allowed values (true,false).",
        ),
    ],
)
def test_a_value_that_does_not_fit_is_told(term: str, value: Any, message: str) -> None:
    found = told({COMMON + term: value})
    assert found[0]["message"] == message
    assert found[0]["dataPath"] == [COMMON + term]
    assert found[0]["rule"] == TERMS[COMMON + term]
    assert set(found[0]) == {"message", "dataPath", "schemaPath", "rule"}


@pytest.mark.parametrize(
    ("term", "value"),
    [
        ("fontSize", 12.3),
        ("fontSize", 24.0),
        ("initDelay", 120.0),
        ("lineSpace", 1.1),
        ("tracking", ["mouse", "caret"]),
        ("tracking", []),
        ("language", "en-US"),
        ("unheardOf", {"a": 1}),
        ("foregroundColor", 5),
    ],
)
def test_what_fits_and_what_is_not_known_passes(term: str, value: Any) -> None:
    assert told({COMMON + term: value}) == []


def test_an_element_says_where_it_stands() -> None:
    (found,) = told({COMMON + "tracking": ["mouse", "cat"]})
    assert found["dataPath"] == [COMMON + "tracking", 1]
    assert found["schemaPath"] == ["items", "enum"]


def test_the_first_term_that_does_not_fit_is_the_only_one_told() -> None:
    found = told({COMMON + "fontSize": "x", COMMON + "volume": "y"})
    assert {one["dataPath"][0] for one in found} == {COMMON + "fontSize"}


@pytest.mark.parametrize("context", ["gpii-default", "other", ""])
def test_p105_the_values_of_every_set_are_looked_at(context: str) -> None:
    assert told({COMMON + "stickyKeys": "yes"}, context)


def test_an_application_has_the_settings_of_all_systems_and_enabled() -> None:
    magnifier = APPLICATIONS + "my.magnifier"
    assert told({magnifier: {"zoom": 2, "invert": "x", "enabled": True}}) == []
    assert told({magnifier: {"zoom": 0}})[0]["dataPath"] == [magnifier, "zoom"]
    assert told({magnifier: {"enabled": "yes"}})[0]["dataPath"] == [magnifier, "enabled"]
    assert told({magnifier: 5})[0]["message"] == "The value supplied should be a(n) object."


def test_a_setting_that_nobody_has_is_told_without_a_message() -> None:
    magnifier = APPLICATIONS + "my.magnifier"
    found = told({magnifier: {"nope": 1, "neither": 2}})
    assert [one["dataPath"] for one in found] == [[magnifier], [magnifier]]
    assert all("message" not in one for one in found)
    assert found[0]["schemaPath"] == ["additionalProperties"]


@pytest.mark.parametrize(
    "block",
    [
        {"Friendly": 5},
        {COMMON + "speechRate": 9},
        {"Native": {"value": 5}},
        {"Rate": 9, "free": [None]},
    ],
)
def test_a_value_that_reads_well_is_checked_as_what_its_rules_make_of_it(block: Any) -> None:
    assert told({READER: block}) == []


@pytest.mark.parametrize(
    "block", [{"Friendly": "five"}, {COMMON + "speechRate": 10}, {"Rate": 10}, {"nope": 1}]
)
def test_and_must_fit_as_that(block: Any) -> None:
    assert told({READER: block})


def test_a_common_term_in_a_block_that_no_rule_takes_is_a_setting_that_nobody_has() -> None:
    assert told({APPLICATIONS + "my.magnifier": {COMMON + "fontSize": 12}})


def test_terms_may_stand_under_application() -> None:
    assert told({"application": {COMMON + "fontSize": "x"}, COMMON + "volume": "ignored"})
    assert told({"application": {}, COMMON + "volume": "ignored"}) == []


def test_no_more_than_a_hundred_things_are_told() -> None:
    many = {str(number): 1 for number in range(1000)}
    assert len(told({APPLICATIONS + "my.magnifier": many})) == 100


@given(json_values(leaves=20))
def test_p105_no_value_raises(value: Any) -> None:
    for uri in (READER, APPLICATIONS + "my.magnifier", COMMON + "fontSize", COMMON + "tracking"):
        assert isinstance(told({uri: value}), list)
    document = {"contexts": {"a": {"preferences": value}}}
    if not violations(document):
        assert isinstance(CODEX.violations(document), list)


@given(json_values(leaves=20))
def test_no_schema_of_a_registry_raises(schema: Any) -> None:
    entry = {"settingsHandlers": {"b": {"supportedSettings": {"s": {"schema": schema}}}}}
    codex = Codex({}, [read_registry("linux", {"a": entry})])
    for value in (None, 1, "x", [1], {"s": 1}):
        document = {"contexts": {"c": {"preferences": {APPLICATIONS + "a": {"s": value}}}}}
        assert isinstance(codex.violations(document), list)


@needs_shared
def test_most_real_preference_sets_fit() -> None:
    codex = Codex(TERMS, [real_registries.registry(system) for system in real_registries.SYSTEMS])
    assert len(codex) == 122
    wrong = {
        name.partition("/")[2]
        for name, document in real_registries.preference_documents().items()
        if codex.violations(document)
    }
    assert wrong == UNFIT
