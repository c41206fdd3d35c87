"""Paths: the recorded cases, the round trip, and reading and writing by path."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyin.domain import elpath
from keyin.domain.absent import ABSENT
from keyin.domain.errors import InvalidDocument
from tests.json_values import json_values
from tests.local_cases import cases
from tests.shared_data import needs_shared

SEGMENTS = st.lists(st.text(alphabet=st.sampled_from("ab.\\}{0 é"), max_size=5), max_size=5)


@needs_shared
@pytest.mark.parametrize("case", cases("el-parse"))
def test_recorded_parses(case: dict[str, Any]) -> None:
    assert list(elpath.parse(case["path"])) == case["expected"]


@needs_shared
@pytest.mark.parametrize("case", cases("el-compose"))
def test_recorded_compositions(case: dict[str, Any]) -> None:
    assert elpath.compose(case["segments"]) == case["expected"]


def test_an_empty_segment_stands_between_two_dots() -> None:
    assert elpath.parse("a..b") == ("a", "", "b")


@given(segments=SEGMENTS)
def test_composing_and_parsing_is_a_round_trip(segments: list[str]) -> None:
    assert list(elpath.parse(elpath.compose(segments))) == segments


@given(path=st.text())
def test_any_text_is_a_path(path: str) -> None:
    segments = elpath.parse(path)
    assert elpath.parse(elpath.compose(segments)) == segments


@given(document=json_values(), segments=SEGMENTS, value=json_values())
def test_what_was_put_is_there_and_can_be_removed(
    document: Any, segments: list[str], value: Any
) -> None:
    before = repr(document)
    try:
        changed = elpath.put(document, segments, value)
    except InvalidDocument:
        return
    assert elpath.get(changed, segments) is value
    if segments and not segments[-1].isdecimal():  # a list closes up behind what leaves it
        assert elpath.get(elpath.remove(changed, segments) or {}, segments) is ABSENT
    assert repr(document) == before


def test_numbers_address_elements() -> None:
    assert elpath.get({"a": [1, {"b": 2}]}, ("a", "1", "b")) == 2
    assert elpath.put([1, 2], ("1",), 9) == [1, 9]
    assert elpath.put([1, 2], ("2",), 9) == [1, 2, 9]
    assert elpath.remove([1, 2, 3], ("1",)) == [1, 3]


@pytest.mark.parametrize("segment", ["5", "x", "-1", "99999999999", "²"])
def test_a_place_that_a_list_does_not_have_is_refused(segment: str) -> None:
    assert elpath.get([1, 2], (segment,)) is ABSENT
    with pytest.raises(InvalidDocument):
        elpath.put([1, 2], (segment,), 0)


def test_removing_what_is_not_there_changes_nothing() -> None:
    assert elpath.remove({"a": 1}, ("b", "c")) == {"a": 1}
