"""The part of the forgetful store that holds second factors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from keyin.stores.memory_audit import MemoryAudit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keyin.domain.events import Event
    from keyin.domain.records import Digest, RecordId
    from keyin.oauth.accounts import Session
    from keyin.oauth.second_factor_ports import SecondFactor


class MemorySecondFactors(MemoryAudit):
    """What a method does stands with its port, oauth.second_factor_ports."""

    _sessions: dict[Digest, Session]

    def __init__(self) -> None:
        super().__init__()
        self._second_factors: dict[RecordId, SecondFactor] = {}
        self._recovery: dict[RecordId, set[Digest]] = {}

    async def second_factor(self, account_id: RecordId) -> SecondFactor | None:
        """See SecondFactors."""
        found = self._second_factors.get(account_id)
        left = len(self._recovery.get(account_id, ()))
        return replace(found, recovery_left=left) if found else None

    async def begin_second_factor(self, factor: SecondFactor) -> bool:
        """See SecondFactors."""
        there = self._second_factors.get(factor.account_id)
        if there is not None and there.confirmed:
            return False
        self._second_factors[factor.account_id] = replace(factor, confirmed=False)
        return True

    async def confirm_second_factor(
        self, account_id: RecordId, step: int, recovery: Sequence[Digest], *, session: Digest,
        event: Event,
    ) -> bool:  # fmt: skip
        """See SecondFactors."""
        there = self._second_factors.get(account_id)
        if there is None or there.confirmed:
            return False
        self._second_factors[account_id] = replace(there, confirmed=True, last_step=step)
        self._recovery[account_id] = set(recovery)
        kept = self._sessions.get(session)
        self._sessions = {
            digest: one
            for digest, one in self._sessions.items()
            if one is kept or one.account_id != account_id
        }
        self.append_event(event)
        return True

    async def use_second_factor(
        self, account_id: RecordId, *, step: int | None, recovery: Sequence[Digest] = ()
    ) -> bool:
        """See SecondFactors."""
        there = self._second_factors.get(account_id)
        if step is not None:
            if there is None or there.last_step >= step:
                return False
            self._second_factors[account_id] = replace(there, last_step=step)
            return True
        codes = self._recovery.get(account_id, set())
        used = codes & set(recovery)
        codes -= used
        return bool(used)

    async def end_second_factor(self, account_id: RecordId, *, event: Event) -> bool:
        """See SecondFactors."""
        self._recovery.pop(account_id, None)
        ended = self._second_factors.pop(account_id, None) is not None
        if ended:
            self.append_event(event)
        return ended
