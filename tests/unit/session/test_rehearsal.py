"""A dry run says what a login then does, the key-out of whoever is in with it; and the count."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

from keyin.domain.absent import ABSENT
from keyin.domain.errors import HandlerFailed
from keyin.domain.keyin import Kind
from keyin.domain.secret import GpiiKey
from keyin.flow_manager.config import Config
from keyin.flow_manager.wiring import build
from keyin.handlers.host_files import HostFiles
from keyin.handlers.memory import Key, MemoryGSettings, MemoryProcesses, MemoryPrograms
from tests.fakes.flow_manager import CLOUD, Neighbours
from tests.fakes.session import MemoryJournal

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping
    from pathlib import Path

    from keyin.flow_manager.desk import Desk

T = TypeVar("T")

LENS, LOOK, READER, PAGE = "an.example.lens", "an.example.look", "an.example.reader", "a.page"
SCHEMA = "org.example.lens"
KEYS = {
    "factor": Key(kind="d", low=0.1, high=32.0),
    "place": Key(kind="s", choices=("left", "right")),
    "square": Key(kind="b"),
    "length": Key(kind="i"),
}


@dataclass
class Computer:
    """See `handlers.system.System`: files are real, the rest is in memory."""

    files: HostFiles = field(default_factory=HostFiles)
    programs: MemoryPrograms = field(default_factory=MemoryPrograms)
    processes: MemoryProcesses = field(default_factory=MemoryProcesses)
    gsettings: MemoryGSettings = field(default_factory=lambda: MemoryGSettings({SCHEMA: KEYS}))

    async def call(self, work: Callable[[], T]) -> T:
        return work()


@dataclass
class House:
    """A flow manager on such a computer, its cloud, and where everything lies."""

    desk: Desk
    computer: Computer
    neighbours: Neighbours
    journal: MemoryJournal
    file: Path

    def wants(self, **settings: Mapping[str, Any]) -> None:
        """Say what the cloud answers, by the last word of the solution's name."""
        ids = {name.rpartition(".")[2]: name for name in (LENS, LOOK, READER, PAGE)}
        applications = {
            ids[name]: {
                "active": True,
                "settings": {f"http://registry.gpii.net/applications/{ids[name]}": dict(values)},
            }
            for name, values in settings.items()
        }
        chosen = {"inferredConfiguration": {"gpii-default": {"applications": applications}}}
        entries = {name: registry(self.file)[name] for name in applications}
        self.neighbours.document = {"matchMakerOutput": chosen, "solutionsRegistryEntries": entries}

    async def foretold(self, key: str = "bob") -> dict[tuple[str, str], tuple[object, object]]:
        rows, _ = await self.desk.preview(GpiiKey(key), request_id="request-1")
        told: dict[tuple[str, str], tuple[object, object]] = {
            (row.solution, row.setting): (row.now, row.then) for row in rows
        }
        assert len(told) == len(rows)
        return told

    async def login(self, key: str = "bob") -> int:
        done = await self.desk.submit(Kind.LOGIN, GpiiKey(key), request_id="request-2")
        return sum(done.applied.settings.values())

    def world(self) -> dict[tuple[str, str], object]:
        """Return all that there is to be changed, under the solution that it is told under."""
        found: dict[tuple[str, str], object] = {
            (LENS, key): self.computer.gsettings.read(SCHEMA, key) for key in KEYS
        }
        document = json.loads(self.file.read_bytes()) if self.file.exists() else {}
        found |= {(READER, name): document.get(name, ABSENT) for name in ("size", "voice")}
        return found | {(PAGE, "running"): self.computer.processes.started(PAGE)}


def registry(file: Path) -> dict[str, Any]:
    on_linux = {"contexts": {"OS": [{"id": "linux"}]}}
    lens = {"type": "gpii.gsettings", "liveness": "live", "options": {"schema": SCHEMA}}
    reader = {
        "type": "gpii.settingsHandlers.JSONSettingsHandler",
        "liveness": "live",
        "options": {"filename": str(file)},
    }
    page = {
        "type": "gpii.launchHandlers.flexibleHandler",
        "options": {
            "getState": [{"type": "gpii.processReporter.find", "command": "page"}],
            "setTrue": [{"type": "gpii.launch.exec", "command": "page --show"}],
        },
    }
    return {
        LENS: {**on_linux, "settingsHandlers": {"all": lens}},
        LOOK: {**on_linux, "settingsHandlers": {"all": lens}},
        READER: {**on_linux, "settingsHandlers": {"all": reader}},
        PAGE: {**on_linux, "launchHandlers": {"page": page}},
    }


@asynccontextmanager
async def at_home(folder: Path) -> AsyncIterator[House]:
    computer, neighbours, journal = Computer(), Neighbours(), MemoryJournal()
    file = folder / "reader.json"
    (folder / "linux.json5").write_text(json.dumps(registry(file)))
    solutions = [str(folder / "linux.json5")]
    manager = build(
        Config(cloud=CLOUD, requester="-", solutions=solutions),
        clock=neighbours.clock,
        system=computer,
        journal=journal,
        tokens=neighbours,
        cloud=neighbours,
        device=neighbours,
    )
    await manager.begin()
    try:
        yield House(manager.desk, computer, neighbours, journal, file)
    finally:
        await manager.close()


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with at_home(tmp_path) as made:
        yield made


def changed(before: Mapping[Any, object], after: Mapping[Any, object]) -> dict[Any, object]:
    return {
        place: (before[place], after[place]) for place in before if before[place] != after[place]
    }


REFUSED = {"factor": 1000, "place": "nonsense", "square": "perhaps"}


async def test_a_value_that_the_desktop_refuses_is_not_told_as_if_it_were_made(
    house: House,
) -> None:
    house.wants(lens=REFUSED | {"length": 40.0, "unknown": 1})
    assert await house.foretold() == {(LENS, "length"): (ABSENT, 40)}


async def test_a_dry_run_tells_what_the_login_after_it_changes(house: House) -> None:
    """From nobody, then from one person to another, then to nobody; nothing is done meanwhile."""
    house.computer.gsettings.values[SCHEMA, "place"] = "left"
    house.file.write_text('{"size": 10, "other": 1}')
    steps: list[tuple[str, dict[str, dict[str, Any]]]] = [
        ("alice", {"lens": {"factor": 2, "place": "right"}, "reader": {"size": 20}, "page": {}}),
        ("bob", {"lens": REFUSED | {"length": 9}, "reader": {"voice": "low"}, "page": {}}),
        ("bob", {"reader": {"size": 20}}),
        ("alice", {"page": {}, "lens": {"factor": 3}}),
        ("noUser", {}),
    ]
    for key, wanted in steps:
        house.neighbours.clock.time += 2000
        house.wants(**wanted)
        before, file, appended = house.world(), house.file.stat().st_ino, house.journal.appended
        commands = list(house.computer.processes.commands)
        told = await house.foretold(key)
        assert house.world() == before
        assert house.file.stat().st_ino == file
        assert house.journal.appended == appended
        assert house.computer.processes.commands == commands
        await house.login(key)
        assert told == changed(before, house.world())
        assert told


async def test_what_two_solutions_write_ends_as_the_last_one_leaves_it(house: House) -> None:
    house.wants(lens={"length": 5}, look={"length": 6})
    assert await house.foretold() == {
        (LENS, "length"): (ABSENT, 6),
        (LOOK, "length"): (ABSENT, 6),
    }


async def test_what_the_person_changed_meanwhile_is_not_told_as_put_back(house: House) -> None:
    house.wants(lens={"length": 5, "factor": 2})
    await house.login("alice")
    house.computer.gsettings.values[SCHEMA, "length"] = 7
    assert await house.foretold("reset") == {(LENS, "factor"): (2.0, ABSENT)}


async def test_what_was_stuck_is_told_with_the_next_login(house: House) -> None:
    house.file.write_text('{"size": 10}')
    house.wants(reader={"size": 20})
    await house.login("alice")
    good = house.file.read_bytes()
    house.file.write_text("no JSON")
    with pytest.raises(HandlerFailed):
        await house.desk.submit(Kind.LOGOUT, None, request_id="request-3")
    house.file.write_bytes(good)
    house.wants(lens={"length": 5})
    told = await house.foretold()
    assert told == {(READER, "size"): (20, 10), (LENS, "length"): (ABSENT, 5)}
    await house.login()
    assert house.file.read_text() == '{"size": 10}'


async def test_a_dry_run_fails_where_the_login_would(house: House) -> None:
    house.file.write_text("no JSON")
    house.wants(reader={"size": 20})
    with pytest.raises(HandlerFailed):
        await house.foretold()
    with pytest.raises(HandlerFailed):
        await house.login()


async def test_only_settings_that_changed_are_counted(house: House) -> None:
    house.computer.gsettings.values[SCHEMA, "place"] = "left"
    house.wants(lens={"factor": 1000, "square": "perhaps", "place": "left", "length": 4})
    assert await house.login() == 1
    house.wants(lens=REFUSED)
    assert await house.login() == 0
