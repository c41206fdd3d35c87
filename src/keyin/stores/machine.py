"""What this computer says of itself: its machine id, which start it is, what it is called."""

from __future__ import annotations

import re
import socket
from hashlib import sha256
from typing import TYPE_CHECKING, Final

import msgspec

from keyin.domain.errors import ConfigurationError
from keyin.domain.installation import installation_id

if TYPE_CHECKING:
    from pathlib import Path

_MACHINE_ID: Final = re.compile(r"[0-9a-fA-F-]{16,64}")
_UNNAMED: Final = "computer"
_LONGEST_NAME: Final = 80


class Machine(msgspec.Struct, frozen=True):
    """Reads anew at each question: an image gets its own id at its first start."""

    machine_id: Path
    boot_id: Path

    def installation_id(self) -> str:
        """Return the id by which copies are told apart. Raises ConfigurationError."""
        text = _first_line(self.machine_id)
        if not _MACHINE_ID.fullmatch(text) or not text.strip("0-"):
            raise ConfigurationError(
                "this computer has no machine id in %(path)s",
                next_step="make one: systemd-machine-id-setup",
                path=str(self.machine_id),
            )
        return installation_id(text)

    def boot(self) -> str:
        """Return a word that is another one after each start of the computer."""
        return sha256(b"keyin boot " + _first_line(self.boot_id).encode()).hexdigest()

    def name(self) -> str:
        """Return what this computer is called, as it may be shown."""
        kept = "".join(char for char in socket.gethostname() if char.isprintable()).strip()
        return kept[:_LONGEST_NAME] or _UNNAMED


def _first_line(path: Path) -> str:
    try:
        return path.read_text("ascii", "replace").partition("\n")[0].strip()
    except OSError:
        return ""
