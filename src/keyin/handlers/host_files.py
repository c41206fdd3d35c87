"""Files of the real computer, replaced atomically.

A write goes to a new file beside the target, is forced to the disk, gets the target's mode, owner
and extended attributes, and takes its name in one step. A crash leaves the old file or the new one,
and at most one left-over beside it, which the next write of the same file removes.
A file with several hard links becomes a file of its own: the other names keep the old content.
"""

from __future__ import annotations

import contextlib
import os
import stat
from typing import TYPE_CHECKING, Final

from keyin.domain.errors import HandlerFailed

if TYPE_CHECKING:
    from pathlib import Path

NEW_FILE_MODE: Final = 0o600
MOST_BYTES: Final = 16 * 1024 * 1024
_LEFTOVER: Final = ".{name}.keyin-new"


class HostFiles:
    """The `Files` role on the real computer."""

    def read(self, path: Path) -> bytes | None:
        """See `Files.read`."""
        try:
            return _read_regular(path)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as exc:
            raise HandlerFailed(
                "The settings file %(path)s cannot be read: %(reason)s.", **_cause(path, exc)
            ) from exc

    def write(self, path: Path, content: bytes) -> None:
        """See `Files.write`."""
        try:
            target = path.resolve()
            beside = target.with_name(_LEFTOVER.format(name=target.name))
            _write_beside(beside, target, content)
            beside.replace(target)
            _sync_folder(target.parent)
        except (OSError, RuntimeError) as exc:  # RuntimeError: symbolic links in a circle
            raise HandlerFailed(
                "The settings file %(path)s cannot be written: %(reason)s.", **_cause(path, exc)
            ) from exc


def _read_regular(path: Path) -> bytes:
    """Read a file that is one: to open a pipe would wait for ever, so nothing waits here."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise OSError("it is not a regular file")
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            content = file.read(MOST_BYTES + 1)  # the kernel's own files say that they are empty
        if max(found.st_size, len(content)) > MOST_BYTES:
            raise OSError("it is too large for a settings file")
        return content
    finally:
        os.close(descriptor)


def _write_beside(beside: Path, target: Path, content: bytes) -> None:
    beside.unlink(missing_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(beside, flags, NEW_FILE_MODE)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            _take_after(descriptor, target)
            os.fsync(descriptor)
    except OSError:
        beside.unlink(missing_ok=True)
        raise


def _take_after(descriptor: int, target: Path) -> None:
    """Give the open file the owner, the mode and the extended attributes of the target."""
    try:
        old = target.stat()
    except FileNotFoundError:
        return
    if not stat.S_ISREG(old.st_mode):
        raise OSError("it is not a regular file")
    mine = os.fstat(descriptor)
    if (old.st_uid, old.st_gid) != (mine.st_uid, mine.st_gid):
        os.fchown(descriptor, old.st_uid, old.st_gid)
    # After the owner: a change of owner clears the set-id bits.
    os.fchmod(descriptor, stat.S_IMODE(old.st_mode))
    # Best effort: file systems differ in which attributes they let a user copy.
    with contextlib.suppress(OSError):
        for name in os.listxattr(target):
            os.setxattr(descriptor, name, os.getxattr(target, name))


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _cause(path: Path, exc: Exception) -> dict[str, str]:
    """Return the fields of the message and the next step that fits what went wrong."""
    reason = getattr(exc, "strerror", None) or str(exc)
    return {"path": str(path), "reason": reason, "next_step": _next_step(exc)}


def _next_step(exc: Exception) -> str:
    if isinstance(exc, FileNotFoundError):
        return "Start the program that owns the file once, so that its folder exists."
    if isinstance(exc, PermissionError):
        return "Make the file and its folder writable for the person who keys in."
    return "Check the file, its folder and the free space there."
