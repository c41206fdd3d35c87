"""Merging obeys the table of cloud-wire §7.5, row by row and for any document."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from keyin.domain.absent import ABSENT
from keyin.domain.errors import InvalidDocument
from keyin.domain.merge import deep_merge, merge_members
from tests import real_registries
from tests.json_values import json_values
from tests.shared_data import needs_shared


@pytest.mark.parametrize(
    ("stored", "incoming", "expected"),
    [
        ({"a": 1, "b": {"c": 1}}, {"b": {"d": 2}}, {"a": 1, "b": {"c": 1, "d": 2}}),
        ([1, 2, 3], [9], [9, 2, 3]),
        ([{"a": 1}], [{"b": 2}, 3], [{"a": 1, "b": 2}, 3]),
        ({"a": 1}, 5, 5),
        ([1], None, None),
        (5, {"a": 1}, {"a": 1}),
        ([1], {"a": 1}, {"a": 1}),
        ({"a": 1}, [1], [1]),
        ({"a": 1}, ABSENT, {"a": 1}),
    ],
)
def test_the_table(stored: Any, incoming: Any, expected: Any) -> None:
    assert deep_merge(stored, incoming) == expected


def obeys(stored: Any, incoming: Any, merged: Any) -> bool:
    """Read the table once more, from the result's side."""
    if isinstance(stored, dict) and isinstance(incoming, dict):
        return list(merged) == [*stored, *(k for k in incoming if k not in stored)] and all(
            obeys(stored[k], incoming[k], v)
            if k in stored and k in incoming
            else v is (incoming[k] if k in incoming else stored[k])
            for k, v in merged.items()
        )
    if isinstance(stored, list) and isinstance(incoming, list):
        both = min(len(stored), len(incoming))
        tail = [*stored[both:], *incoming[both:]]
        return len(merged) == both + len(tail) and all(
            obeys(stored[i], incoming[i], v) if i < both else v is tail[i - both]
            for i, v in enumerate(merged)
        )
    return merged is incoming


@given(stored=json_values(leaves=30), incoming=json_values(leaves=30))
def test_any_two_documents_merge_by_the_table(stored: Any, incoming: Any) -> None:
    before = repr((stored, incoming))
    assert obeys(stored, incoming, deep_merge(stored, incoming))
    assert repr((stored, incoming)) == before


@needs_shared
def test_real_documents_merge_by_the_table() -> None:
    documents = list(real_registries.preference_documents().values())
    for stored, incoming in zip(documents, documents[1:] + documents[:1], strict=True):
        assert obeys(stored, incoming, deep_merge(stored, incoming))
        assert deep_merge(deep_merge(stored, incoming), incoming) == deep_merge(stored, incoming)


def test_the_members_only_merge_replaces_lists() -> None:
    assert merge_members({"a": [1, 2]}, {"a": [3]}) == {"a": [3]}


def test_documents_nested_without_end_are_refused() -> None:
    deep: Any = 1
    for _ in range(500):
        deep = {"a": deep}
    with pytest.raises(InvalidDocument):
        deep_merge(deep, deep)
