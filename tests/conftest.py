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
MEASURED = (HERE / "unit", HERE / "conformance")
"""The tests that carry our code out in their own process, each piece of it once."""

# Some thousand processes are started: measuring what runs in them costs each half as much again, so
# the short form measures what tests run in their own process. scripts/test --campaign measures all.
if "PYTEST_XDIST_WORKER" in os.environ and not ALL:
    os.environ.pop("COVERAGE_PROCESS_CONFIG", None)


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
