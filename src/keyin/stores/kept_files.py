"""Takes files as they are and gives them back so: bytes, mode, owner, times, extended attributes.

Knows nothing of what is in them, nor of who changed them since.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import stat
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from keyin.domain.errors import StoreUnavailable
from keyin.session.records import FileState

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

MOST_BYTES: Final = 16 * 1024 * 1024
DRAFT: Final = ".{name}.keyin-new"
"""What a file is called until it takes its place; always the same, so that debris is found."""


class KeptFiles:
    """Implements `session.ports.FileKeeper` on the real file system."""

    async def capture(self, path: Path) -> FileState:
        """Remember a file, or that there is none. Raises StoreUnavailable."""
        return await _in_thread(path, partial(_capture, path))

    async def digest(self, path: Path) -> str | None:
        """Return the SHA-256 of the file's bytes in hex; None where there is no file."""
        return await _in_thread(path, partial(_digest, path))

    async def restore(self, state: FileState) -> None:
        """Make the file as it was captured; remove it where there was none. Durable on return."""
        path = Path(state.path)
        await _in_thread(path, partial(_restore, path, state))

    async def tidy(self, path: Path) -> None:
        """Remove the draft that an interrupted write of this file may have left."""
        await _in_thread(path, partial(_tidy, path))


async def _in_thread(path: Path, work: Callable[[], T]) -> T:
    try:
        return await asyncio.to_thread(work)
    except (OSError, RuntimeError) as exc:  # RuntimeError: symbolic links in a circle
        raise StoreUnavailable(
            "the file %(path)s cannot be kept or put back: %(reason)s",
            next_step="look at its owner and mode, and whether the disk is full",
            path=str(path),
            reason=getattr(exc, "strerror", None) or str(exc),
        ) from exc


def _read(path: Path) -> tuple[bytes, os.stat_result]:
    """Read a regular file; to open a pipe would wait for ever, so nothing waits here."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_size > MOST_BYTES:
            raise OSError("it is no regular file, or too large")
        return file.read(), status


def _capture(path: Path) -> FileState:
    try:
        content, status = _read(path)
    except FileNotFoundError:
        missing = [str(folder) for folder in path.parents if not folder.exists()]
        return FileState(path=str(path), content=None, missing_parents=tuple(missing))
    return FileState(
        path=str(path),
        content=content,
        mode=stat.S_IMODE(status.st_mode),
        uid=status.st_uid,
        gid=status.st_gid,
        accessed_ns=status.st_atime_ns,
        modified_ns=status.st_mtime_ns,
    )


def _digest(path: Path) -> str | None:
    try:
        content, _ = _read(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    return hashlib.sha256(content).hexdigest()


def _restore(path: Path, state: FileState) -> None:
    # A link is followed: what it points at changes, the link stays.
    target = path.resolve()
    if state.content is None:
        _remove(target, state)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = _draft(target)
    draft.unlink(missing_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(draft, flags, stat.S_IRUSR | stat.S_IWUSR), "wb") as file:
        file.write(state.content)
        file.flush()
        _dress(file.fileno(), target, state)
        os.fsync(file.fileno())
    draft.replace(target)
    _sync(target.parent)


def _dress(descriptor: int, target: Path, state: FileState) -> None:
    # Where the account may not give files away, it could not have changed the owner either.
    with suppress(PermissionError):
        os.fchown(descriptor, state.uid, state.gid)
    os.fchmod(descriptor, state.mode)  # after the owner: a change of it clears the set-id bits
    with suppress(OSError):
        for name in os.listxattr(target):
            os.setxattr(descriptor, name, os.getxattr(target, name))
    os.utime(descriptor, ns=(state.accessed_ns, state.modified_ns))


def _remove(target: Path, state: FileState) -> None:
    target.unlink(missing_ok=True)
    kept = target.parent
    for folder in map(Path, state.missing_parents):
        try:
            folder.rmdir()
        except OSError:  # somebody else has put something there since
            break
        kept = folder.parent
    if kept.is_dir():
        _sync(kept)


def _tidy(path: Path) -> None:
    _draft(path.resolve()).unlink(missing_ok=True)


def _draft(target: Path) -> Path:
    return target.with_name(DRAFT.format(name=target.name))


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
