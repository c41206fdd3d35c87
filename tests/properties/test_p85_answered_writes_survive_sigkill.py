"""P85 for the store: what was answered is there after kill -9, and the store opens at once."""

from __future__ import annotations

import random
import sqlite3
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from keyin.stores.sqlite import open_store
from tests.shared_data import REPOSITORY

if TYPE_CHECKING:
    from pathlib import Path

_LINES_FIRST = 20


def _write_until_killed(store: Path, prefix: str, after_s: float) -> list[str]:
    """Start a writer, let it answer some, kill it; return every token that it answered."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.unit.stores.writing_process", store, prefix],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(_LINES_FIRST)]
        time.sleep(after_s)
        process.kill()
        lines += process.stdout.readlines()
    return [line.decode().strip() for line in lines if line.endswith(b"\n")]


def _kill_often(folder: Path, kills: int) -> None:
    chance = random.Random(85)  # noqa: S311 - when to kill, not a secret
    store = folder / "store.sqlite3"
    open_store(store).close()
    answered: list[str] = []
    for number in range(kills):
        answered += _write_until_killed(store, f"p:{number}", chance.uniform(0, 0.05))
    open_store(store).close()
    connection = sqlite3.connect(store)
    stored = {row[0] for row in connection.execute("SELECT digest FROM tokens")}
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()
    assert len(answered) >= kills * _LINES_FIRST
    assert set(answered) <= stored


def test_p85_answered_writes_survive_sigkill(tmp_path: Path) -> None:
    _kill_often(tmp_path, 10)


@pytest.mark.campaign
@pytest.mark.timeout(600)
def test_p85_answered_writes_survive_sigkill_often(tmp_path: Path) -> None:
    _kill_often(tmp_path, 150)
