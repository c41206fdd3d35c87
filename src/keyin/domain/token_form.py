"""What an access token looks like: 256 random bits behind the moment in which it was made.

The moment is no secret. It stands in front so that a store puts a new token beside the last one: a
group of grants then changes a few pages of the store's index instead of one page each, and the
index stays quick however many tokens there are. It is the time in milliseconds without its upper
bits, for it only has to bring together what is made together; every 50 days it begins anew. To a
client the token is opaque (RFC 6749 §1.4).
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64encode
from binascii import a2b_base64
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from keyin.domain.environment import Millis

RANDOM_BYTES: Final = 32  # 256 bits (ASVS 11.5.1)
_MOMENT_BYTES: Final = 4
_OURS: Final = re.compile("[0-9A-Za-z_-]{48}")  # 36 bytes as base64url, which needs no padding
_MOMENT_CHARACTERS: Final = 8  # enough to hold the first four bytes
NO_MARK: Final = "0" * 8


def new_token(random: bytes, now: Millis) -> str:
    """Return the text of a token. `random` is 32 unpredictable bytes."""
    moment = now & 0xFFFFFFFF
    return urlsafe_b64encode(moment.to_bytes(_MOMENT_BYTES, "big") + random).decode()


def time_mark(token: str) -> str:
    """Return the moment as eight hex digits; of a text that is no token of ours, eight zeros.

    Tokens of the original are random from their first character on: nothing of them is shown.
    """
    if not _OURS.fullmatch(token):
        return NO_MARK
    plain = token[:_MOMENT_CHARACTERS].replace("-", "+").replace("_", "/")
    return a2b_base64(plain)[:_MOMENT_BYTES].hex()
