"""Small files that somebody has put on this computer for the access requester to send.

No link is followed, and what other accounts could have changed is not read. What is in one, the
callers look at.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from keyin.domain.errors import msgid
from keyin.stores.private_files import open_no_link
from keyin.wire.requester_trouble import trouble

if TYPE_CHECKING:
    from keyin.wire.requester_trouble import Trouble


def read_placed(name: str, largest: int, wrong: Trouble) -> tuple[bytes, bool]:
    """Return what stands in it, and whether every account can read it. Raises Refused (`wrong`)."""
    try:
        with open_no_link(Path(name)) as file:
            status = os.fstat(file.fileno())
            if _others_change(status):
                raise trouble(wrong, reason=msgid("other accounts can change it"))
            return file.read(largest + 1), bool(status.st_mode & stat.S_IROTH)
    except OSError:
        raise trouble(wrong, reason=msgid("it cannot be read")) from None


def _others_change(status: os.stat_result) -> bool:
    owner = status.st_uid in {0, os.geteuid()}
    return not owner or bool(status.st_mode & (stat.S_IWGRP | stat.S_IWOTH))
