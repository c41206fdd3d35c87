"""Where a Unix socket may lie: in a directory that nobody else can write (P64).

Says nothing about who may connect; that is the peer's uid, checked at every connection.
"""

from __future__ import annotations

import os
import socket
import stat
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

import msgspec

from keyin.domain.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_LONGEST: Final = 107


class BoundSocket(msgspec.Struct, frozen=True):
    """A socket and the name it was given."""

    sock: socket.socket
    path: Path
    inode: int

    def remove_name(self) -> None:
        """Remove the socket's name, unless the name has become somebody else's."""
        with suppress(OSError):
            if self.path.lstat().st_ino == self.inode:
                self.path.unlink()


def check_directory(directory: Path) -> None:
    """Refuse a directory that somebody besides us and root could change, itself or from above.

    Raises ConfigurationError. Ancestors may be shared if sticky (`/tmp`): what is ours in them
    cannot be moved away by others.
    """
    try:
        real = directory.resolve(strict=True)
        _check_one(real, real.stat(), sticky_will_do=False)
        for ancestor in real.parents:
            _check_one(ancestor, ancestor.stat(), sticky_will_do=True)
    except OSError as exc:
        raise ConfigurationError(
            "the directory %(directory)s cannot be used: %(reason)s",
            next_step="make the directory, owned by the account that runs this process, mode 0755",
            directory=str(directory),
            reason=exc.strerror,
        ) from exc


def _check_one(path: Path, status: os.stat_result, *, sticky_will_do: bool) -> None:
    if not stat.S_ISDIR(status.st_mode):
        raise ConfigurationError("%(path)s is not a directory", path=str(path))
    if status.st_uid not in {0, os.geteuid()}:
        raise ConfigurationError(
            "the directory %(path)s belongs to another account (uid %(uid)s)",
            next_step="choose a directory owned by root or by the account of this process",
            path=str(path),
            uid=status.st_uid,
        )
    writable = status.st_mode & stat.S_IWOTH or (
        status.st_mode & stat.S_IWGRP and status.st_gid not in {0, os.getegid()}
    )
    if not sticky_will_do:
        writable = status.st_mode & (stat.S_IWOTH | stat.S_IWGRP)
    elif status.st_mode & stat.S_ISVTX:
        writable = 0
    if writable:
        raise ConfigurationError(
            "other accounts can write the directory %(path)s",
            next_step="remove their right to write it: chmod go-w %(path)s",
            path=str(path),
        )


def bind_unix(path: Path, mode: int) -> BoundSocket:
    """Return a socket bound to `path` with exactly `mode`; not yet listening.

    A dead socket of our own is replaced; anything else there is refused with ConfigurationError.
    """
    check_directory(path.parent)
    _clear(path)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    try:
        # Linux gives the new name the socket's own mode: never wider than 0600, not for a moment.
        os.fchmod(sock.fileno(), stat.S_IRUSR | stat.S_IWUSR)
        with short_name(path) as name:
            sock.bind(name)
        path.chmod(mode)
        inode = path.lstat().st_ino
    except OSError as exc:
        sock.close()
        raise ConfigurationError(
            "cannot make the socket %(path)s: %(reason)s",
            next_step="choose a shorter path in a directory that this account can write",
            path=str(path),
            reason=exc.strerror or str(exc),
        ) from exc
    return BoundSocket(sock, path, inode)


@contextmanager
def short_name(path: Path) -> Iterator[str]:
    """Yield a name for a socket that fits into an address, however long the path is.

    An address has room for 107 bytes (unix(7)); a longer path goes by way of its directory, held
    open meanwhile. Raises OSError.
    """
    if len(os.fsencode(path)) <= _LONGEST:
        yield str(path)
        return
    directory = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{directory}/{path.name}"
    finally:
        os.close(directory)


def _clear(path: Path) -> None:
    try:
        status = path.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(status.st_mode) or status.st_uid != os.geteuid():
        raise ConfigurationError(
            "%(path)s exists and is no socket of this account; it is left alone",
            next_step="find out who made it; remove it, or choose another path",
            path=str(path),
        )
    if _answers(path):
        raise ConfigurationError(
            "another process already listens on %(path)s",
            next_step="stop that process first, or choose another path",
            path=str(path),
        )
    path.unlink(missing_ok=True)


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK) as probe:
        try:
            with short_name(path) as name:
                probe.connect(name)
        except (ConnectionRefusedError, FileNotFoundError):
            return False
        except OSError:  # a full backlog is somebody too
            return True
        return True
