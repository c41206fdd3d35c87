"""The part of the forgetful store that holds the audit log: the same chain, in a list."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from keyin.domain.refusal_counts import RefusalCount
from keyin.wire.audit_chain import Head, Row, beginning, rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keyin.domain.environment import Millis
    from keyin.domain.events import Event
    from keyin.wire.audit_checkpoints import Checkpoint

CHAIN: Final = "main"
HOUR_MS: Final = 3_600_000


class MemoryAudit:
    """What a method does stands with its port."""

    def __init__(self) -> None:
        super().__init__()
        self._audit: list[Row] = []
        self._checkpoints: dict[tuple[str, int], Checkpoint] = {}
        self._refusals: Counter[tuple[Millis, str, str]] = Counter()

    def append_event(self, event: Event) -> None:
        """Write one event, within the method that it tells of."""
        self._audit += rows(self._head(), (event,))

    def told(self, event: Event, *, changed: bool = True) -> bool:
        """Write the event of an act where it changed something, and say whether."""
        if changed:
            self.append_event(event)
        return changed

    async def record(self, event: Event) -> None:
        """See oauth.audit_ports.Trail."""
        self.append_event(event)

    async def audit_heads(self) -> Sequence[Head]:
        """See oauth.audit_ports.AuditLog."""
        return [self._head()] if self._audit else []

    async def audit_rows(self, chain: str, *, after: int, most: int) -> Sequence[Row]:
        """See oauth.audit_ports.AuditLog."""
        found = [row for row in self._audit if row.chain == chain and row.seq > after]
        return found[:most]

    async def add_checkpoint(self, checkpoint: Checkpoint) -> None:
        """See oauth.audit_ports.AuditLog."""
        self._checkpoints.setdefault((checkpoint.head.chain, checkpoint.head.seq), checkpoint)

    async def audit_checkpoints(self) -> Sequence[Checkpoint]:
        """See oauth.audit_ports.AuditLog."""
        return [self._checkpoints[place] for place in sorted(self._checkpoints)]

    async def thin_checkpoints(self, *, before: Millis) -> None:
        """See oauth.audit_ports.AuditLog."""
        last: dict[tuple[str, int], int] = {}
        for (chain, seq), one in sorted(self._checkpoints.items()):
            last[chain, one.at // HOUR_MS] = seq
        self._checkpoints = {
            (chain, seq): one
            for (chain, seq), one in self._checkpoints.items()
            if one.at >= before or last[chain, one.at // HOUR_MS] == seq
        }

    async def add_refusal_counts(self, counts: Sequence[RefusalCount]) -> None:
        """See oauth.audit_ports.RefusalCounts."""
        for count in counts:
            self._refusals[count.minute, count.reason, count.network] += count.count

    async def refusal_counts(self, *, since: Millis) -> Sequence[RefusalCount]:
        """See oauth.audit_ports.RefusalCounts."""
        return [
            RefusalCount(*name, count)
            for name, count in sorted(self._refusals.items())
            if name[0] >= since
        ]

    async def forget_refusal_counts(self, *, before: Millis) -> None:
        """See oauth.audit_ports.RefusalCounts."""
        for name in [name for name in self._refusals if name[0] < before]:
            del self._refusals[name]

    def _head(self) -> Head:
        if not self._audit:
            return beginning(CHAIN)
        last = self._audit[-1]
        return Head(last.chain, last.seq, last.hash)
