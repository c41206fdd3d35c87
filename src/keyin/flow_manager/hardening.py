"""What the flow manager asks of the kernel: no look into its memory, no core left (P69).

Keys and tokens pass through. Limits and the umask stay as they are: programs that a person's
settings start inherit them. Linux only.
"""

from __future__ import annotations

import ctypes
import sys
from typing import Final

_PR_SET_DUMPABLE: Final = 4


def harden() -> bool:
    """Make this process not dumpable; a program that it starts is as usual. False: refused."""
    if sys.platform != "linux":
        return False
    return bool(ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0) == 0)
