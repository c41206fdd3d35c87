"""Instructions, and whole key-ins over mocked handlers against what the original wrote."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given

from keyin.domain.device import read_device
from keyin.domain.instructions import instructions
from keyin.domain.lifecycle import with_steps
from keyin.domain.matchmaking import match
from keyin.domain.ontology import APPLICATIONS, COMMON
from keyin.domain.solutions import read_registry
from tests import real_registries
from tests.json_values import json_values
from tests.local_cases import alike, cases, registry
from tests.mocked_key_in import MockedKeyIn
from tests.shared_data import needs_shared

LISTS = ("configure", "restore", "start", "stop", "update", "isRunning")
FONT = (COMMON + "fontSize").replace(".", "\\.")


def summary(instruction: dict[str, Any]) -> dict[str, Any]:
    """Reduce an instruction to what the recorded cases show."""
    kept: dict[str, Any] = {"active": instruction["active"]}
    for room in ("settingsHandlers", "launchHandlers"):
        if room in instruction:
            blocks = instruction[room].items()
            kept[room] = {name: {"settings": block["settings"]} for name, block in blocks}
    for name in LISTS:
        if name in instruction:
            steps = instruction[name]
            kept[name] = ["(action)" if isinstance(step, dict) else step for step in steps]
    return kept


@needs_shared
@pytest.mark.parametrize("case", cases("instructions"))
def test_recorded_instructions(case: dict[str, Any]) -> None:
    entries = registry(case["registry"])
    before = json.dumps(entries)
    solutions = read_registry(case["device"]["OS"]["id"], entries).installed(
        read_device(case["device"])
    )
    inferred = match(case["preferences"], solutions)["inferredConfiguration"]
    made = instructions(inferred[case["activePrefsSetName"]], entries)
    assert list(made) == list(case["expected"])
    assert alike({name: summary(i) for name, i in made.items()}, case["expected"])
    assert not any("contexts" in instruction for instruction in made.values())
    assert json.dumps(entries) == before


@needs_shared
@pytest.mark.parametrize("case", cases("lifecycle-upstream"))
def test_a_key_in_writes_what_the_original_wrote(case: dict[str, Any]) -> None:
    system = case["registryRef"].rpartition("/")[2].removesuffix(".json5")
    computer = MockedKeyIn(real_registries.registry(system), case["device"], case["initialState"])
    login = case["events"][0]
    assert login["do"] == "login"
    computer.key_in(login["key"], case["preferences"])
    expected = [without_options(c) for c in login["expect"]["calls"] if c["op"] == "set"]
    assert alike(computer.calls, expected)
    inferred = match(case["preferences"], computer.solutions)["inferredConfiguration"]
    accepted = inferred["gpii-default"]["applications"]
    assert set(accepted) == set(login["expect"]["accepted"])


FIRST_LOGINS = [case for case in cases("lifecycle") if case.values[0]["events"][0]["do"] == "login"]


@needs_shared
@pytest.mark.parametrize("case", FIRST_LOGINS)
def test_a_first_key_in_of_the_recorded_flows(case: dict[str, Any]) -> None:
    system = case["device"]["OS"]["id"]
    computer = MockedKeyIn(
        read_registry(system, registry(case["registry"])), case["device"], case["initialState"]
    )
    login = case["events"][0]
    computer.key_in(login["key"], login["preferences"], login.get("defaults"))
    expected = [without_options(c) for c in login["expect"]["calls"] if c["op"] == "set"]
    assert alike(computer.calls, expected)


def without_options(call: dict[str, Any]) -> dict[str, Any]:
    return {name: member for name, member in call.items() if name != "options"}


def one_block(**block: Any) -> dict[str, Any]:
    return {"a": {"settingsHandlers": {"b": {"type": "t", "liveness": "live", **block}}}}


def configured(**settings: Any) -> dict[str, Any]:
    return {"applications": {"a": {"active": True, "settings": settings}}}


def test_the_persons_own_words_win_over_what_rules_say() -> None:
    entries = one_block(supportedSettings={"size": {}}, capabilitiesTransformations={"size": FONT})
    settings = {COMMON + "fontSize": 9, APPLICATIONS + "a": {"size": 20, "unsupported": 1}}
    made = instructions(configured(**settings), entries)
    assert made["a"]["settingsHandlers"]["b"]["settings"] == {"size": 20}


def test_a_rule_that_cannot_be_run_is_told_and_takes_nothing_else_along() -> None:
    broken = {"size": {"transform": {"type": "noSuch", "inputPath": FONT}}, "also": FONT}
    entries = one_block(capabilitiesTransformations=broken)
    told: list[str] = []
    settings = {COMMON + "fontSize": 9, APPLICATIONS + "a": {"size": 20}}
    made = instructions(
        configured(**settings), entries, on_invalid=lambda s, b, _: told.append(f"{s}/{b}")
    )
    assert told == ["a/b"]
    settled = made["a"]["settingsHandlers"]["b"]["settings"]
    assert settled == {"size": 20, "also": 9}


def test_a_capability_of_a_block_demands_its_rules() -> None:
    rules = {"x": {"literalValue": 1}}
    entries = one_block(capabilities=[FONT], capabilitiesTransformations=rules)
    made = instructions(configured(**{COMMON + "fontSize": 9}), entries)
    assert made["a"]["settingsHandlers"]["b"]["settings"] == {"x": 1}
    assert "settingsHandlers" not in instructions(configured(other=1), entries)["a"]


def test_step_lists_are_filled_in_from_what_is_left() -> None:
    entries = one_block(capabilitiesTransformations={"x": FONT})
    made = with_steps(instructions(configured(**{COMMON + "fontSize": 9}), entries)["a"])
    assert {name: made[name] for name in LISTS} == {
        "configure": ["settings.b"],
        "restore": ["settings.b"],
        "start": [],
        "stop": [],
        "update": ["configure"],
        "isRunning": [],
    }


@given(configuration=json_values(leaves=30), entry=json_values(leaves=30))
def test_nothing_from_the_network_raises(configuration: Any, entry: Any) -> None:
    chosen = configuration if isinstance(configuration, dict) else {}
    entries = {"a": entry if isinstance(entry, dict) else {"settingsHandlers": {"b": entry}}}
    instructions({"applications": {"a": chosen}}, entries)
    instructions(configured(**{COMMON + "fontSize": configuration}), entries)


@needs_shared
@pytest.mark.parametrize("system", real_registries.SYSTEMS)
def test_every_real_preference_set_becomes_instructions(system: str) -> None:
    found = real_registries.registry(system)
    everything = tuple(found.solutions.values())
    entries = {solution.id: solution.entry for solution in everything}
    before = json.dumps(real_registries.document(system))
    invalid: list[str] = []
    for name, document in real_registries.preference_documents().items():
        inferred = match(document, everything)["inferredConfiguration"]
        for configuration in inferred.values():
            made = instructions(
                configuration,
                entries,
                on_invalid=lambda s, b, why, n=name: invalid.append(f"{n} {s} {b} {why}"),  # type: ignore[misc]  # the default binds the loop's name
            )
            assert list(made) == list(configuration["applications"])
    # One rule of the real data is broken: a binaryOp for Narrator's volume has no operator.
    assert {told.split()[1] for told in invalid} <= {"com.microsoft.windows.narrator"}
    assert json.dumps(real_registries.document(system)) == before
