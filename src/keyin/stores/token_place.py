"""Where a token's row lies: its digest says so, so that looking it up needs no index.

A token's digest begins with the moment in which it was made (`domain.token_form`). The moment and
31 bits of the digest are the row's number: new tokens go to the end of one table, a group of
grants changes one page of it, and the oldest lie in front. Every 50 days the numbers begin anew,
where the tokens of the last time are long gone.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from keyin.domain.environment import Millis

_DIGITS: Final = 16
_BEHIND_THE_MOMENT: Final = 31
"""Bits; the moment has 32, and SQLite's numbers of rows 63."""
_WRAP: Final = 1 << 32
LONGEST_LIFE_MS: Final = 3_600_000
"""No grant of ours lives longer, and what is imported is cut to it."""
_AHEAD_MS: Final = 60_000


def token_place(digest: str) -> int:
    """Return the number of the row; a digest of another form lies in front of all."""
    try:
        return int(digest.rpartition(":")[2][:_DIGITS].ljust(_DIGITS, "-"), 16) >> 1
    except ValueError:
        return int.from_bytes(sha256(digest.encode()).digest()[:4], "big") >> 1


def living(now: Millis) -> tuple[int, int]:
    """Return the numbers between which all living tokens of ours lie; outside, only old ones.

    For an hour every 50 days the first is the greater one: then they may lie anywhere.
    """
    first, last = (
        (moment % _WRAP) << _BEHIND_THE_MOMENT
        for moment in (now - LONGEST_LIFE_MS, now + _AHEAD_MS)
    )
    return first, last
