"""What every settings handler does, whatever it writes to (`keyin.session.ports`)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from keyin.domain.absent import ABSENT, Absent, Value
from keyin.handlers.dry_run import DryRunSystem
from keyin.handlers.memory import Key, MemoryFiles, MemoryGSettings, MemorySystem
from keyin.handlers.registry import (
    FLEXIBLE_LAUNCH,
    GSETTINGS,
    GSETTINGS_LAUNCH,
    JSON_FILE,
    NO_SETTINGS,
    by_type,
)
from keyin.session.ports import Block

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keyin.handlers.system import System
    from keyin.session.ports import SettingsHandler

FILE = Path("/home/person/.config/reader.json")
SCHEMA = "org.gnome.desktop.a11y.keyboard"


@dataclass(frozen=True, kw_only=True)
class Example:
    """A way to use one handler: two values for one setting, and one that is not set."""

    type: str
    options: Mapping[str, Value]
    setting: str
    first: Value
    second: Value
    keeps: bool = True
    """Whether what is written can be read."""


EXAMPLES = [
    Example(type=JSON_FILE, options={"filename": str(FILE)}, setting="a.b", first=1, second="x"),
    Example(type=GSETTINGS, options={"schema": SCHEMA}, setting="delay", first=300, second=0),
    Example(
        type=GSETTINGS_LAUNCH,
        options={"schema": SCHEMA, "key": "enable"},
        setting="running",
        first=True,
        second=False,
    ),
    Example(
        type=FLEXIBLE_LAUNCH,
        options={
            "getState": {"type": "gpii.processReporter.neverRunning"},
            "setTrue": {"type": "gpii.launch.exec", "command": "program"},
        },
        setting="running",
        first=True,
        second=False,
    ),
    Example(type=NO_SETTINGS, options={}, setting="any", first=1, second=2, keeps=False),
]


def world(system: MemorySystem) -> tuple[object, ...]:
    """Return all that a handler could change."""
    marked = {mark: list(names) for mark, names in system.processes.marked.items()}
    return dict(system.files.content), dict(system.gsettings.values), marked


@pytest.fixture(params=EXAMPLES, ids=lambda example: example.type)
def example(request: pytest.FixtureRequest) -> Example:
    found: Example = request.param
    return found


@pytest.fixture
def system() -> MemorySystem:
    schemas = {SCHEMA: {"delay": Key(kind="i"), "enable": Key(kind="b")}}
    files = MemoryFiles({FILE: b'{"other": [1, null]}'})
    return MemorySystem(files=files, gsettings=MemoryGSettings(schemas))


def use(system: System, example: Example) -> SettingsHandler:
    handler = by_type(system).find(example.type)
    assert handler is not None
    return handler


def block(example: Example, value: Value | Absent) -> Block:
    settings = {example.setting: value}
    return Block(
        solution="a.solution", type=example.type, options=example.options, settings=settings
    )


async def test_reading_answers_every_name_and_changes_nothing(
    system: MemorySystem, example: Example
) -> None:
    before = world(system)
    handler = use(system, example)
    assert set(await handler.read(block(example, ABSENT))) == {example.setting}
    assert world(system) == before


async def test_what_is_written_is_reported_and_read(system: MemorySystem, example: Example) -> None:
    handler = use(system, example)
    for value in (example.first, example.second, example.first, example.first):
        old = (await handler.read(block(example, ABSENT)))[example.setting]
        (change,) = await handler.write(block(example, value))
        assert change.setting == example.setting
        assert change.new == value
        if example.keeps:
            assert change.old == old
            assert (await handler.read(block(example, ABSENT)))[example.setting] == value


async def test_writing_back_what_was_read_leaves_the_world_as_it_was(
    system: MemorySystem, example: Example
) -> None:
    handler = use(system, example)
    (before, old) = (world(system), await handler.read(block(example, ABSENT)))
    await handler.write(block(example, example.first))
    assert not example.keeps or world(system) != before
    await handler.write(block(example, old[example.setting]))
    assert await handler.read(block(example, ABSENT)) == old
    if example.type != JSON_FILE:  # its bytes are the session's to give back
        assert world(system) == before


async def test_absent_where_nothing_is_stays_nothing(
    system: MemorySystem, example: Example
) -> None:
    before = world(system)
    handler = use(system, example)
    await handler.write(block(example, ABSENT))
    assert world(system) == before


async def test_foresee_names_the_files_of_the_footprint_and_their_bytes(
    system: MemorySystem, example: Example
) -> None:
    handler = use(system, example)
    wanted, before = block(example, example.first), world(system)
    foreseen = await handler.foresee(wanted)
    assert world(system) == before
    assert set(foreseen) == set(handler.footprint(wanted))
    await handler.write(wanted)
    assert all(system.files.content[path] == content for path, content in foreseen.items())


async def test_a_dry_run_answers_as_the_real_one_and_changes_nothing(
    system: MemorySystem, example: Example
) -> None:
    before = world(system)
    dry = use(DryRunSystem(system), example)
    tried = [await dry.write(block(example, v)) for v in (example.first, example.second)]
    assert world(system) == before
    real = use(system, example)
    assert tried == [await real.write(block(example, v)) for v in (example.first, example.second)]
