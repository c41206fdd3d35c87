"""A safe's content as one flat set, and what merging leaves of it."""

from __future__ import annotations

from typing import Any

import pytest

from keyin.settings.flat_view import flat_view, merged


@pytest.mark.parametrize(
    "stored",
    [{}, {"flat": None}, {"flat": []}, {"flat": "x"}, {"flat": {}}, {"flat": {"contexts": 5}}],
)
def test_whatever_was_stored_there_are_contexts(stored: dict[str, Any]) -> None:
    assert flat_view(stored) == {"contexts": {}}


def test_name_contexts_and_metadata_are_seen_and_empty_lists_are_not() -> None:
    context = {"name": "c", "preferences": {"a": []}, "metadata": [], "foo": 1}
    stored = {"flat": {"name": "n", "contexts": {"x": context, "odd": 3}, "metadata": [], "y": 1}}
    seen = {"name": "c", "preferences": {"a": []}, "foo": 1}
    assert flat_view(stored) == {"name": "n", "contexts": {"x": seen, "odd": 3}}


def test_merging_keeps_what_is_not_sent_and_every_other_ontology() -> None:
    stored: dict[str, Any] = {
        "ISO24751": {"contexts": {"x": {"preferences": {"k": 1}}}},
        "flat": {"contexts": {"x": {"preferences": {"a": [1, 2, 3], "b": {"c": 1}}}}},
    }
    sent: dict[str, Any] = {
        "contexts": {"x": {"preferences": {"a": [9], "b": {"d": 2}}, "metadata": []}}
    }
    assert merged(stored, sent) == {
        "ISO24751": stored["ISO24751"],
        "flat": {"contexts": {"x": {"preferences": {"a": [9, 2, 3], "b": {"c": 1, "d": 2}}}}},
    }


@pytest.mark.parametrize("stored", [{}, {"flat": 5}, {"flat": []}])
def test_merging_over_an_odd_shape_is_what_was_sent(stored: dict[str, Any]) -> None:
    sent: dict[str, Any] = {"contexts": {"x": {"preferences": {}}}}
    assert merged(stored, sent)["flat"] == sent
