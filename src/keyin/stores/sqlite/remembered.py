"""What was looked up and may be asked for again: bounded, and forgotten at a write that touches it.

Only one process writes to a store, so it knows when what it remembers is no longer so.
"""

from __future__ import annotations

from typing import Final, TypeVar

REMEMBERED: Final = 4096

Name = TypeVar("Name")
Result = TypeVar("Result")


class Remembered(dict[Name, Result]):
    """What was looked up, bounded."""

    def put(self, name: Name, found: Result) -> None:
        """Remember; at the bound, begin anew."""
        if len(self) >= REMEMBERED:
            self.clear()
        self[name] = found
