"""The part of the forgetful store that is put back from a backup."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keyin.stores.memory_accounts import MemoryAccounts
from keyin.stores.memory_flows import MemoryFlows
from keyin.stores.memory_second_factors import MemorySecondFactors

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from keyin.domain.events import Event
    from keyin.wire.audit_chain import Row


class MemoryRestoring(MemoryAccounts, MemoryFlows, MemorySecondFactors):
    """What a method does stands with its port, cloud.restoring.Restorable."""

    _epoch: int
    _restoring: Mapping[str, int] | None = None

    async def restoring_from(self) -> Mapping[str, int] | None:
        """See Restorable."""
        return self._restoring

    async def begin_restoring(self, heads: Mapping[str, int]) -> None:
        """See Restorable."""
        self._restoring = dict(heads)

    async def continue_chain(self, rows: Sequence[Row]) -> bool:
        """See Restorable."""
        head = self._head()
        if (rows[0].chain, rows[0].seq) != (head.chain, head.seq + 1):
            return False
        self._audit += rows
        return True

    async def end_restoring(self, *, event: Event) -> int:
        """See Restorable."""
        self._restoring = None
        self._sessions.clear()
        self._pushed.clear()
        self._questions.clear()
        self._codes.clear()
        self._devices.clear()
        self._recovery.clear()
        self.append_event(event)
        self._epoch += 1
        return self._epoch
