"""What every store in SQL forgets when a backup was put back, and how it remembers that it was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

MARK: Final = "restoring_from"
"""A row of `meta`: how far the chains of the backup came, while a restore is under way."""
HALF_WAY: Final = (
    *("sessions", "pushed_requests", "questions", "codes", "device_requests"),
    "recovery_codes",
)
"""Tables of what waits for an answer or is used once: it may have been, or ended, since."""
_heads: Final = msgspec.json.Decoder(dict[str, int]).decode


def mark_text(heads: Mapping[str, int]) -> str:
    """Return the value of `MARK` for chains that came so far."""
    return msgspec.json.encode(dict(heads), order="deterministic").decode()


def read_mark(text: str) -> Mapping[str, int]:
    """Return how far the chains came of which the value of `MARK` tells."""
    return _heads(text)
