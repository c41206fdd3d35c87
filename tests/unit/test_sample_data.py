"""The registry and the people that ship with keyin: what each person gets on a full desktop."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyjson5
import pytest

from keyin.domain.instructions import instructions
from keyin.domain.matchmaking import match
from keyin.domain.solutions import read_registry
from keyin.handlers.memory import MemorySystem
from keyin.handlers.registry import by_type
from keyin.stores.solutions_files import PACKAGED

if TYPE_CHECKING:
    from pathlib import Path

PEOPLE = PACKAGED.parent / "people"
READER = "net.keyin.sample.reader"
SCREEN = "org.gnome.desktop.a11y.magnifier"
LOOK = "org.gnome.desktop.interface"
CONTRAST = "org.gnome.desktop.a11y.interface"
KEYS = "org.gnome.desktop.a11y.keyboard"
POINTER = "org.gnome.desktop.peripherals.mouse"
KEYBOARD = "org.gnome.desktop.a11y.applications.onscreen-keyboard"
VOICE = "net.keyin.gnome.screen-reader"

EXPECTED: dict[str, dict[str, dict[str, Any]]] = {
    "amina": {
        READER: {"text.size": 22, "text.lineSpacing": 1.5, "colours": "yellow on black"},
        SCREEN: {"mag-factor": 2, "screen-position": "top-half", "running": True},
        LOOK: {"text-scaling-factor": 2, "cursor-size": 64},
        CONTRAST: {"high-contrast": True},
    },
    "bruno": {
        READER: {"contents": False},
        KEYS: {
            "stickykeys-enable": True,
            "slowkeys-enable": True,
            "slowkeys-delay": 330,
            "bouncekeys-enable": True,
            "mousekeys-enable": True,
        },
        POINTER: {"speed": -0.5},
        KEYBOARD: {"running": True},
    },
    "chen": {
        READER: {"voice.on": True, "voice.wordsPerMinute": 320, "voice.volume": 40},
        VOICE: {"running": True},
    },
}


def registry() -> dict[str, Any]:
    document: dict[str, Any] = pyjson5.decode((PACKAGED / "linux.json5").read_text())
    return document


def given(name: str) -> dict[str, dict[str, Any]]:
    """Return what each solution is told for a person, blocks and launchers together."""
    document = pyjson5.decode((PEOPLE / f"{name}.json5").read_text())["flat"]
    solutions = read_registry("linux", registry()).solutions
    inferred = match(document, list(solutions.values()))["inferredConfiguration"]["gpii-default"]
    found: dict[str, dict[str, Any]] = {}
    for solution, made in instructions(inferred, registry()).items():
        blocks = made.get("settingsHandlers", {}) | made.get("launchHandlers", {})
        found[solution] = {}
        for block in blocks.values():
            found[solution] |= block["settings"]
    return found


def test_there_is_an_expectation_for_every_person() -> None:
    assert {path.stem for path in PEOPLE.glob("*.json5")} == set(EXPECTED)


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_a_sample_person_gets_what_the_description_says(name: str) -> None:
    found = given(name)
    assert set(found) == set(EXPECTED[name])
    for solution, settings in EXPECTED[name].items():
        assert found[solution] == pytest.approx(settings)


@pytest.mark.parametrize("path", sorted(PEOPLE.glob("*.json5")), ids=lambda path: path.stem)
def test_each_person_begins_with_a_description(path: Path) -> None:
    assert path.read_text().startswith(f"// {path.stem.title()} is a made-up person")


def test_every_block_of_the_registry_has_a_handler_and_titles() -> None:
    table = by_type(MemorySystem())
    for solution, entry in registry().items():
        assert entry["isInstalled"], solution
        assert entry["contexts"] == {"OS": [{"id": "linux"}]}
        settings, launchers = entry.get("settingsHandlers", {}), entry.get("launchHandlers", {})
        assert settings or launchers
        for block in [*settings.values(), *launchers.values()]:
            assert table.find(block["type"]) is not None
        for block in settings.values():
            assert block["liveness"] == "live"
            assert all(one["schema"]["title"] for one in block["supportedSettings"].values())
            outputs = {name.replace("\\", "") for name in block["capabilitiesTransformations"]}
            assert outputs <= set(block["supportedSettings"])
