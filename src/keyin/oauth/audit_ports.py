"""What the audit log asks of a store; events of acts go in through the ports of the acts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keyin.domain.environment import Millis
    from keyin.domain.events import Event
    from keyin.domain.refusal_counts import RefusalCount
    from keyin.wire.audit_chain import Head, Row
    from keyin.wire.audit_checkpoints import Checkpoint


class Trail(Protocol):
    """Events that change nothing else: a refusal of an authenticated client, an alert."""

    async def record(self, event: Event) -> None:
        """Write one event, in a unit of work of its own; returns when it is durable.

        Raises StoreUnavailable.
        """
        ...


class AuditLog(Protocol):
    """The chains, to be read, and their checkpoints. Each raises StoreUnavailable."""

    async def audit_heads(self) -> Sequence[Head]:
        """Return the head of each chain that has rows, by its name."""
        ...

    async def audit_rows(self, chain: str, *, after: int, most: int) -> Sequence[Row]:
        """Return rows that are durable, in their order, from the one after `after` on."""
        ...

    async def add_checkpoint(self, checkpoint: Checkpoint) -> None:
        """Remember a checkpoint; of one head, the first."""
        ...

    async def audit_checkpoints(self) -> Sequence[Checkpoint]:
        """Return every checkpoint, by chain, in order."""
        ...

    async def thin_checkpoints(self, *, before: Millis) -> None:
        """Of those made before then, keep the last of each hour: it speaks for all before it."""
        ...


class RefusalCounts(Protocol):
    """Counts of refusals. Each raises StoreUnavailable."""

    async def add_refusal_counts(self, counts: Sequence[RefusalCount]) -> None:
        """Add to what is there."""
        ...

    async def refusal_counts(self, *, since: Millis) -> Sequence[RefusalCount]:
        """Return what was counted from that minute on, in order."""
        ...

    async def forget_refusal_counts(self, *, before: Millis) -> None:
        """Forget what was counted before then."""
        ...
