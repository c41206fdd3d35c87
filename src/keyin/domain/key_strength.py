"""How hard a GPII key is to guess, judged by its form alone (P44).

Only forms that a generator makes count as strong: 128 random bits as hex digits or base64url. A
UUID v4 has 122 and does not (ASVS 11.5.1); a name, however long, does not either. Base64url without
a digit is taken for a name: of 43 random characters, one text in 1,400.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from keyin.domain.secret import GpiiKey

_HEX: Final = re.compile(r"(?=.*[0-9])(?=.*[A-Fa-f])([0-9a-f]{32,}|[0-9A-F]{32,})")
_UUID_4: Final = re.compile(r".{12}4.{3}[89ab].{15}", re.IGNORECASE)
_BASE64URL: Final = re.compile(r"(?=.*[0-9])(?=.*[a-z])(?=.*[A-Z])[0-9A-Za-z_-]{22,}")
_MOST_REPEATED: Final = 0.25
"""A share of one character that random text of this length does not reach."""


def low_entropy(key: GpiiKey) -> bool:
    """Say whether the key may have fewer than 128 bits."""
    text = key.reveal()
    if max(map(text.count, set(text)), default=0) > len(text) * _MOST_REPEATED:
        return True
    if _HEX.fullmatch(text):
        return bool(_UUID_4.fullmatch(text))
    return not _BASE64URL.fullmatch(text)
