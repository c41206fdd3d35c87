"""A cloud that turned bad may say how large the text is, and not which program to start."""

from __future__ import annotations

from typing import Any

import pytest

from keyin.domain.registry_trust import PROGRAM_STARTERS, CloudRegistry, believed

STARTER = next(iter(PROGRAM_STARTERS))
EVIL = {"type": STARTER, "options": {"setTrue": [{"type": "gpii.launch.exec", "command": "evil"}]}}
GOOD = {"type": STARTER, "options": {"setTrue": [{"type": "gpii.launch.exec", "command": "good"}]}}
SIZE = {"type": "gpii.gsettings", "options": {"schema": "org.example"}}
SENT: dict[str, Any] = {
    "a": {
        "settingsHandlers": {"size": SIZE, "odd": EVIL},
        "launchHandlers": {"run": EVIL, "more": EVIL},
        "start": ["launchers.run", {"type": "gpii.launch.exec", "command": "evil"}],
    },
    "b": {"settingsHandlers": {"size": SIZE}},
    "c": "no entry",
}
OWN = {"a": {"launchHandlers": {"run": GOOD}}}


def test_by_default_programs_are_this_computer_s_word() -> None:
    found = believed(SENT, OWN, CloudRegistry.SETTINGS)
    assert found == {
        "a": {
            "settingsHandlers": {"size": SIZE},
            "launchHandlers": {"run": GOOD},
            "start": ["launchers.run"],
        },
        "b": {"settingsHandlers": {"size": SIZE}},
    }


def test_all_is_as_the_original_did_it() -> None:
    assert believed(SENT, OWN, CloudRegistry.ALL) == {"a": SENT["a"], "b": SENT["b"]}


def test_none_leaves_this_computer_s_own_registry() -> None:
    assert believed(SENT, OWN, CloudRegistry.NONE) == OWN


@pytest.mark.parametrize("odd", [None, [], "text", 5, {"type": STARTER}])
def test_odd_blocks_start_nothing(odd: object) -> None:
    sent = {"a": {"settingsHandlers": {"x": odd}, "launchHandlers": odd, "start": odd}}
    found = believed(sent, {}, CloudRegistry.SETTINGS)
    assert found["a"]["settingsHandlers"] == {}
    assert STARTER not in repr(found["a"]["settingsHandlers"])
