"""The original's recorded lifecycles, played by our session on its mock world."""

from __future__ import annotations

from typing import Any

import pytest

from keyin.domain.absent import ABSENT
from keyin.domain.device import read_device
from keyin.domain.errors import KeyinError
from keyin.domain.instructions import instructions
from keyin.domain.lifecycle import over_defaults, with_steps
from keyin.domain.matchmaking import match
from keyin.domain.solutions import Registry, read_registry
from keyin.session.lifecycle import Lifecycle
from tests import real_registries
from tests.fakes.session import MemoryJournal, Stores, world_of
from tests.local_cases import alike, cases, registry
from tests.shared_data import needs_shared

LATER = {
    "lc-linux-update-existing": "changes from the settings panel",
    "lc-linux-update-new": "changes from the settings panel",
    "lc-linux-update-appblock": "changes from the settings panel",
    "lc-linux-switch-set": "switching preference sets while keyed in",
    "lc-linux-enabled-false": "changes from the settings panel (and a quirk we do not keep)",
    "lc-win-all-blocks": "changes from the settings panel",
}
"""Recorded cases of what this issue does not build."""

DIFFERENT = {
    "up-windows-os_common": {"com.microsoft.windows.cursors"},
    "up-android-talkback1": {"com.android.talkback"},
    "up-android-screenreader_common": {"com.android.talkback"},
}
"""Solutions whose run state nobody had set before: the original lets them run for ever after, we
take the value away again (invariant 5 of the architecture)."""


class Played:
    """One case's computer."""

    def __init__(self, case: dict[str, Any]) -> None:
        state = {(s["handler"], s["store"]): dict(s["settings"]) for s in case["initialState"]}
        self.stores = Stores(state)
        self.solutions = _registry(case).installed(read_device(case["device"]))
        self.journal = MemoryJournal()
        self.case = case
        self.failed = False

    def lifecycle(self, key: str) -> Lifecycle:
        return Lifecycle(world_of(self.stores, self.journal, key=key))

    def instructions(self, preferences: Any) -> dict[str, Any]:
        inferred = match(preferences, self.solutions)["inferredConfiguration"]
        entries = {solution.id: solution.entry for solution in self.solutions}
        made = instructions(inferred.get("gpii-default") or {}, entries)
        return {solution: with_steps(record) for solution, record in made.items()}

    def login(self, event: dict[str, Any]) -> dict[str, Any]:
        preferences = event.get("preferences") or self.case.get("preferences")
        return over_defaults(
            self.instructions(event.get("defaults")), self.instructions(preferences)
        )

    def fail(self, event: dict[str, Any]) -> None:
        wanted = event.get("match")
        self.stores.message = event.get("message", "")
        self.stores.fails = lambda block: (
            wanted is not None
            and (
                block.type == wanted["handler"]
                and block.solution == wanted.get("solution", block.solution)
            )
        )

    def changes_something(self, call: dict[str, Any]) -> bool:
        """Tell whether a write is not one of those of what is so already, which we leave out."""
        if call["op"] != "set" or "running" in call["settings"] or self.failed:
            return True
        now = self.stores.state.get((call["handler"], call["store"]), {})
        return not alike(
            {name: now.get(name, ABSENT) for name in call["settings"]}, call["settings"]
        )

    def calls(self) -> list[dict[str, Any]]:
        taken, self.stores.calls[:] = list(self.stores.calls), []
        return taken


def _registry(case: dict[str, Any]) -> Registry:
    if "registry" in case:
        return read_registry(case["device"]["OS"]["id"], registry(case["registry"]))
    return real_registries.registry(case["device"]["OS"]["id"])


def _same(made: list[dict[str, Any]], recorded: list[dict[str, Any]]) -> None:
    shown = [{name: call[name] for name in call if name != "options"} for call in recorded]
    assert len(made) == len(shown), (made, shown)
    for ours, theirs in zip(made, shown, strict=True):
        assert alike(ours, theirs), (ours, theirs)


def _of_another(call: dict[str, Any], solutions: set[str]) -> bool:
    return "solution" in call and call["solution"] not in solutions


def _same_state(played: Played, event: dict[str, Any], but: set[str]) -> None:
    recorded = {(s["handler"], s["store"]): s["settings"] for s in event["expect"]["state"]}
    made = {place: settings for place, settings in played.stores.state.items() if settings}
    for place in {*recorded, *made}:
        if place[1] not in but and "flexibleHandler" not in place[0]:
            assert alike(made.get(place, {}), recorded.get(place, {})), place


@needs_shared
@pytest.mark.parametrize("case", cases("lifecycle", "lifecycle-upstream"))
async def test_recorded_lifecycle(case: dict[str, Any]) -> None:
    if case["id"] in LATER:
        pytest.skip(LATER[case["id"]])
    played, lifecycle = Played(case), Lifecycle(world_of(Stores()))
    different = DIFFERENT.get(case["id"], set())
    leftovers: list[dict[str, Any]] = []
    for event in case["events"]:
        expected = event["expect"]
        recorded = [c for c in expected["calls"] if c.get("solution") not in different]
        match event["do"]:
            case "login":
                lifecycle = played.lifecycle(event["key"])
                leftovers = await _log_in(played, lifecycle, event)
            case "logout" | "restoreSnapshot":
                recorded = [call for call in recorded if played.changes_something(call)]
                await lifecycle.end()
                made = leftovers + played.calls()
                _same([c for c in made if not different or _of_another(c, different)], recorded)
                _same_state(played, event, different)
            case "failSets":
                played.fail(event)
            case "saveSnapshot":
                pass
            case other:
                raise AssertionError(other)
    if not lifecycle.open_journals:
        assert played.journal.sessions == {}


async def _log_in(
    played: Played, lifecycle: Lifecycle, event: dict[str, Any]
) -> list[dict[str, Any]]:
    """Log in; return the calls that put a failed login back."""
    expected = event["expect"]
    wanted = played.login(event)
    if "error" not in expected:
        await lifecycle.begin(wanted)
        _same(played.calls(), expected["calls"])
        _same_state(played, event, set())
        return []
    with pytest.raises(KeyinError, match=expected["error"]):
        await lifecycle.begin(wanted)
    played.failed = True
    made = played.calls()
    _same(made[: len(expected["calls"])], expected["calls"])
    return made[len(expected["calls"]) :]
