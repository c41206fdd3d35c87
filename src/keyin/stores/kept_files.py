"""Takes files as they are and gives them back so: bytes, mode, owner and times.

Knows nothing of what is in them, nor of who changed them since.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import stat
from contextlib import suppress
from pathlib import Path

from keyin.domain.errors import StoreUnavailable
from keyin.session.records import FileState


class KeptFiles:
    """Implements `session.ports.FileKeeper` on the real file system."""

    async def capture(self, path: Path) -> FileState:
        """Remember a file, or that there is none. Raises StoreUnavailable."""
        try:
            return await asyncio.to_thread(_capture, path)
        except OSError as exc:
            raise _unavailable(path, exc) from exc

    async def digest(self, path: Path) -> str | None:
        """Return the SHA-256 of the file's bytes in hex; None where there is no file."""
        try:
            content = await asyncio.to_thread(path.read_bytes)
        except FileNotFoundError:
            return None
        except OSError as exc:
            raise _unavailable(path, exc) from exc
        return hashlib.sha256(content).hexdigest()

    async def restore(self, state: FileState) -> None:
        """Make the file as it was captured; remove it where there was none. Durable on return."""
        path = Path(state.path)
        try:
            await asyncio.to_thread(_restore, path, state)
        except OSError as exc:
            raise _unavailable(path, exc) from exc


def _capture(path: Path) -> FileState:
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            content = file.read()
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


def _restore(path: Path, state: FileState) -> None:
    # A link is followed: what it points at changes, the link stays.
    target = path.resolve()
    if state.content is None:
        _remove(target, state)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    # Always the same name: what a kill leaves behind, the next attempt uses up.
    draft = target.with_name(f".{target.name}.keyin-restore")
    draft.unlink(missing_ok=True)
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(state.content)
        file.flush()
        # Where the account may not give files away, it could not have changed the owner either.
        with suppress(PermissionError):
            os.fchown(file.fileno(), state.uid, state.gid)
        os.fchmod(file.fileno(), state.mode)
        os.utime(file.fileno(), ns=(state.accessed_ns, state.modified_ns))
        os.fsync(file.fileno())
    draft.replace(target)
    _sync(target.parent)


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


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _unavailable(path: Path, exc: OSError) -> StoreUnavailable:
    return StoreUnavailable(
        "the file %(path)s cannot be used: %(reason)s",
        next_step="look at its owner and mode, and whether the disk is full",
        path=str(path),
        reason=exc.strerror or str(exc),
    )
