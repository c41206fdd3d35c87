"""The file that is the audit log's second place: appended to, never changed.

Whoever rotates it moves it away: the next append finds it gone, makes a new one and says in its
first line where it goes on. What a crash left torn is completed. Every method may wait for a disk
or a network: call them beside the event loop, one at a time.
"""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING, Final

from keyin.wire.audit_chain import Head
from keyin.wire.audit_lines import (
    LONGEST,
    CopiedRow,
    checkpoint_line,
    continuing_line,
    read_line,
    row_line,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from keyin.wire.audit_chain import Row
    from keyin.wire.audit_checkpoints import Checkpoint

_BLOCK: Final = 1 << 16


class AuditCopy:
    """Each method raises OSError where the file cannot be used."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None
        self._torn = b""
        self.heads: dict[str, Head] = {}
        """How far each chain is copied, after `prepare`."""

    def prepare(self, chains: Iterable[str] = ()) -> None:
        """Open the file, unless it is open and still in its place; find out how far it goes.

        `chains` names those that are to be known: most often the file's last row is of the only
        one; where one is not found at the end, the file is read from the beginning on.
        """
        if self._file is not None and self._in_place(self._file):
            return
        self.sync()
        self.close()
        self._file = self._opened()
        there = self._last_heads()
        if there and not there.keys() >= {*chains}:
            there = self._all_heads()
        for chain, head in self.heads.items():
            if chain not in there:
                self._write([continuing_line(head)])
        self.heads |= there

    def append(self, rows: Sequence[Row]) -> None:
        """Add rows of one chain, which follow what is there."""
        self._write([row_line(row) for row in rows])
        last = rows[-1]
        self.heads[last.chain] = Head(last.chain, last.seq, last.hash)

    def append_checkpoint(self, checkpoint: Checkpoint) -> None:
        """Add a checkpoint of rows that are there."""
        self._write([checkpoint_line(checkpoint)])

    def go_on_from(self, head: Head) -> None:
        """Say that the next row is not the one after the last: the store is another one now."""
        self._write([continuing_line(head)])
        self.heads[head.chain] = head

    def parted_from(self, head: Head) -> bool:
        """Tell whether the file has another row in this one's place: it is not of this log."""
        for line in copied_lines(self._path) if head.seq else ():
            row = read_line(line)
            if isinstance(row, CopiedRow) and (row.chain, row.seq) == (head.chain, head.seq):
                return row.head != head
        return False

    def sync(self) -> None:
        """Return once everything is on the disk."""
        if self._file is not None:
            os.fsync(self._file)

    def close(self) -> None:
        """Let go of the file; `prepare` opens it anew."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _opened(self) -> int:
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK
        file = os.open(self._path, flags, 0o600)
        if not stat.S_ISREG(os.fstat(file).st_mode):
            os.close(file)
            raise OSError(errno.EINVAL, "it is no regular file")
        return file

    def _in_place(self, file: int) -> bool:
        held = os.fstat(file)
        try:
            named = self._path.stat()
        except FileNotFoundError:
            return False
        return (named.st_dev, named.st_ino) == (held.st_dev, held.st_ino)

    def _write(self, lines: Iterable[bytes]) -> None:
        content = b"".join(lines)
        if self._torn:
            whole = content.startswith(self._torn)
            content = content[len(self._torn) :] if whole else b"\n" + content
        if self._file is None:
            raise OSError(errno.EBADF, "it is not open")
        if os.write(self._file, content) < len(content):
            self.close()  # `prepare` finds what is torn
            raise OSError(errno.ENOSPC, "not everything could be written")
        self._torn = b""

    def _all_heads(self) -> dict[str, Head]:
        rows = (read_line(line) for line in copied_lines(self._path))
        return {row.chain: row.head for row in rows if isinstance(row, CopiedRow)}

    def _last_heads(self) -> dict[str, Head]:
        """Look for the last row, from the end on; remember what is torn behind it."""
        if self._file is None:
            return {}
        begin = os.fstat(self._file).st_size
        self._torn, tail, torn_known = b"", b"", False
        while begin > 0 and len(tail) < LONGEST + _BLOCK:
            size = min(_BLOCK, begin)
            begin -= size
            tail = os.pread(self._file, size, begin) + tail
            whole, newline, torn = tail.rpartition(b"\n")
            if not torn_known and (newline or begin == 0):
                self._torn, torn_known = torn if newline else tail, True
            lines = whole.split(b"\n") if newline else []
            for line in reversed(lines if begin == 0 else lines[1:]):
                found = read_line(line)
                if isinstance(found, CopiedRow):
                    return {found.chain: found.head}
        return {}


def copied_lines(path: Path) -> Iterator[bytes]:
    """Return the lines of a copy; one without end is cut. Raises OSError."""
    with path.open("rb") as file:
        while line := file.readline(LONGEST):
            yield line
