"""Keys that stand for nobody: words of the original's flow manager, never a person's (S35).

They are refused wherever a key comes in from outside, in the words for an unknown key.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from keyin.domain.secret import GpiiKey

RESERVED: Final = frozenset({"noUser", "reset", "restore", "readSetting"})


def reserved(key: GpiiKey) -> bool:
    """Tell whether the key is one of the words."""
    return key.reveal() in RESERVED
