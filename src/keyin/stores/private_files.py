"""Small files that are written as a whole, for their owner only, and survive a power cut.

A crash leaves the old file or the new one, and at most a draft beside it.
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, BinaryIO, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PRIVATE: Final = 0o600
_READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def open_no_link(path: Path) -> BinaryIO:
    """Open a file to read, following no link and waiting for nobody. Raises OSError."""
    # not by a descriptor of our own: of a directory, `open` would leave it to us
    return open(path, "rb", opener=lambda name, _: os.open(name, _READ))


def create(path: Path, content: bytes) -> None:
    """Write a file that must not exist yet; durable on return. Raises FileExistsError, OSError."""
    with _draft(path, content) as draft:
        os.link(draft, path)  # unlike a rename, a link replaces nothing
    sync_folder(path.parent)


def replace(path: Path, content: bytes, *, durable: bool = True, mode: int = PRIVATE) -> None:
    """Write a file, new or in place of the old one, whose owner it keeps. Raises OSError."""
    with _draft(path, content, durable=durable, mode=mode) as draft:
        with contextlib.suppress(FileNotFoundError):
            before = path.lstat()
            if (before.st_uid, before.st_gid) != (os.geteuid(), os.getegid()):
                os.chown(draft, before.st_uid, before.st_gid)
        draft.replace(path)
    if durable:
        sync_folder(path.parent)


@contextlib.contextmanager
def _draft(
    path: Path, content: bytes, *, durable: bool = True, mode: int = PRIVATE
) -> Iterator[Path]:
    draft = path.with_name(f".{path.name}.{os.getpid()}.new")
    draft.unlink(missing_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
    descriptor = os.open(draft, flags, PRIVATE)
    try:
        with open(descriptor, "wb") as file:  # noqa: PTH123 - a descriptor, created with its mode
            os.fchmod(descriptor, mode)
            file.write(content)
            file.flush()
            if durable:
                os.fsync(descriptor)
        yield draft
    finally:
        draft.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
