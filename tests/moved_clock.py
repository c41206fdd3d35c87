"""A clock that a test sets, for processes that it has started: Debian's libfaketime.

The processes know nothing of it: production has no way to be told another time. What is moved is
the wall's time; how long something takes is as ever. Where the library is missing, tests fail.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

LIBRARY: Final = "faketime/libfaketimeMT.so.1"


@dataclass(frozen=True)
class MovedClock:
    """The file that says how far it is off."""

    file: Path

    def move(self, seconds: int) -> None:
        """Set it so much ahead of this machine's, while it runs."""
        draft = self.file.with_suffix(".new")
        draft.write_text(f"{seconds:+d}\n")
        draft.replace(self.file)

    def environment(self) -> dict[str, str]:
        """Return what a process is started with that goes by this clock."""
        found = sorted(Path("/usr/lib").glob(f"*/{LIBRARY}"))
        assert found, "these tests need libfaketime: scripts/test installs Debian's"
        return {
            **os.environ,
            "LD_PRELOAD": str(found[0]),
            "FAKETIME_TIMESTAMP_FILE": str(self.file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }


def moved_clock(folder: Path, seconds: int = 0) -> MovedClock:
    """Make one."""
    clock = MovedClock(folder / "clock")
    clock.move(seconds)
    return clock
