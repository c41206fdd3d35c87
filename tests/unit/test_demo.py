"""The demonstration says yes only when it was so."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from keyin.cli.demo import JUDGE
from tests.started import run

if TYPE_CHECKING:
    from pathlib import Path


def test_demo_is_true_from_end_to_end() -> None:
    done = run("demo", "--json")
    assert done.returncode == 0, done.stderr
    facts: dict[str, Any] = json.loads(done.stdout)
    assert facts["all_true"] is True
    assert set(facts["checks"]) == {"applied", "restored", "silent", "ended"}
    assert facts["settings"]["before"] == facts["settings"]["after"]
    assert facts["seconds"] < 15


def judge(verb: str, folder: Path, snapshot: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-I", JUDGE, verb, folder],
        check=False,
        capture_output=True,
        text=True,
        input=snapshot,
    )


@pytest.mark.parametrize("change", ["bytes", "mode", "time", "gone", "new", "none"])
def test_the_judge_sees_every_kind_of_change(tmp_path: Path, change: str) -> None:
    file = tmp_path / "settings.json"
    file.write_text("before")
    snapshot = judge("take", tmp_path).stdout
    stat = file.stat()
    match change:
        case "bytes":
            file.write_text("differs")
            os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))
        case "mode":
            file.chmod(0o600 if stat.st_mode & 0o077 else 0o644)
        case "time":
            os.utime(file, ns=(0, 0))
        case "gone":
            file.unlink()
        case "new":
            (tmp_path / "left-behind").touch()
        case _:
            pass
    done = judge("compare", tmp_path, snapshot)
    assert done.returncode == (0 if change == "none" else 1)
