"""Keys that stand for nobody: words of the original's flow manager (S35), and ids of ours (P4).

They are refused wherever a key comes in from outside, in the words for an unknown key.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from keyin.domain.enrolment import ENROLMENT_CLIENT

if TYPE_CHECKING:
    from keyin.domain.secret import GpiiKey

RESERVED: Final = frozenset({"noUser", "reset", "restore", "readSetting", ENROLMENT_CLIENT})

_ID_OF_OURS: Final = re.compile(r"(?:gai|app|ac)_[A-Za-z0-9_-]{22}", re.ASCII)
"""What clients, applications and accounts go by: no key may be taken for one (RFC 9700 §4.15)."""


def reserved(key: GpiiKey) -> bool:
    """Tell whether the key is one of the words, or looks like an id of ours."""
    text = key.reveal()
    return text in RESERVED or _ID_OF_OURS.fullmatch(text) is not None
