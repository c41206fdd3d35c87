"""The write-ahead journal on disk: one file per session, one checked line per entry.

A line is `<16 hex digits of SHA-256> <JSON>`. Appending returns after fsync; a torn last line is
an entry that was never promised and is cut off. The folder is the account's own, 0700, files 0600.
"""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import os
from functools import partial
from typing import TYPE_CHECKING, Final, Self, TypeVar

import msgspec
import structlog

from keyin.domain.errors import ConfigurationError, StoreUnavailable
from keyin.session.records import Entry, SessionId, Unfinished

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

T = TypeVar("T")

_SUFFIX: Final = ".journal"
_CHECK: Final = 16  # hex digits
_decoder: Final = msgspec.json.Decoder(Entry)
_log = structlog.get_logger()


class JournalDirectory:
    """Implements `session.ports.Journal`; one process at a time holds the folder."""

    def __init__(self, folder: Path, lock: int) -> None:
        """Use `open`."""
        self._folder = folder
        self._lock = lock

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Take hold of the folder. Raises ConfigurationError where it is not ours alone."""
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            status = folder.stat()
            if status.st_uid != os.geteuid():
                raise ConfigurationError(
                    "the journal folder %(folder)s belongs to another account",
                    next_step="remove it, or set XDG_STATE_HOME to a folder of your own",
                    folder=str(folder),
                )
            folder.chmod(0o700)
            lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as exc:
            raise ConfigurationError(
                "the journal folder %(folder)s cannot be used: %(reason)s",
                next_step="make it writable for your account",
                folder=str(folder),
                reason=exc.strerror,
            ) from exc
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as exc:
            os.close(lock)
            raise ConfigurationError(
                "another flow manager of this account is running",
                next_step="use that one (keyin status), or stop it first",
            ) from exc
        return cls(folder, lock)

    def release(self) -> None:
        """Let another process have the folder."""
        os.close(self._lock)

    async def append(self, session: SessionId, *entries: Entry) -> None:
        """Add entries; all are durable on return. Raises StoreUnavailable."""
        data = b"".join(_line(entry) for entry in entries)
        await _in_thread(partial(self._append, self._path(session), data))

    async def close(self, session: SessionId) -> None:
        """Forget a session: everything of it is back. Raises StoreUnavailable."""
        await _in_thread(partial(self._close, self._path(session)))

    async def unfinished(self) -> Sequence[Unfinished]:
        """Return the sessions that were not closed, oldest first; cut off what was torn.

        Raises StoreUnavailable.
        """
        return await _in_thread(self._unfinished)

    def _path(self, session: SessionId) -> Path:
        return self._folder / f"{session}{_SUFFIX}"

    def _append(self, path: Path, data: bytes) -> None:
        new = not path.exists()
        handle = os.open(
            path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600
        )
        try:
            before = os.fstat(handle).st_size
            try:
                _write_all(handle, data)
            except OSError:
                os.ftruncate(handle, before)
                raise
            os.fsync(handle)
        finally:
            os.close(handle)
        if new:
            self._sync_folder()

    def _close(self, path: Path) -> None:
        path.unlink(missing_ok=True)
        self._sync_folder()

    def _sync_folder(self) -> None:
        handle = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

    def _unfinished(self) -> list[Unfinished]:
        found: list[Unfinished] = []
        for path in sorted(self._folder.glob(f"*{_SUFFIX}")):
            data = path.read_bytes()
            whole = data[: data.rfind(b"\n") + 1]
            if len(whole) != len(data):
                os.truncate(path, len(whole))
            entries = tuple(_entries(whole.splitlines()))
            found.append(Unfinished(session=SessionId(path.name[: -len(_SUFFIX)]), entries=entries))
        return found


async def _in_thread(work: Callable[[], T]) -> T:
    try:
        return await asyncio.to_thread(work)
    except OSError as exc:
        raise StoreUnavailable(
            "the journal cannot be used: %(reason)s",
            next_step="make room on the disk of your home folder, and see that you may write there",
            reason=exc.strerror or str(exc),
        ) from exc


def _line(entry: Entry) -> bytes:
    body = msgspec.json.encode(entry)
    return _check(body) + b" " + body + b"\n"


def _check(body: bytes) -> bytes:
    return hashlib.sha256(body).hexdigest()[:_CHECK].encode()


def _entries(lines: Iterable[bytes]) -> Iterable[Entry]:
    for line in lines:
        body = line[_CHECK + 1 :]
        if line[:_CHECK] != _check(body):
            _log.error("journal_line_damaged")
            continue
        try:
            yield _decoder.decode(body)
        except msgspec.DecodeError:
            _log.error("journal_line_unknown")


def _write_all(handle: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(handle, view) :]
