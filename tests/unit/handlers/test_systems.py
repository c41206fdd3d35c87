"""Dry run, read-only and real forms of one computer, and the handlers on them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from keyin.domain.absent import ABSENT
from keyin.domain.errors import HandlerFailed
from keyin.handlers.dry_run import DryRunSystem
from keyin.handlers.gsettings import GSettingsHandler
from keyin.handlers.host import RealSystem
from keyin.handlers.memory import Key, MemoryGSettings, MemorySystem
from keyin.handlers.read_only import ReadOnlySystem
from keyin.handlers.registry import by_type
from tests.unit.handlers.blocks import (
    gsettings_block,
    json_block,
    launch_block,
    switch_block,
)

if TYPE_CHECKING:
    from pathlib import Path

    from keyin.handlers.system import System
    from keyin.session.ports import Block, Change

LOOK = "org.gnome.desktop.interface"
SWITCHES = "org.gnome.desktop.a11y.applications"
SCHEMAS = {
    LOOK: {
        "cursor-size": Key(kind="i"),
        "text-scaling-factor": Key(kind="d", low=0.5, high=3.0),
        "gtk-theme": Key(kind="s"),
    },
    SWITCHES: {"screen-keyboard-enabled": Key(kind="b")},
}


def computer() -> MemorySystem:
    system = MemorySystem(gsettings=MemoryGSettings(SCHEMAS))
    system.gsettings.values[LOOK, "gtk-theme"] = "Adwaita"
    return system


def blocks(folder: Path) -> list[Block]:
    """Return one key-in that uses every handler, one file twice."""
    file = folder / "settings.json"
    page = {"type": "gpii.launch.exec", "command": "browser http://example.net/"}
    return [
        json_block(file, {"a.b": 1}),
        json_block(file, {"c": 2, "a.x": ABSENT}),
        gsettings_block(LOOK, {"cursor-size": 41.0, "gtk-theme": "HighContrast", "none": 1}),
        gsettings_block(LOOK, {"cursor-size": 24, "text-scaling-factor": 7}),
        switch_block(SWITCHES, "screen-keyboard-enabled", running=True),
        launch_block(
            running=True, getState={"type": "gpii.processReporter.neverRunning"}, setTrue=page
        ),
        launch_block(running=False, getState={"type": "gpii.processReporter.neverRunning"}),
    ]


async def write_all(system: System, folder: Path) -> list[Change]:
    table = by_type(system)
    changes: list[Change] = []
    for block in blocks(folder):
        handler = table.find(block.type)
        assert handler is not None
        changes += await handler.write(block)
    return changes


async def test_a_dry_run_tells_what_the_real_one_does_and_does_nothing(tmp_path: Path) -> None:
    tried, real = computer(), computer()
    for system in (tried, real):
        system.files.content[tmp_path / "settings.json"] = b'{"a": {"x": 1}}'
    before = (dict(tried.files.content), dict(tried.gsettings.values))

    dry = DryRunSystem(tried)
    foretold = await write_all(dry, tmp_path)
    done = await write_all(real, tmp_path)

    assert foretold == done
    assert (tried.files.content, tried.gsettings.values) == before
    assert tried.processes.commands == []
    files = [d for d in dry.differences if d.kind == "file"]
    assert files[-1].new == real.files.content[tmp_path / "settings.json"].decode()
    last = {d.target: d.new for d in dry.differences if d.kind == "gsettings"}
    assert last == {f"{s} {k}": v for (s, k), v in real.gsettings.values.items()}
    started = [d.target for d in dry.differences if d.kind == "start"]
    assert started == [" ".join(command) for command in real.processes.commands]
    assert [d.kind for d in dry.differences][-2:] == ["start", "stop"]


async def test_a_dry_run_fails_where_the_real_one_would(tmp_path: Path) -> None:
    system = MemorySystem()
    system.files.content[tmp_path / "settings.json"] = b"not JSON"
    dry = DryRunSystem(system)
    with pytest.raises(HandlerFailed):
        await write_all(dry, tmp_path)
    assert dry.differences == []


def test_what_is_ended_in_a_dry_run_does_not_run_there_by_its_name_either() -> None:
    system = computer()
    system.processes.start(["browser"], mark="a.page")
    dry = DryRunSystem(system)
    assert dry.processes.running("browser")
    dry.processes.stop("a.page")
    assert not dry.processes.running("browser")
    assert system.processes.running("browser")
    system.processes.names.add("browser")
    assert dry.processes.running("browser")


async def test_read_only_reads_and_refuses_every_change(tmp_path: Path) -> None:
    system = computer()
    system.files.content[tmp_path / "settings.json"] = b'{"a": {"b": 0}}'
    table = by_type(ReadOnlySystem(system))
    refused = 0
    for block in blocks(tmp_path)[:6]:
        handler = table.find(block.type)
        assert handler is not None
        assert set(await handler.read(block)) == set(block.settings)
        with pytest.raises(HandlerFailed):
            await handler.write(block)
        refused += 1
    assert refused == 6
    nothing = json_block(tmp_path / "settings.json", {"a.b": 0})
    handler = table.find(nothing.type)
    assert handler is not None
    assert (await handler.write(nothing))[0].new == 0


async def test_values_that_already_are_so_are_not_written_again() -> None:
    system = computer()
    system.gsettings.values[LOOK, "cursor-size"] = 24
    handler = GSettingsHandler(ReadOnlySystem(system))
    block = gsettings_block(LOOK, {"cursor-size": 24, "text-scaling-factor": ABSENT})
    changes = await handler.write(block)
    assert [(c.setting, c.old, c.new) for c in changes] == [
        ("cursor-size", 24, 24),
        ("text-scaling-factor", ABSENT, ABSENT),
    ]


async def test_what_no_key_takes_is_left_out_of_the_reply() -> None:
    system = computer()
    handler = GSettingsHandler(system)
    block = gsettings_block(LOOK, {"none": 1, "cursor-size": "big", "text-scaling-factor": 1.5})
    assert await handler.read(block) == dict.fromkeys(block.settings, ABSENT)
    assert [change.setting for change in await handler.write(block)] == ["text-scaling-factor"]
    other = gsettings_block("no.such.schema", {"a": 1})
    assert await handler.write(other) == []


async def test_snapshot_and_restore_leave_the_database_as_it_was() -> None:
    system = computer()
    handler = GSettingsHandler(system)
    before = dict(system.gsettings.values)
    block = gsettings_block(LOOK, {"gtk-theme": "HighContrast", "cursor-size": 41})
    old = await handler.read(block)
    await handler.write(block)
    await handler.write(gsettings_block(LOOK, old))
    assert system.gsettings.values == before


async def test_a_block_without_its_schema_is_named() -> None:
    handler = GSettingsHandler(computer())
    with pytest.raises(HandlerFailed, match=r"a\.desktop"):
        await handler.read(gsettings_block("", {"a": 1}))


def test_unknown_types_have_no_handler() -> None:
    table = by_type(MemorySystem())
    assert table.find("gpii.alsa") is None
    assert table.find("gpii.settingsHandlers.noSettings") is not None


async def test_the_real_system_works_in_order_off_the_loop(tmp_path: Path) -> None:
    system = RealSystem()
    file = tmp_path / "settings.json"
    handler = by_type(system).find("gpii.settingsHandlers.JSONSettingsHandler")
    assert handler is not None
    for number in range(3):
        await handler.write(json_block(file, {"n": number}))
    system.close()
    assert json.loads(file.read_text()) == {"n": 2}
