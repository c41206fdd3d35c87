"""What a safe holds after somebody said something in one ontology."""

from __future__ import annotations

from typing import Any

import pytest

from keyin.settings.updating import merged, replaced
from keyin.stores.ontology_file import read_ontology

ONTOLOGIES = read_ontology().ontologies
COMMON = "http://registry.gpii.net/common/"
APPLICATION = "http://registry.gpii.net/applications/org.alsa-project"


def one(preferences: Any, **more: Any) -> dict[str, Any]:
    return {"contexts": {"x": {"preferences": preferences, **more}}}


def test_merging_keeps_what_is_not_sent_and_every_other_ontology() -> None:
    stored: dict[str, Any] = {
        "ISO24751": one({"k": 1}),
        "flat": one({"a": [1, 2, 3], "b": {"c": 1}}),
    }
    sent = one({"a": [9], "b": {"d": 2}}, metadata=[])
    assert merged(stored, "flat", sent) == {
        "ISO24751": stored["ISO24751"],
        "flat": one({"a": [9, 2, 3], "b": {"c": 1, "d": 2}}),
    }


@pytest.mark.parametrize("stored", [{}, {"flat": 5}, {"flat": []}])
def test_merging_over_an_odd_shape_is_what_was_sent(stored: dict[str, Any]) -> None:
    sent: dict[str, Any] = {"contexts": {"x": {"preferences": {}}}}
    assert merged(stored, "flat", sent)["flat"] == sent


def test_what_is_said_in_one_ontology_leaves_the_others() -> None:
    stored = {
        "flat": one({COMMON + "fontSize": 12, COMMON + "volume": 1}, metadata=[]),
        "bogus": one({"foo": "bar"}),
    }
    said = one({"display": {"screenEnhancement": {"fontSize": 24}}})
    assert replaced(stored, "ISO24751", said, ONTOLOGIES) == {
        "flat": one({COMMON + "volume": 1}),
        "bogus": one({"foo": "bar"}),
        "ISO24751": said,
    }


def test_of_an_application_only_what_is_said_again_leaves() -> None:
    stored = {"flat": one({APPLICATION: {"masterVolume": 14, "pcm": 3}})}
    block = {"id": "org.alsa-project", "parameters": {"masterVolume": 50}}
    said = one({"applications": {"org.alsa-project": block}})
    changed = replaced(stored, "ISO24751", said, ONTOLOGIES)
    assert changed["flat"] == one({APPLICATION: {"pcm": 3}})


def test_other_sets_and_their_metadata_stay() -> None:
    entry = {"type": "required", "scope": ["*"]}
    stored: dict[str, Any] = {
        "flat": {
            "contexts": {
                "x": {"preferences": {COMMON + "volume": 1}, "metadata": [entry]},
                "y": {"preferences": {COMMON + "volume": 1}},
            }
        }
    }
    said = one({"-provisional-general": {"-provisional-volume": 0}})
    assert replaced(stored, "ISO24751", said, ONTOLOGIES)["flat"] == {
        "contexts": {
            "x": {"preferences": {}, "metadata": [entry]},
            "y": {"preferences": {COMMON + "volume": 1}},
        }
    }


@pytest.mark.parametrize("odd", [None, 5, [], "x", {}, {"contexts": 3}, {"contexts": {"x": 1}}])
def test_odd_shapes_of_other_ontologies_are_tolerated(odd: Any) -> None:
    said = one({"language": "de"})
    assert replaced({"flat": odd}, "ISO24751", said, ONTOLOGIES) == {"flat": odd, "ISO24751": said}
