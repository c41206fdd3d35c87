"""The newest checkpoints of the audit log, kept beside the secrets: outside the store.

Who cuts the end off the log, and the checkpoints with it, finds nothing here to change. Restoring
an old store shows the same way; `keyin cloud restored` then puts the file aside.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final

from keyin.domain.errors import ConfigurationError
from keyin.stores import private_files

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

NAME: Final = "audit-anchor"
ASIDE: Final = ".before-restore-"
_LARGEST: Final = 1_000_000


class Anchor:
    """One file, a signature a line."""

    def __init__(self, secrets: Path) -> None:
        self._path = secrets / NAME

    def read(self) -> list[str]:
        """Return what was written last; nothing where there is no file. ConfigurationError."""
        try:
            with self._path.open("rb") as file:
                return file.read(_LARGEST).decode("ascii", "replace").split()
        except FileNotFoundError:
            return []
        except OSError as error:
            raise ConfigurationError(
                "%(path)s cannot be read: %(reason)s",
                next_step="Give it to the account that runs the cloud.",
                path=self._path,
                reason=error.strerror or type(error).__name__,
            ) from error

    def write(self, signatures: Iterable[str]) -> None:
        """Replace everything. Raises OSError: a directory handed over by systemd is read-only."""
        private_files.replace(self._path, "".join(f"{one}\n" for one in signatures).encode())

    def put_aside(self, number: int) -> None:
        """Keep what was written last under another name, for whoever looks into it. OSError."""
        with suppress(FileNotFoundError):
            self._path.rename(self._path.with_name(f"{NAME}{ASIDE}{number}"))
