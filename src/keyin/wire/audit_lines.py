"""The second copy of the audit log: JSON lines, of which each says where in its chain it stands.

    {"chain":"main","seq":7,"hash":"<64 hex digits>","event":{...}}
    {"chain":"main","seq":7,"hash":"<64 hex digits>","continues":true}     the copy goes on after 7
    {"checkpoint":"<compact JWS>"}

A line that is none of these says nothing: it is the torn end of a write before a crash. Turning a
line into such a one is noticed all the same, as a gap.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

import msgspec

from keyin.wire.audit_chain import Head

if TYPE_CHECKING:
    from keyin.wire.audit_chain import Row
    from keyin.wire.audit_checkpoints import Checkpoint

LONGEST: Final = 1_000_000
"""Bytes of a line that is looked at."""


class CopiedRow(msgspec.Struct, frozen=True):
    """A line with an event, or (no event) one that says where the copy goes on."""

    chain: str
    seq: int
    hash: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
    event: msgspec.Raw = msgspec.Raw()
    continues: bool = False

    @property
    def head(self) -> Head:
        """Return where the chain stands after this line."""
        return Head(self.chain, self.seq, bytes.fromhex(self.hash))

    def has_event(self) -> bool:
        """Tell which of the two it is."""
        return not self.continues and bool(bytes(self.event))


class CopiedCheckpoint(msgspec.Struct, frozen=True):
    """A line with a checkpoint."""

    checkpoint: str


_row: Final = msgspec.json.Decoder(CopiedRow).decode
_checkpoint: Final = msgspec.json.Decoder(CopiedCheckpoint).decode


def row_line(row: Row) -> bytes:
    """Return the line of an event; always the same one."""
    return (
        f'{{"chain":"{row.chain}","seq":{row.seq},"hash":"{row.hash.hex()}","event":{row.event}}}\n'
    ).encode()


def continuing_line(head: Head) -> bytes:
    """Return the line that says after which row the copy goes on."""
    return (
        f'{{"chain":"{head.chain}","seq":{head.seq},"hash":"{head.hash.hex()}","continues":true}}\n'
    ).encode()


def checkpoint_line(checkpoint: Checkpoint) -> bytes:
    """Return the line of a checkpoint."""
    return f'{{"checkpoint":"{checkpoint.signature}"}}\n'.encode()


def read_line(line: bytes) -> CopiedRow | CopiedCheckpoint | None:
    """Return what a line says; None: nothing."""
    for read in (_row, _checkpoint):
        try:
            found: CopiedRow | CopiedCheckpoint = read(line)
        except (ValueError, RecursionError):
            continue
        else:
            return found
    return None
