"""The launch handlers and actions: what runs, what is started, what is ended and what is not."""

from __future__ import annotations

import json
import os
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from keyin.domain.absent import ABSENT
from keyin.domain.errors import HandlerFailed
from keyin.handlers.actions import free_actions
from keyin.handlers.flexible_launch import FlexibleLaunchHandler
from keyin.handlers.gsettings_launch import GSettingsLaunchHandler
from keyin.handlers.host_processes import MARK, HostProcesses, HostPrograms
from keyin.handlers.memory import Key, MemoryGSettings, MemorySystem
from tests.shared_data import CASES, needs_shared
from tests.unit.handlers.blocks import launch_block, switch_block

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NEVER = {"type": "gpii.processReporter.neverRunning"}
OPEN = {"type": "gpii.launch.exec", "command": "browser http://example.net/page"}
CLOSE = {"type": "gpii.launch.exec", "command": "pkill -2 browser"}
SCHEMA = "org.gnome.desktop.a11y.applications"


def find(name: str) -> dict[str, str]:
    return {"type": "gpii.processReporter.find", "command": name}


def rows() -> list[Any]:
    path = CASES / "local.json"
    listed = json.loads(path.read_text())["cases"] if path.exists() else []
    return [row for case in listed if case["kind"] == "flexible-launch" for row in case["rows"]]


@needs_shared
@pytest.mark.parametrize("row", rows())
async def test_recorded_launch_flexible(row: dict[str, Any]) -> None:
    system = MemorySystem()
    names = [f"part{index}" for index in range(len(row["states"]))]
    system.processes.names |= {n for n, runs in zip(names, row["states"], strict=True) if runs}
    block = launch_block(
        row["want"],
        getState=[find(name) for name in names],
        setTrue={"type": "gpii.launch.spawn", "command": "on"},
        setFalse={"type": "gpii.launch.spawn", "command": "off"},
    )
    (change,) = await FlexibleLaunchHandler(system).write(block)
    assert [command[0] for command in system.processes.commands] == row["actions"]
    reply = row["reply"]["running"]
    assert (change.old, change.new) == (reply["oldValue"], reply["newValue"])


async def test_what_key_in_opened_is_closed_and_the_persons_own_browser_is_not() -> None:
    system = MemorySystem()
    system.processes.names.add("browser")
    handler = FlexibleLaunchHandler(system)
    options: dict[str, Any] = {"getState": [NEVER], "setTrue": OPEN, "setFalse": CLOSE}
    assert await handler.read(launch_block(ABSENT, **options)) == {"running": False}
    await handler.write(launch_block(running=True, **options))
    assert await handler.read(launch_block(ABSENT, **options)) == {"running": True}
    await handler.write(launch_block(running=True, **options))
    await handler.write(launch_block(running=False, **options))
    assert await handler.read(launch_block(ABSENT, **options)) == {"running": False}
    assert system.processes.commands == [("browser", "http://example.net/page")]
    assert "browser" in system.processes.names


async def test_without_a_question_nothing_runs() -> None:
    handler = FlexibleLaunchHandler(MemorySystem())
    assert await handler.read(launch_block(ABSENT)) == {"running": False}


@pytest.mark.parametrize(
    "command",
    [
        "browser; rm file",
        "browser;rm file",
        "browser && other",
        "browser & other",
        "browser | other",
        "browser > file",
        "browser $(other)",
        "browser `other`",
        "browser $HOME",
        "browser\nother",
        "browser 'open",
        "",
    ],
)
async def test_a_command_that_needs_a_shell_is_refused(command: str) -> None:
    system = MemorySystem()
    start = {"type": "gpii.launch.exec", "command": command}
    with pytest.raises(HandlerFailed):
        await FlexibleLaunchHandler(system).write(
            launch_block(running=True, getState=NEVER, setTrue=start)
        )
    assert system.processes.commands == []


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("a 'b c' \"d;e\" f\\ g", ("a", "b c", "d;e", "f g")),
        ("a http://x/?y=http%3A%2F%2Fz#w", ("a", "http://x/?y=http%3A%2F%2Fz#w")),
        ("a ~ *", ("a", "~", "*")),
    ],
)
async def test_a_command_line_is_split_and_nothing_more(
    command: str, words: tuple[str, ...]
) -> None:
    system = MemorySystem()
    start = {"type": "gpii.launch.exec", "command": command}
    await FlexibleLaunchHandler(system).write(
        launch_block(running=True, getState=NEVER, setTrue=start)
    )
    assert system.processes.commands == [words]


@pytest.mark.parametrize(
    "options",
    [
        {"getState": [{"type": "gpii.windows.closeProcessByName"}]},
        {"getState": "text"},
        {"getState": [find("x") | {"command": 5}]},
        {"getState": NEVER, "setTrue": {"type": "gpii.launch.admin", "command": "x"}},
        {"getState": NEVER, "setTrue": {"type": "gpii.launch.spawn", "command": "x", "args": "y"}},
    ],
)
async def test_what_no_registry_should_say_is_named(options: dict[str, Any]) -> None:
    with pytest.raises(HandlerFailed, match=r"a\.program") as failed:
        await FlexibleLaunchHandler(MemorySystem()).write(launch_block(running=True, **options))
    assert failed.value.next_step


async def test_a_switch_is_a_key_and_unset_stays_unset() -> None:
    gsettings = MemoryGSettings({SCHEMA: {"screen-keyboard-enabled": Key(kind="b")}})
    handler = GSettingsLaunchHandler(MemorySystem(gsettings=gsettings))
    before = await handler.read(switch_block(SCHEMA, "screen-keyboard-enabled", running=ABSENT))
    assert before == {"running": ABSENT}
    (change,) = await handler.write(switch_block(SCHEMA, "screen-keyboard-enabled", running=True))
    assert (change.setting, change.old, change.new) == ("running", ABSENT, True)
    assert gsettings.values == {(SCHEMA, "screen-keyboard-enabled"): True}
    await handler.write(switch_block(SCHEMA, "screen-keyboard-enabled", running=before["running"]))
    assert gsettings.values == {}


@pytest.mark.parametrize(
    ("schema", "key"), [("no.such.schema", "a"), (SCHEMA, "no-such-key"), (SCHEMA, "text")]
)
async def test_a_switch_that_is_not_there_is_not_taken(schema: str, key: str) -> None:
    gsettings = MemoryGSettings({SCHEMA: {"text": Key(kind="s")}})
    handler = GSettingsLaunchHandler(MemorySystem(gsettings=gsettings))
    assert await handler.read(switch_block(schema, key, running=ABSENT)) == {"running": ABSENT}
    assert await handler.write(switch_block(schema, key, running=True)) == []
    assert gsettings.values == {}


async def test_a_step_of_its_own_may_start_and_ask() -> None:
    system = MemorySystem()
    actions = free_actions(system)
    launch, ask = actions.find("gpii.launch.exec"), actions.find("gpii.processReporter.find")
    assert launch is not None
    assert ask is not None
    assert actions.find("gpii.windows.spi.updateCursors") is None
    assert await ask.invoke(find("theme")) is False
    assert await launch.invoke({"type": "gpii.launch.exec", "command": "theme dark"}) is ABSENT
    assert await ask.invoke(find("theme")) is True


@pytest.fixture
def processes() -> Iterator[HostProcesses]:
    host = HostProcesses()
    yield host
    host.stop("mine")


def sleeper(folder: Path) -> list[str]:
    """Return a program that starts another one and leaves it behind."""
    script = folder / "sleeper.py"
    script.write_text(
        "import subprocess, sys, pathlib\n"
        "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        f"pathlib.Path({str(folder / 'up')!r}).touch()\n"
    )
    return [sys.executable, str(script)]


def test_real_processes_are_found_again_by_another_manager_and_ended(
    tmp_path: Path, processes: HostProcesses
) -> None:
    assert not processes.started("mine")
    processes.start(sleeper(tmp_path), mark="mine")
    deadline = time.monotonic() + 20
    while not (tmp_path / "up").exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    later = HostProcesses()
    assert later.started("mine")
    assert not later.started("somebody else")
    later.stop("mine")
    assert not later.started("mine")
    assert not processes.started("mine")


def test_a_real_process_is_known_by_its_name(tmp_path: Path, processes: HostProcesses) -> None:
    program = tmp_path / "a-program-with-a-long-name"
    program.symlink_to("/bin/sleep")
    assert not processes.running(program.name)
    processes.start([str(program), "60"], mark="mine")
    deadline = time.monotonic() + 20
    while not processes.running(program.name):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert not processes.running("a-program")
    assert processes.running(program.name, apart_from={"yours"})
    assert not processes.running(program.name, apart_from={"yours", "mine"})
    processes.stop("mine")
    assert not processes.running(program.name)


def test_a_program_that_is_not_there_is_named() -> None:
    with pytest.raises(HandlerFailed, match="no-such-program"):
        HostProcesses().start(["no-such-program"], mark="mine")


def test_our_own_environment_is_no_mark() -> None:
    assert MARK not in os.environ


def test_programs_answer_or_are_not_there() -> None:
    programs = HostPrograms()
    assert programs.find("sh")
    assert not programs.find("no-such-program")
    assert programs.ask([sys.executable, "-c", "print('yes')"]) == "yes\n"
    assert programs.ask([sys.executable, "-c", "raise SystemExit(1)"]) is None
    assert programs.ask(["no-such-program"]) is None
