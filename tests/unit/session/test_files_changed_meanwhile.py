"""Invariant 5 on real JSON files: bytes where nobody else wrote, values where somebody did."""

from __future__ import annotations

import json
import os
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from keyin.domain.lifecycle import with_steps
from keyin.handlers.host import RealSystem
from keyin.handlers.registry import by_type
from keyin.session.lifecycle import Lifecycle
from keyin.session.world import World
from keyin.stores.journal import JournalDirectory
from keyin.stores.kept_files import KeptFiles
from tests.fakes.session import FakeClock, FakeEntropy, RecordedActions

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

JSON_FILE = "gpii.settingsHandlers.JSONSettingsHandler"
OLD = b'{ "size":10 , "mine": "kept" }'


@asynccontextmanager
async def computer(folder: Path) -> AsyncIterator[Lifecycle]:
    system, journal = RealSystem(), JournalDirectory.open(folder / "journal")
    world = World(
        handlers=by_type(system),
        actions=RecordedActions([]),
        files=KeptFiles(),
        journal=journal,
        clock=FakeClock(),
        entropy=FakeEntropy(),
        resolve=lambda material: material,
    )
    try:
        yield Lifecycle(world)
    finally:
        system.close()
        journal.release()


def wanted(path: Path, settings: dict[str, Any]) -> dict[str, Any]:
    block = {"type": JSON_FILE, "options": {"filename": str(path)}, "settings": settings}
    return {
        name: with_steps({"active": True, "settingsHandlers": {"file": block}})
        for name in ("net.example.one",)
    }


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "settings.json"
    made.write_bytes(OLD)
    os.utime(made, ns=(5_000_000_000, 6_000_000_000))
    return made


async def test_an_untouched_file_comes_back_to_the_byte(path: Path, tmp_path: Path) -> None:
    async with computer(tmp_path) as lifecycle:
        await lifecycle.begin(wanted(path, {"size": 20, "new": True}))
        assert json.loads(path.read_bytes()) == {"size": 20, "mine": "kept", "new": True}
        assert (await lifecycle.end()).stuck == []
        assert path.read_bytes() == OLD
        assert path.stat().st_mtime_ns == 6_000_000_000


async def test_in_a_file_changed_meanwhile_only_our_values_are_undone(
    path: Path, tmp_path: Path
) -> None:
    async with computer(tmp_path) as lifecycle:
        await lifecycle.begin(wanted(path, {"size": 20, "new": True}))
        path.write_text('{"size": 20, "mine": "changed", "new": true, "theirs": 1}')
        await lifecycle.end()
        assert json.loads(path.read_bytes()) == {"size": 10, "mine": "changed", "theirs": 1}


async def test_a_value_that_the_person_changed_stays_theirs(path: Path, tmp_path: Path) -> None:
    async with computer(tmp_path) as lifecycle:
        await lifecycle.begin(wanted(path, {"size": 20, "new": True}))
        path.write_text('{"size": 15, "mine": "kept", "new": true}')
        await lifecycle.end()
        assert json.loads(path.read_bytes()) == {"size": 15, "mine": "kept"}


async def test_a_file_removed_meanwhile_stays_away(path: Path, tmp_path: Path) -> None:
    async with computer(tmp_path) as lifecycle:
        await lifecycle.begin(wanted(path, {"size": 20}))
        path.unlink()
        await lifecycle.end()
        assert not path.exists()


async def test_a_new_file_into_which_somebody_wrote_keeps_what_is_theirs(tmp_path: Path) -> None:
    path = tmp_path / "new.json"
    async with computer(tmp_path) as lifecycle:
        await lifecycle.begin(wanted(path, {"size": 20}))
        path.write_text('{"size": 20, "theirs": 1}')
        await lifecycle.end()
        assert json.loads(path.read_bytes()) == {"theirs": 1}


async def test_a_change_between_two_of_our_writes_is_not_lost(path: Path, tmp_path: Path) -> None:
    async with computer(tmp_path) as lifecycle:
        first = wanted(path, {"size": 20})["net.example.one"]
        second = wanted(path, {"new": 1})["net.example.one"]

        class Meddling(dict[str, Any]):
            """Somebody writes the file after the first solution and before the second."""

            def items(self) -> Any:
                yield "net.example.one", first
                path.write_text('{"size": 20, "mine": "changed"}')
                yield "net.example.two", second

        await lifecycle.begin(Meddling())
        await lifecycle.end()
        assert json.loads(path.read_bytes()) == {"size": 10, "mine": "changed"}


async def test_three_solutions_that_write_one_setting(tmp_path: Path, path: Path) -> None:
    async with computer(tmp_path) as lifecycle:
        made = wanted(path, {"size": 20})
        made["net.example.two"] = wanted(path, {"size": 30})["net.example.one"]
        made["net.example.three"] = wanted(path, {"size": 40})["net.example.one"]
        await lifecycle.begin(made)
        path.write_bytes(path.read_bytes() + b"\n")  # by value then
        await lifecycle.end()
        assert json.loads(path.read_bytes())["size"] == 10
