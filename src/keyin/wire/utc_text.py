"""Moments as text: RFC 3339 in UTC, to the second, as people and files have them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from keyin.domain.environment import Millis

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND: Final = timedelta(seconds=1)


def text_of(moment: Millis) -> str:
    """Write a moment; what is less than a second is left out."""
    written = (_EPOCH + timedelta(seconds=moment // 1000)).isoformat(timespec="seconds")
    return written.replace("+00:00", "Z")


def millis_of(text: str) -> Millis:
    """Read a moment. Raises ValueError where it is none, or not in UTC."""
    if not text.endswith("Z"):
        raise ValueError("the moment is not in UTC")
    return Millis((datetime.fromisoformat(text) - _EPOCH) // _SECOND * 1000)
