"""What a process with a secret asks of the kernel (P69): no dump, no debugger, no swap.

Every step is asked for and none insisted on: a container may forbid some of them. Linux only;
elsewhere only the umask and the size of core files are set.
"""

from __future__ import annotations

import ctypes
import os
import resource
import sys
from typing import Final

_PR_SET_DUMPABLE: Final = 4
_MCL_CURRENT, _MCL_FUTURE, _MCL_ONFAULT = 1, 2, 4


def harden() -> list[str]:
    """Do all of it; return the names of the steps that this system refused."""
    os.umask(0o077)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform != "linux":
        return ["not_dumpable", "memory_lock"]
    libc = ctypes.CDLL(None, use_errno=True)
    refused = []
    # without it, any process of the same account could read our memory (ptrace)
    if libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0) != 0:
        refused.append("not_dumpable")
    if not _lock_memory(libc):
        refused.append("memory_lock")
    return refused


def _lock_memory(libc: ctypes.CDLL) -> bool:
    """Keep what is in memory out of the swap, where no limit would make later growth fail."""
    soft, _ = resource.getrlimit(resource.RLIMIT_MEMLOCK)
    if soft != resource.RLIM_INFINITY and os.geteuid() != 0:
        return False
    return bool(libc.mlockall(_MCL_CURRENT | _MCL_FUTURE | _MCL_ONFAULT) == 0)
