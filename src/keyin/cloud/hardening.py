"""What the cloud asks of the kernel: no look into its memory, no core left (P69), many connections.

Peppers and data keys are there all the time, people's preferences while they are asked for.
Linux only; elsewhere only the size of core files is set.
"""

from __future__ import annotations

import ctypes
import resource
import sys
from typing import Final

_PR_SET_DUMPABLE: Final = 4


def harden() -> bool:
    """Make this process not dumpable, and its core files empty. False: the system refused."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform != "linux":
        return False
    # a limit of 0 does not hold where cores are piped to a program (core(5)); this does
    return bool(ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0) == 0)


def take_all_files() -> None:
    """Raise the number of open files, and so of connections, to what the system grants.

    The usual 1024 are held by one stranger with as many silent connections.
    """
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
