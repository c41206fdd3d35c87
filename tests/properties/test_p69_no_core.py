"""P69 for all three processes: when one of them crashes, nothing of its memory is left."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.household import household

if TYPE_CHECKING:
    from pathlib import Path

CORE = 0x80  # wait(2): the status says so where a core was made


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux's prctl")
@pytest.mark.parametrize("room", ["cloud", "access_requester", "flow_manager"])
def test_p69_every_process_makes_itself_not_dumpable(room: str) -> None:
    code = (
        f"import ctypes, keyin.{room}.hardening as h; h.harden();"
        "print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))"  # PR_GET_DUMPABLE
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == "0\n"


def test_p69_a_crash_leaves_no_core_even_where_cores_are_wanted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_CORE)
    if hard == 0:
        pytest.skip("this account may make no cores at all")
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
    monkeypatch.chdir(tmp_path)
    try:
        if not _crash(subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])):
            pytest.skip("this system makes no cores of any process")
        with household(tmp_path) as house:
            for process in house.processes.values():
                assert not _crash(process.process)
    finally:
        resource.setrlimit(resource.RLIMIT_CORE, (soft, hard))


def _crash(process: subprocess.Popen[Any]) -> bool:
    """Crash a child; return whether the kernel made a core of it."""
    os.kill(process.pid, signal.SIGABRT)
    _, status = os.waitpid(process.pid, 0)
    process.wait()
    return bool(status & CORE)
