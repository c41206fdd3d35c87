"""Plays a key-in over mocked handlers, from instructions and the lifecycle rules alone.

The mock world is that of cases/local.json: stores of settings, keyed by handler type and store id.
It answers the writes in their order, and nothing of how a session journals or restores them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from keyin.domain.absent import ABSENT, Absent, Value
from keyin.domain.device import read_device
from keyin.domain.instructions import instructions
from keyin.domain.lifecycle import blocks_to_run, over_defaults, with_steps
from keyin.domain.matchmaking import match
from keyin.domain.variables import resolve

if TYPE_CHECKING:
    from collections.abc import Iterator

    from keyin.domain.solutions import Registry

ROOMS = {"settings": "settingsHandlers", "launchers": "launchHandlers"}
SHARED_STORES = ("websockets", "nosettings", "display", "systemsettings", "wmi", "alsa", "xrandr")


class MockedKeyIn:
    """One computer with its stores, and the writes that a key-in makes to them, in order."""

    def __init__(self, registry: Registry, device: Any, state: list[dict[str, Any]]) -> None:
        self.solutions = registry.installed(read_device(device))
        self.state = {(s["handler"], s["store"]): dict(s["settings"]) for s in state}
        self.calls: list[dict[str, Any]] = []

    def key_in(self, key: str, preferences: Value, defaults: Value = None) -> None:
        made = over_defaults(self._instructions(defaults), self._instructions(preferences))
        for solution, record in made.items():
            running = self._running(key, solution, record)
            for name in blocks_to_run(running, record["active"], restore=False):
                self._run(key, solution, record, name)

    def _instructions(self, preferences: Value) -> dict[str, Any]:
        inferred = match(preferences, self.solutions)["inferredConfiguration"]
        entries = {solution.id: solution.entry for solution in self.solutions}
        made = instructions(inferred.get("gpii-default", {}), entries)
        return {solution: with_steps(record) for solution, record in made.items()}

    def _running(self, key: str, solution: str, record: dict[str, Any]) -> Value | Absent:
        for step in record["isRunning"]:
            if isinstance(step, str):
                _, settings = self._store(key, solution, self._block(record, step))
                running: Value | Absent = settings.get("running", ABSENT)
                return running
        return ABSENT

    def _run(self, key: str, solution: str, record: dict[str, Any], name: str) -> None:
        for step in record[name]:
            if step in ("start", "stop", "configure"):
                self._run(key, solution, record, step)
            elif isinstance(step, str):
                self._write(key, solution, record, step, starting=name == "start")

    def _write(
        self, key: str, solution: str, record: dict[str, Any], step: str, *, starting: bool
    ) -> None:
        block = self._block(record, step)
        wanted = {"running": starting}
        if step.startswith("settings."):
            supported = block.get("supportedSettings", {})
            wanted = {name: v for name, v in block["settings"].items() if name in supported}
        store, settings = self._store(key, solution, block)
        wanted = resolve(wanted, self._lookup(key))
        settings.update(wanted)
        call = {"op": "set", "handler": block["type"], "solution": solution, "settings": wanted}
        self.calls.append({**call, "store": store})

    def _block(self, record: dict[str, Any], step: str) -> dict[str, Any]:
        room, _, name = step.partition(".")
        block = record[ROOMS[room]][name]
        assert isinstance(block, dict)
        return block

    def _store(self, key: str, solution: str, block: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        options = resolve(block.get("options", {}), self._lookup(key))
        found = next(iter(_store_ids(block["type"], options)), solution)
        return found, self.state.setdefault((block["type"], found), {})

    @staticmethod
    def _lookup(key: str) -> Any:
        def lookup(context: str, path: str) -> str:
            return key if context == "gpiiKey" else f"%{path}%"

        return lookup


def _store_ids(type_: str, options: dict[str, Any]) -> Iterator[str]:
    if "filename" in options:
        yield options["filename"]
    named = {
        "gpii.windows.registrySettingsHandler": ("hKey", "path"),
        "gpii.windows.spiSettingsHandler": ("setAction",),
        "gpii.windows.nativeSettingsHandler": ("functionName",),
        "gpii.gsettings": ("schema",),
        "gpii.gsettings.launch": ("schema", "key"),
        "gpii.orca": ("user",),
        "gpii.androidSettings": ("settingType",),
        "gpii.windows.enableRegisteredAT": ("registryName",),
    }
    if type_ in named:
        yield "|".join(str(options[name]) for name in named[type_])
    if type_.startswith("gpii.android") or any(s in type_.lower() for s in SHARED_STORES):
        yield "shared"
