"""Invariant 5: killed between any two writes, the next start puts everything back first."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.killed.scenario import EXISTING, OLD_TIME
from tests.shared_data import REPOSITORY
from tests.started import started
from tests.three_processes import KEY, serve, three_processes

if TYPE_CHECKING:
    from pathlib import Path

BEFORE: dict[str, Any] = {
    "files": {"existing.json": [EXISTING.hex(), "0o100640", os.geteuid(), os.getegid(), OLD_TIME]},
    "stores": {"launch.store": {"running": False}, "values.store": {"speed": 1}},
    "journals": [],
}


def _runs(folder: Path, *options: str) -> list[dict[str, Any]]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.killed.scenario", str(folder / "computer"), *options],
        check=False,
        capture_output=True,
        text=True,
        cwd=REPOSITORY,
        timeout=1800,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_killed_at_any_write_everything_is_put_back_at_the_next_start(tmp_path: Path) -> None:
    runs = _runs(tmp_path)
    assert len(runs) > 60
    assert [run["killed"] for run in runs] == [True] * (len(runs) - 1) + [False]
    for run in runs:
        assert run["found"] == BEFORE, run


@pytest.mark.campaign
@pytest.mark.timeout(1800)
def test_killed_again_while_putting_back(tmp_path: Path) -> None:
    runs = _runs(tmp_path, "twice")
    assert sum(run["then"] > 0 for run in runs) > 500
    for run in runs:
        assert run["found"] == BEFORE, run


def test_the_real_process_puts_back_before_its_socket_answers(tmp_path: Path) -> None:
    with three_processes(tmp_path) as computer:
        computer.settings.write_bytes(EXISTING)
        computer.settings.chmod(0o640)
        os.utime(computer.settings, ns=(OLD_TIME, OLD_TIME))
        assert computer.keyin("login", "-", key=KEY).returncode == 0
        assert json.loads(computer.settings.read_text())["size"] == 24
        computer.flow_manager.kill()
        arguments = serve(tmp_path, computer.cloud.url, tmp_path / "requester" / "socket")
        with started(*arguments, environment=computer.environment):
            # It says where it listens only now: by then everything is back.
            status = computer.settings.stat()
            assert computer.settings.read_bytes() == EXISTING
            assert (status.st_mode & 0o7777, status.st_mtime_ns) == (0o640, OLD_TIME)
            found = json.loads(computer.keyin("status", "--json").stdout)
            assert (found["keyed_in"], found["not_restored"]) == (False, 0)


def test_a_second_process_of_the_account_touches_nothing(tmp_path: Path) -> None:
    with three_processes(tmp_path) as computer:
        computer.settings.write_bytes(EXISTING)
        assert computer.keyin("login", "-", key=KEY).returncode == 0
        arguments = serve(tmp_path, computer.cloud.url, tmp_path / "requester" / "socket")
        second = computer.keyin(*map(str, arguments))
        assert second.returncode == 3
        assert "another flow manager" in second.stderr
        assert json.loads(computer.settings.read_text())["size"] == 24


def test_end_of_the_process_keys_out(tmp_path: Path) -> None:
    with three_processes(tmp_path) as computer:
        computer.settings.write_bytes(EXISTING)
        assert computer.keyin("login", "-", key=KEY).returncode == 0
        assert computer.flow_manager.end() == 0
        assert computer.settings.read_bytes() == EXISTING
