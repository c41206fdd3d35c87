"""What every store in SQL forgets when a backup was put back, and how it remembers that it was."""

from __future__ import annotations

from typing import Final

MARK: Final = "restoring_from"
"""A row of `meta`: how far the chains of the backup came, while a restore is under way."""
HALF_WAY: Final = ("sessions", "pushed_requests", "questions", "codes", "device_requests")
"""Tables of what waits for an answer: it may have been answered, or ended, since the backup."""
