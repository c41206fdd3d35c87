"""What speaks for the rows of the audit log from outside: signed checkpoints, a second copy.

Gathered first, then held against the chain row by row, so that a log that was cut or written anew
as a whole shows as well. Reads no file: it is given lines and signatures.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import msgspec

from keyin.wire.audit_chain import BadRow, Fault, Head, Walk, beginning, link
from keyin.wire.audit_checkpoints import read
from keyin.wire.audit_lines import CopiedCheckpoint, CopiedRow, read_line
from keyin.wire.jose import InvalidSignature

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from keyin.wire.audit_chain import Row
    from keyin.wire.audit_checkpoints import Checkpoint
    from keyin.wire.jose import PublicKey

_HASH_BYTES = 32


class CopiedChain(msgspec.Struct):
    """The hashes of one chain in the copy, from its first row there on."""

    chain: str
    first: int = 1
    bad: BadRow | None = None
    rows: int = 0
    _before: bytes | None = None
    _hashes: bytearray = msgspec.field(default_factory=bytearray)

    @property
    def end(self) -> int:
        """Return the number of the last row."""
        return self.first + len(self._hashes) // _HASH_BYTES - 1

    def hash_of(self, seq: int) -> bytes | None:
        """Return what the copy says of a row; None: nothing."""
        place = (seq - self.first) * _HASH_BYTES
        return bytes(self._hashes[place : place + _HASH_BYTES]) or None if place >= 0 else None

    def add(self, row: CopiedRow) -> None:
        """Take the next line."""
        if self.bad is not None:
            return
        if not self._hashes:
            self._begin(row)
        if row.has_event():
            self._next(row)
        elif row.head != Head(self.chain, self.end, self._before or b""):
            self._wrong(min(row.seq, self.end) + 1)

    def _begin(self, row: CopiedRow) -> None:
        self.first = row.seq if row.has_event() else row.seq + 1
        if not row.has_event():
            self._before = row.head.hash
        elif self._before is None and row.seq == 1:
            self._before = beginning(self.chain).hash

    def _next(self, row: CopiedRow) -> None:
        hash_ = row.head.hash
        if self.hash_of(row.seq) == hash_:  # a copy that began anew holds the same twice
            return
        if row.seq != self.end + 1:
            self._wrong(min(row.seq, self.end + 1))
        elif self._before is not None and link(self._before, bytes(row.event)) != hash_:
            self._wrong(row.seq)
        else:
            self._before = hash_
            self._hashes += hash_
            self.rows += 1

    def _wrong(self, seq: int) -> None:
        self.bad = BadRow(self.chain, seq, Fault.OTHER_COPY)


class Evidence:
    """Everything that was gathered."""

    def __init__(self, keys: Mapping[str, PublicKey]) -> None:
        self._keys = keys
        self._marks: defaultdict[str, dict[int, bytes]] = defaultdict(dict)
        self._copies: dict[str, CopiedChain] = {}
        self._bad: defaultdict[str, list[BadRow]] = defaultdict(list)

    @property
    def chains(self) -> frozenset[str]:
        """Name every chain that something speaks for."""
        return frozenset({*self._marks, *self._copies, *self._bad})

    def add_copy(self, lines: Iterable[bytes]) -> None:
        """Take a second copy, from its beginning."""
        for line in lines:
            found = read_line(line)
            if isinstance(found, CopiedRow):
                copy = self._copies.setdefault(found.chain, CopiedChain(found.chain))
                copy.add(found)
            elif isinstance(found, CopiedCheckpoint):
                self.add_signature(found.checkpoint)

    def add_checkpoint(self, checkpoint: Checkpoint) -> None:
        """Take a checkpoint of the store: its columns must say what its signature says."""
        head = checkpoint.head
        try:
            signed = read(checkpoint.signature, self._keys)
        except InvalidSignature:
            signed = None
        if signed != checkpoint:
            self._bad[head.chain].append(BadRow(head.chain, head.seq, Fault.UNSIGNED))
        else:
            self._mark(head)

    def add_signature(self, signature: str) -> None:
        """Take a checkpoint from elsewhere; one of another cloud's key says nothing here."""
        try:
            self._mark(read(signature, self._keys).head)
        except InvalidSignature:
            return

    def _mark(self, head: Head) -> None:
        if self._marks[head.chain].setdefault(head.seq, head.hash) != head.hash:
            self._bad[head.chain].append(BadRow(head.chain, head.seq, Fault.UNSIGNED))

    def about(self, chain: str) -> Trial:
        """Return what the rows of a chain are held against."""
        copy = self._copies.get(chain)
        bad = [*self._bad[chain], *([copy.bad] if copy and copy.bad else [])]
        return Trial(
            chain=chain,
            walk=Walk(chain),
            marks=self._marks[chain],
            copy=copy,
            known_bad=bad,
        )


class Trial(msgspec.Struct, kw_only=True):
    """One chain against the evidence; `step` stops at the first row that does not fit."""

    chain: str
    walk: Walk
    marks: Mapping[int, bytes]
    copy: CopiedChain | None
    known_bad: list[BadRow]
    vouched: int = 0
    """Up to which row a checkpoint speaks for the chain."""
    _found: BadRow | None = None

    def step(self, row: Row) -> bool:
        """Look at the next row; say whether to go on."""
        if not self.walk.step(row):
            self._found = self.walk.bad
            return False
        copied = self.copy.hash_of(row.seq) if self.copy else None
        if copied is not None and copied != row.hash:
            self._found = BadRow(self.chain, row.seq, Fault.OTHER_COPY)
            return False
        mark = self.marks.get(row.seq)
        if mark == row.hash:
            self.vouched = row.seq
        elif mark is not None:
            self._found = BadRow(self.chain, self.vouched + 1, Fault.UNSIGNED)
            return False
        return True

    def end(self) -> BadRow | None:
        """After the last row: return the first bad one, if there is any."""
        end = self.walk.head.seq
        spoken_for = max([*self.marks, self.copy.end if self.copy else 0], default=0)
        found = [*self.known_bad, *([self._found] if self._found else [])]
        if self._found is None and spoken_for > end:
            found.append(BadRow(self.chain, end + 1, Fault.MISSING))
        return min(found, key=lambda bad: bad.seq, default=None)
