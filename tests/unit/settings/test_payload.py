"""The outline of a sent preference set (cloud-wire §8.1), and what a client may write (P19)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyin.domain.records import UNRESTRICTED
from keyin.settings.payload import violations
from keyin.settings.writable import may_write

if TYPE_CHECKING:
    from keyin.domain.absent import Value

URI = "http://registry.gpii.net/common/fontSize"


def in_context(context: object) -> dict[str, Any]:
    return {"contexts": {"gpii-default": context}}


SOUND: list[Value] = [
    {"contexts": {}},
    in_context({"preferences": {}}),
    in_context({"name": "n", "preferences": {URI: 1}, "anything": [1]}),
    in_context({"preferences": {"plain": 1}}),
    in_context({"preferences": {"application": {URI: {}}, URI: 1}}),
    {"contexts": {}, "more": 1},
]
UNSOUND: list[tuple[Value, list[str], str]] = [
    ({}, ["contexts"], "This value is required."),
    ([], [], "The value supplied should be a(n) object."),
    ("x", [], "The value supplied should be a(n) object."),
    ({"contexts": None}, ["contexts"], "The value supplied should be a(n) object."),
    ({"contexts": []}, ["contexts"], "The value supplied should be a(n) object."),
    (in_context(1), ["contexts", "gpii-default"], "The value supplied should be a(n) object."),
    (in_context({}), ["contexts", "gpii-default", "preferences"], "This value is required."),
    (
        in_context({"preferences": []}),
        ["contexts", "gpii-default", "preferences"],
        "The value supplied should be a(n) object.",
    ),
    (
        in_context({"name": 1, "preferences": {}}),
        ["contexts", "gpii-default", "name"],
        "The value supplied should be a(n) string.",
    ),
    (
        in_context({"preferences": {"application": {"plain": {}}}}),
        ["contexts", "gpii-default", "preferences"],
        "The value must match at least one valid format.",
    ),
]


@pytest.mark.parametrize("document", SOUND)
def test_a_sound_outline_has_no_violation(document: Value) -> None:
    assert violations(document) == []


@pytest.mark.parametrize(("document", "path", "message"), UNSOUND)
def test_a_violation_says_where_and_what(document: Value, path: list[str], message: str) -> None:
    (found,) = violations(document)
    assert (found["dataPath"], found["message"]) == (path, message)
    assert set(found) == {"message", "dataPath", "schemaPath", "rule"}


def test_every_violation_of_every_context_is_listed() -> None:
    document: Value = {"contexts": {"a": {}, "b": 1, "c": {"name": 1}}}
    assert len(violations(document)) == 4


LISTED = (URI,)
SMUGGLED: list[Value] = [
    {"contexts": {}, URI: 1},
    {"contexts": {"gpii-default": {"preferences": {}}, "other": {"preferences": {"b": 1}}}},
    {"contexts": {"other": {"preferences": {"b": 1}}}},
    {"contexts": {"gpii-default": {"preferences": {URI: 1, "b": 1}}}},
    {"contexts": {"gpii-default": {"preferences": {}, "metadata": [{"type": "priority"}]}}},
    {"contexts": {"gpii-default": {"preferences": {}, "priority": 1}}},
    {"contexts": {}, "preferences": {"b": 1}},
    {"contexts": {}, "metadata": []},
    {"contexts": {}, "name": "n"},
    {"contexts": []},
    {"contexts": {"a": []}},
    [],
    {},
]


@pytest.mark.parametrize("document", SMUGGLED)
@pytest.mark.parametrize("writable", [LISTED, ()])
def test_p19_nothing_is_smuggled_past_a_list(document: Value, writable: tuple[str, ...]) -> None:
    assert not may_write(document, writable)


def test_p19_what_is_listed_may_be_written_in_any_context() -> None:
    document: Value = {"contexts": {"any": {"name": "n", "preferences": {URI: {"deep": 1}}}}}
    assert may_write(document, LISTED)
    assert may_write(document, UNRESTRICTED)
    assert not may_write(document, ())
    assert may_write({"contexts": {"any": {"preferences": {}}}}, ())


WORDS = st.sampled_from([URI, "contexts", "preferences", "name", "other", "application", "b"])
DOCUMENTS = st.recursive(
    st.none() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=25,
)


@given(DOCUMENTS)
def test_p19_fuzzed_documents_never_get_a_term_past_the_list(document: Any) -> None:
    if not may_write(document, LISTED):
        return
    assert set(document) == {"contexts"}
    for context in document["contexts"].values():
        assert set(context) <= {"name", "preferences"}
        assert set(context["preferences"]) <= {URI}
