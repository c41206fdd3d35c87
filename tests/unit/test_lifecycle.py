"""The rules of a lifecycle, variables, and what a panel asks: recorded cases and their edges."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from keyin.domain import elpath
from keyin.domain.absent import ABSENT, Absent, Value
from keyin.domain.lifecycle import (
    STEP_LISTS,
    armour,
    bare,
    blocks_to_run,
    least_live_for,
    over_defaults,
    with_steps,
)
from keyin.domain.panel import autosaved, read_back, updated
from keyin.domain.variables import resolve
from tests.json_values import json_values
from tests.local_cases import alike, cases, registry
from tests.shared_data import needs_shared


@needs_shared
@pytest.mark.parametrize("case", cases("infer-steps"))
def test_recorded_step_lists(case: dict[str, Any]) -> None:
    made = with_steps(case["solution"])
    assert {name: made[name] for name in STEP_LISTS} == case["expected"]


@needs_shared
@pytest.mark.parametrize("case", cases("lifecycle-actions"))
def test_recorded_table_of_what_runs(case: dict[str, Any]) -> None:
    for row in case["rows"]:
        found = blocks_to_run(row["running"], row["wanted"], restore=row["restore"])
        assert list(found) == row["expected"], row


@needs_shared
@pytest.mark.parametrize("case", cases("least-liveness"))
def test_recorded_least_liveness(case: dict[str, Any]) -> None:
    entries = [registry(case["registry"])[name] for name in case["solutions"]]
    for row in case["rows"]:
        assert least_live_for(row["term"], entries) == row["expected"], row


@needs_shared
@pytest.mark.parametrize("case", cases("snapshot"))
def test_recorded_armour(case: dict[str, Any]) -> None:
    old = {name: change["oldValue"] for name, change in case["reply"].items()}
    assert armour(old) == case["expected"]
    assert bare(armour(old)) == old


@needs_shared
@pytest.mark.parametrize("case", cases("update-inferred"))
def test_recorded_updates(case: dict[str, Any]) -> None:
    assert updated(case["inferredConfiguration"], case["preferences"]) == case["expected"]


def test_an_applications_own_enabled_term_beats_the_general_one() -> None:
    term = "http://registry.gpii.net/common/magnification/enabled"
    inferred = {"d": {"applications": {"a": {"active": True, "settings": {term: True}}}}}
    own = {"http://registry.gpii.net/applications/a": {term: False}}
    document = {"contexts": {"d": {"preferences": {term: True, **own}}}}
    assert updated(inferred, document)["d"]["applications"]["a"]["active"] is False


@needs_shared
@pytest.mark.parametrize("case", cases("autosave-filter"))
def test_recorded_autosaves(case: dict[str, Any]) -> None:
    assert autosaved(case["preferences"], case["metadata"]) == case["expected"]


@needs_shared
@pytest.mark.parametrize("case", cases("read-settings"))
def test_recorded_readings(case: dict[str, Any]) -> None:
    for row in case.get("rows", [case]):
        entry = registry(case["registry"])[row["solution"]]
        assert alike(read_back(entry, row["settings"]), row["expected"]), row


@needs_shared
@pytest.mark.parametrize("case", cases("resolve-variables"))
def test_recorded_variables(case: dict[str, Any]) -> None:
    def lookup(context: str, path: str) -> Value | Absent:
        found: Value | Absent = case["contexts"].get(context, ABSENT)
        if isinstance(found, dict) and path in found:
            return found[path]  # type: ignore[no-any-return]
        return ABSENT if found is ABSENT else elpath.get(found, elpath.parse(path))

    for row in case["rows"]:
        assert resolve(row["material"], lookup) == row["expected"], row


@given(material=json_values())
def test_any_material_can_be_resolved(material: Any) -> None:
    resolve(material, lambda _context, _path: ABSENT)


def test_defaults_lie_underneath_and_their_steps_are_kept() -> None:
    action = {"type": "gpii.launch.exec"}
    one = {"one": {"settings": {"a": 1, "b": 1}}}
    two = {"two": {"settings": {"c": 1}}}
    defaults = {
        "s": {"settingsHandlers": {**one, **two}, "configure": ["settings.one", "settings.two"]},
        "only.default": {},
    }
    own = {
        "s": {
            "settingsHandlers": {"one": {"settings": {"a": 2}}, "three": {"settings": {}}},
            "configure": ["settings.one", action, "settings.three"],
        }
    }
    merged = over_defaults(defaults, own)
    assert list(merged) == ["s", "only.default"]
    assert merged["s"]["settingsHandlers"]["one"]["settings"] == {"a": 2, "b": 1}
    steps = ["settings.one", "settings.two", action, "settings.three"]
    assert merged["s"]["configure"] == steps


@given(entry=json_values(leaves=20), settings=json_values())
def test_nothing_that_a_computer_holds_raises(entry: Any, settings: Any) -> None:
    block = {"capabilitiesTransformations": entry}
    read_back({"settingsHandlers": {"b": block}}, settings)
    least_live_for("x", [{"settingsHandlers": {"b": block, "c": entry}}])
    with_steps({"settingsHandlers": entry, "launchHandlers": entry})
