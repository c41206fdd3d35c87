"""One installation's credential: JSON `{client_id, client_secret}` in a file of mode 0600 (P61).

There is no other source and no fallback (O13): without a usable file there is no credential.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, Annotated, Final

import msgspec

from keyin.domain.errors import ConfigurationError
from keyin.domain.installation import InstallationCredential
from keyin.domain.secret import ClientSecret

if TYPE_CHECKING:
    from pathlib import Path

_MAX_BYTES: Final = 4096
_PLAIN_FILE: Final = "make it a plain file that belongs to the access requester's account"
_Text = Annotated[str, msgspec.Meta(min_length=1, max_length=512)]


class _Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    client_id: _Text
    client_secret: _Text


def read_credential(path: Path) -> InstallationCredential | None:
    """Return the credential, None where there is no file. Raises ConfigurationError if unsafe.

    The file is ours or root's, for its owner only, no link, in a directory that only we or root
    can write.
    """
    try:
        content = _read_checked(path)
    except FileNotFoundError:
        return None
    except OSError as exc:
        raise ConfigurationError(
            "the credential %(path)s cannot be read: %(reason)s",
            next_step=_PLAIN_FILE,
            path=str(path),
            reason=exc.strerror,
        ) from exc
    try:
        document = msgspec.json.decode(content, type=_Document)
    except msgspec.MsgspecError:
        # without its cause: the parser's message may quote the secret
        raise ConfigurationError(
            "the credential %(path)s is not JSON with the texts client_id and client_secret only",
            next_step="write it as it was given out by whoever runs the cloud",
            path=str(path),
        ) from None
    return InstallationCredential(document.client_id, ClientSecret(document.client_secret))


def _read_checked(path: Path) -> bytes:
    _check(path.parent, path.parent.stat(), forbidden=stat.S_IWGRP | stat.S_IWOTH)
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(descriptor, "rb") as file:  # noqa: PTH123 - a descriptor, opened without following links
        status = os.fstat(descriptor)
        _check(path, status, forbidden=stat.S_IRWXG | stat.S_IRWXO | stat.S_IXUSR)
        if not stat.S_ISREG(status.st_mode):
            raise ConfigurationError(
                "%(path)s is not a plain file", next_step=_PLAIN_FILE, path=str(path)
            )
        return file.read(_MAX_BYTES)


def _check(path: Path, status: os.stat_result, *, forbidden: int) -> None:
    if status.st_uid not in {0, os.geteuid()}:
        raise ConfigurationError(
            "%(path)s belongs to another account (uid %(uid)s)",
            next_step="give it to the access requester's account: chown",
            path=str(path),
            uid=status.st_uid,
        )
    if status.st_mode & forbidden:
        raise ConfigurationError(
            "other accounts can read or change %(path)s (its mode is %(mode)s)",
            next_step="a credential has the mode 0600, its directory 0755 or less: chmod",
            path=str(path),
            mode=f"{stat.S_IMODE(status.st_mode):04o}",
        )
