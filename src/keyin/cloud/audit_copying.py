"""The audit log's second place is kept up to date: what is committed is there a second later.

It reads what the store has committed and knows from the file itself how far that goes, so a crash
loses nothing and a file that could not be written is completed later. Grants wait for it only
where the configuration says that they must.
"""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final, Protocol

import msgspec
import structlog

from keyin.domain.errors import ConfigurationError, StoreUnavailable
from keyin.domain.events import Act, Event
from keyin.oauth.audit_ports import AuditLog, Trail
from keyin.wire.audit_chain import beginning

if TYPE_CHECKING:
    from collections.abc import Iterator

    from keyin.cloud.gate import Gate
    from keyin.cloud.metrics import Metrics
    from keyin.domain.environment import Clock
    from keyin.stores.audit_copy import AuditCopy
    from keyin.wire.audit_chain import Head
    from keyin.wire.audit_checkpoints import Checkpoint


EVERY_S: Final = 1.0
_PAGE: Final = 500
_THE_CLOUD: Final = "cloud"
_log: Final = structlog.get_logger()


class Store(AuditLog, Trail, Protocol):
    """What this reads and writes."""


class Copier(msgspec.Struct, kw_only=True):
    """Belongs to one event loop; the disk is waited for beside it."""

    store: Store
    copy: AuditCopy
    clock: Clock
    metrics: Metrics
    gate: Gate
    required: bool
    failing: bool = False
    _moved: bool = False
    _checkpoints: deque[Checkpoint] = msgspec.field(default_factory=deque)

    async def refuse_older_store(self) -> None:
        """Look whether the copy goes on where the store ends, before anything is written.

        Then a backup was put back, and what was revoked since is not. Raises ConfigurationError.
        """
        heads = {head.chain: head for head in await self.store.audit_heads()}
        with _unwritable():
            await asyncio.to_thread(self.copy.prepare, heads)
            for chain, there in self.copy.heads.items():
                own = heads.get(chain) or beginning(chain)
                if there.seq <= own.seq or await asyncio.to_thread(self.copy.parted_from, own):
                    continue
                raise ConfigurationError(
                    "the store ends before its audit log's second copy: it is an older one",
                    next_step="If a backup was put back: `keyin cloud restored --copy FILE`. If "
                    "the copy is another store's, give another --audit-copy.",
                )

    async def start(self) -> None:
        """Catch up. Raises ConfigurationError where the file cannot be written at all."""
        with _unwritable():
            await self._forward()

    async def run(self) -> None:
        """Go on until cancelled."""
        while True:
            await self.clock.sleep(EVERY_S)
            await self.step()

    async def step(self) -> None:
        """Copy what is new; a file that cannot be written raises the alarm, once."""
        try:
            await self._forward()
        except OSError as error:
            await self._turn(failing=True, why=error.strerror or type(error).__name__)
        except StoreUnavailable as error:
            _log.error("store_unavailable", error=error.message)
        else:
            await self._turn(failing=False)

    def reopen(self) -> None:
        """Look for the file by its name again, before the next row."""
        self._moved = True

    def also(self, checkpoint: Checkpoint) -> None:
        """Copy this checkpoint too, behind the rows that it covers."""
        self._checkpoints.append(checkpoint)

    async def end(self) -> None:
        """Copy the last rows and let go of the file."""
        await self.step()
        self.copy.close()

    async def _forward(self) -> None:
        heads = await self.store.audit_heads()
        if self._moved:
            self.copy.close()
            self._moved = False
        await asyncio.to_thread(self.copy.prepare, [head.chain for head in heads])
        new = False
        for head in heads:
            await self._check(head)
            new |= await self._rows(head)
        while self._checkpoints:
            await asyncio.to_thread(self.copy.append_checkpoint, self._checkpoints[0])
            self._checkpoints.popleft()
            new = True
        if new:
            await asyncio.to_thread(self.copy.sync)

    async def _rows(self, head: Head) -> bool:
        """Copy one chain up to its head; say whether there was anything new."""
        new = False
        while (after := self._copied(head.chain)) < head.seq:
            rows = await self.store.audit_rows(head.chain, after=after, most=_PAGE)
            if not rows:
                break
            await asyncio.to_thread(self.copy.append, rows)
            new = True
        return new

    def _copied(self, chain: str) -> int:
        there = self.copy.heads.get(chain)
        return there.seq if there else 0

    async def _check(self, head: Head) -> None:
        """See whether the copy is of this store; where it is not, say so and go on."""
        there = self.copy.heads.get(head.chain)
        if there is None or there.seq == 0:
            return
        rows = await self.store.audit_rows(head.chain, after=there.seq - 1, most=1)
        if rows and rows[0].hash == there.hash:
            return
        _log.error("audit_copy_differs", reason="not_this_store")
        self.metrics.note("audit_copy_alarms", "differs")
        await asyncio.to_thread(self.copy.go_on_from, head)

    async def _turn(self, *, failing: bool, why: str = "") -> None:
        """Take note of a change for the worse, or the better."""
        self.gate.closed = failing and self.required
        if failing == self.failing:
            return
        self.failing = failing
        if failing:
            _log.error("audit_copy_failed", reason=why)
            self.metrics.note("audit_copy_alarms", "failed")
        else:
            _log.warning("audit_copy_restored")
        reason = "audit_copy_failed" if failing else "audit_copy_restored"
        event = Event(act=Act.ALERT, at=self.clock.now(), actor=_THE_CLOUD, reason=reason)
        with suppress(StoreUnavailable):
            await self.store.record(event)


@contextmanager
def _unwritable() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ConfigurationError(
            "the audit log's second copy cannot be written: %(reason)s",
            next_step="Let the account that runs the cloud write the file of --audit-copy.",
            reason=error.strerror or type(error).__name__,
        ) from error
