"""What holds for every test."""

from __future__ import annotations

import os

# Some thousand processes are started: measuring what runs in them costs each half as much again, so
# the short form measures what tests run in their own process. scripts/test --campaign measures all.
if "PYTEST_XDIST_WORKER" in os.environ and "KEYIN_COVER_PROCESSES" not in os.environ:
    os.environ.pop("COVERAGE_PROCESS_CONFIG", None)
