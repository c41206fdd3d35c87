"""The short form of what benchmarks/ says of a large store: what is asked there, and how."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.cloud_documents import everything
from tests.cloud_process import import_documents, serving
from tests.postgres import needs_postgres
from tests.shared_data import REPOSITORY

if TYPE_CHECKING:
    from pathlib import Path

KEYS, TOKENS = 10_000, 30_000


def _benchmark(name: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    script = REPOSITORY / "benchmarks" / name
    return subprocess.run(
        [sys.executable, str(script), *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY / "src")},
    )


def test_a_large_store_is_asked_by_the_same_plans_and_reads_only_what_is_deeper() -> None:
    done = _benchmark("plans.py", "--keys", KEYS, "--tokens", TOKENS)
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout)
    assert len(told) > 10
    tables = ("FROM tokens", "FROM keys", "FROM credentials")
    assert all(any(table in one["statement"] for one in told) for table in tables)
    assert not [one for one in told if any("SCAN t" in step or "SCAN k" in step
                                           for step in one["plan"])]  # fmt: skip


@needs_postgres
def test_a_large_database_is_asked_by_the_same_plans_and_reads_only_what_is_deeper() -> None:
    done = _benchmark("plans_postgres.py", "--keys", KEYS, "--tokens", TOKENS)
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout)
    assert len(told) >= 8
    scans = {step for one in told for step in one["plan"] if step.startswith("Seq Scan")}
    assert scans == {"Seq Scan grants_changed"}, "it has one row, however large the others are"


@pytest.mark.parametrize("tokens", [0, TOKENS])
def test_a_store_that_was_filled_serves_as_before(tmp_path: Path, tokens: int) -> None:
    data = tmp_path / "data"
    import_documents(data, everything())
    done = _benchmark("fill.py", "--data", data, "--keys", KEYS, "--tokens", tokens)
    assert done.returncode == 0, done.stderr
    connection = sqlite3.connect(data / "keyin.sqlite3")
    count = [connection.execute(f"SELECT count(*) FROM {t}").fetchone()[0]  # noqa: S608 - ours
             for t in ("tokens", "keys", "safes")]  # fmt: skip
    (fault,) = connection.execute("PRAGMA integrity_check").fetchone()
    connection.close()
    assert (count[0], count[1] > KEYS, count[2] > KEYS, fault) == (tokens, True, True, "ok")
    with serving(data) as cloud:
        assert cloud.token("alice", ("free", "wrong")).status == 401
        assert cloud.request("GET", "/ready").status == 200
