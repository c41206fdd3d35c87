"""The secret that a preferences server and who asks it share: 256 bits, in a file of mode 0600.

One line of 43 characters, base64url. A second line is accepted too, and never sent: so a secret
can be changed on one side first.
"""

from __future__ import annotations

import os
import re
import stat
from typing import TYPE_CHECKING, Final

from keyin.domain.errors import ConfigurationError
from keyin.domain.secret import Secret
from keyin.stores import private_files
from keyin.wire.jose import wrapped

if TYPE_CHECKING:
    from pathlib import Path

    from keyin.domain.environment import Entropy

BYTES: Final = 32
MOST: Final = 2
_LINE: Final = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
_LONGEST: Final = 256


def read_secrets(path: Path) -> tuple[Secret, ...]:
    """Return the secret to send first, then what else is accepted. Raises ConfigurationError."""
    try:
        with private_files.open_no_link(path) as file:
            _check(path, os.fstat(file.fileno()))
            lines = file.read(_LONGEST).decode("ascii", "replace").split()
    except OSError as error:
        raise _unusable(path, error) from error
    if not 1 <= len(lines) <= MOST or not all(map(_LINE.fullmatch, lines)):
        raise ConfigurationError(
            "%(path)s does not hold a secret of 256 bits",
            next_step="Make one: keyin cloud preferences-secret FILE",
            path=path,
        )
    return tuple(map(Secret, lines))


def make_secret(path: Path, entropy: Entropy) -> None:
    """Write a new secret into a file that is not there yet. Raises ConfigurationError."""
    text = wrapped(entropy.token_bytes(BYTES)).encode()
    try:
        private_files.create(path, text + b"\n")
    except OSError as error:
        raise _unusable(path, error) from error


def _check(path: Path, found: os.stat_result) -> None:
    mode = stat.S_IMODE(found.st_mode)
    if not stat.S_ISREG(found.st_mode) or found.st_uid != os.geteuid() or mode & 0o077:
        raise ConfigurationError(
            "%(path)s must be a plain file that this account alone owns and reads "
            "(mode %(mode)s, uid %(uid)s)",
            next_step="Give it to the account that runs the cloud, and close it: chmod 600.",
            path=path,
            mode=f"{mode:04o}",
            uid=found.st_uid,
        )


def _unusable(path: Path, error: OSError) -> ConfigurationError:
    return ConfigurationError(
        "the secret file %(path)s cannot be used: %(reason)s",
        next_step="Check --preferences-secret-file and its folder.",
        path=path,
        reason=error.strerror or type(error).__name__,
    )
