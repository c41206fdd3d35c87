"""The audit log's form: an event as canonical JSON, and the hash that ties it to all before it.

The stores, the second copy, `keyin cloud audit verify` and whoever checks a copy by other means
must agree on it. A chain is a writer's own; its rows count from 1 without a gap (ADR 27).
"""

from __future__ import annotations

from enum import StrEnum
from functools import cache
from hashlib import sha256
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec
from msgspec.structs import replace

from keyin.domain.events import outcome_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from keyin.domain.environment import Millis
    from keyin.domain.events import Event

_encode: Final = msgspec.json.Encoder(order="deterministic").encode
_decode: Final = msgspec.json.Decoder(dict[str, object]).decode


class Row(NamedTuple):
    """One event as it is kept; a tuple, since every grant makes one."""

    chain: str
    seq: int
    at: Millis
    event: str
    """Canonical JSON."""
    hash: bytes
    """32 bytes: SHA-256 of the hash before it, then the event in UTF-8."""


class Head(msgspec.Struct, frozen=True):
    """How far a chain has come; `seq` 0: nowhere yet."""

    chain: str
    seq: int
    hash: bytes


@cache
def beginning(chain: str) -> Head:
    """Return what stands before a chain's first row: a hash that is this chain's alone."""
    return Head(chain, 0, sha256(b"keyin audit chain\0" + chain.encode()).digest())


def canonical(event: Event) -> bytes:
    """Return the event as JSON in one spelling: names in order, no blanks, nothing that is null."""
    if event.outcome is None:
        event = replace(event, outcome=outcome_of(event.act))
    return _encode(event)


def link(previous: bytes, event: bytes) -> bytes:
    """Return the hash of an event that follows `previous`."""
    return sha256(previous + event).digest()


def rows(head: Head | Row, events: Iterable[Event]) -> Iterator[Row]:
    """Return the events as the rows that follow a head, or a row that is the last."""
    chain, seq, before = head.chain, head.seq, head.hash
    made = tuple.__new__  # every grant comes by here: a third of what `Row(...)` costs
    for event in events:
        line = canonical(event)
        before = sha256(before + line).digest()
        seq += 1
        yield made(Row, (chain, seq, event.at, line.decode(), before))


class Fault(StrEnum):
    """What can be wrong with a row."""

    MISSING = "missing"
    """It is not there, though a later one, a checkpoint or the copy says that it was."""
    CHANGED = "changed"
    """Its hash is not that of its event after the rows before it."""
    UNSIGNED = "unsigned"
    """It is not what a signed checkpoint says, or the checkpoint's signature does not hold."""
    OTHER_COPY = "other_copy"
    """The second copy has something else in its place."""


class BadRow(msgspec.Struct, frozen=True):
    """The first row at which a chain is not what it must be."""

    chain: str
    seq: int
    fault: Fault


class Walk:
    """Goes along one chain, row by row, and stops at the first that does not fit."""

    def __init__(self, chain: str) -> None:
        self.head = beginning(chain)
        self.bad: BadRow | None = None

    def step(self, row: Row) -> bool:
        """Look at the next row; say whether it fits."""
        head = self.head
        if row.seq != head.seq + 1:
            self.bad = BadRow(head.chain, min(head.seq + 1, row.seq), Fault.MISSING)
        elif row.hash != link(head.hash, row.event.encode()) or row.at != _time(row.event):
            self.bad = BadRow(head.chain, row.seq, Fault.CHANGED)
        else:
            self.head = Head(head.chain, row.seq, row.hash)
        return self.bad is None


def _time(event: str) -> object:
    try:
        return _decode(event).get("at")
    except ValueError:
        return None
