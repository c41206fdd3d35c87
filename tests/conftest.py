"""What holds for every test."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import coverage
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
ALL = "KEYIN_COVER_PROCESSES" in os.environ
NOT_INSTALLED = HERE / "data" / "not_installed"
MEASURED = (HERE / "unit", HERE / "conformance")
"""The tests that carry our code out in their own process, each piece of it once."""


def measure_no_started_process() -> None:
    """Take away what tells them to: measuring costs each of some thousand half as much again.

    So the short form measures what tests run in their own process; scripts/test --campaign all.
    """
    if "PYTEST_XDIST_WORKER" in os.environ and not ALL:
        os.environ.pop("COVERAGE_PROCESS_CONFIG", None)


measure_no_started_process()


def pytest_configure(config: pytest.Config) -> None:
    """Let started processes find what an installation has: structlog loads rich where it is."""
    if hasattr(config, "workerinput") or not config.getoption("numprocesses", default=None):
        before = os.environ.get("PYTHONPATH")
        os.environ["PYTHONPATH"] = os.pathsep.join(
            [str(NOT_INSTALLED), *([before] if before else [])]
        )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Measure nothing where, in the short form, only the same lines would be gone over again."""
    measuring = None if ALL else coverage.Coverage.current()
    if measuring is None or any(item.path.is_relative_to(folder) for folder in MEASURED):
        return (yield)
    measuring.stop()
    try:
        return (yield)
    finally:
        measuring.start()
        measure_no_started_process()  # to start is to tell them again
