"""What the audit log needs every minute: a signed checkpoint, and the refusals that were counted.

The newest checkpoint stands beside the secrets as well, so that nobody cuts the log's end off
unseen. A log that is shorter than it was is not vouched for anew: that would hide it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

import msgspec
import structlog

from keyin.domain.environment import Millis
from keyin.domain.errors import StoreUnavailable
from keyin.domain.events import Act, Event
from keyin.oauth.audit_ports import AuditLog, RefusalCounts, Trail
from keyin.wire.audit_checkpoints import read, sign
from keyin.wire.jose import InvalidSignature

if TYPE_CHECKING:
    from collections.abc import Callable

    from keyin.domain.environment import Clock
    from keyin.domain.refusal_counts import RefusalCounter
    from keyin.stores.audit_anchor import Anchor
    from keyin.stores.audit_keys import AuditKeys
    from keyin.wire.audit_checkpoints import Checkpoint


EVERY_S: Final = 60.0
HOUR_MS: Final = 3_600_000
DAY_MS: Final = 24 * HOUR_MS
"""So long every checkpoint is kept; then one an hour."""
COUNTS_KEPT_MS: Final = 90 * DAY_MS
_THE_CLOUD: Final = "cloud"
_log: Final = structlog.get_logger()


class Store(AuditLog, RefusalCounts, Trail, Protocol):
    """What this reads and writes."""


class Keeper(msgspec.Struct, kw_only=True):
    """One to a process."""

    store: Store
    keys: AuditKeys
    anchor: Anchor
    refusals: RefusalCounter
    clock: Clock
    also: Callable[[Checkpoint], None] | None = None
    """Who else is told of each checkpoint."""
    signing: bool = True
    """Whether this one vouches for the log; of several on one store, one of each server does."""
    _newest: dict[str, Checkpoint] = msgspec.field(default_factory=dict)
    _anchored: bool = True
    _tidied: int = 0

    async def start(self) -> None:
        """Compare the log with the last checkpoint outside the store. Raises ConfigurationError."""
        if not self.signing:
            return
        for signature in self.anchor.read():
            if not await self._holds(signature):
                self._anchored = False
        if not self._anchored:
            _log.error("audit_broken", reason="not_what_the_anchor_says")
            await self.store.record(
                Event(act=Act.ALERT, at=self.clock.now(), actor=_THE_CLOUD, reason="audit_broken")
            )
        for checkpoint in await self.store.audit_checkpoints():
            self._newest[checkpoint.head.chain] = checkpoint

    async def run(self) -> None:
        """Go on until cancelled."""
        while True:
            await self.clock.sleep(EVERY_S)
            try:
                await self.step()
            except StoreUnavailable as error:
                _log.error("store_unavailable", error=error.message)

    async def step(self) -> None:
        """Write the counts and the checkpoints down. Raises StoreUnavailable."""
        await self._write_counts()
        if not self.signing:
            return
        if await self._sign() and self._anchored:
            self._write_anchor()
        await self._tidy()

    async def _tidy(self) -> None:
        """Once an hour, let go of what is old: the events themselves stay."""
        now = self.clock.now()
        if now < self._tidied + HOUR_MS:
            return
        self._tidied = now
        await self.store.thin_checkpoints(before=Millis(now - DAY_MS))
        await self.store.forget_refusal_counts(before=Millis(now - COUNTS_KEPT_MS))

    async def _write_counts(self) -> None:
        counts = self.refusals.take()
        if not counts:
            return
        try:
            await self.store.add_refusal_counts(counts)
        except StoreUnavailable:
            self.refusals.put_back(counts)
            raise

    async def _holds(self, signature: str) -> bool:
        try:
            checkpoint = read(signature, self.keys.public)
        except InvalidSignature:
            return False
        head = checkpoint.head
        rows = await self.store.audit_rows(head.chain, after=head.seq - 1, most=1)
        return bool(rows) and rows[0].seq == head.seq and rows[0].hash == head.hash

    async def _sign(self) -> bool:
        """Vouch for every chain that went on; say whether any did."""
        signed = False
        for head in await self.store.audit_heads():
            newest = self._newest.get(head.chain)
            if newest is not None and newest.head == head:
                continue
            checkpoint = sign(self.keys.keys[0], head, self.clock.now())
            await self.store.add_checkpoint(checkpoint)
            self._newest[head.chain] = checkpoint
            signed = True
            if self.also is not None:
                self.also(checkpoint)
        return signed

    def _write_anchor(self) -> None:
        try:
            self.anchor.write(one.signature for one in self._newest.values())
        except OSError as error:
            self._anchored = False
            reason = error.strerror or type(error).__name__
            _log.warning("audit_anchor_not_written", reason=reason)
