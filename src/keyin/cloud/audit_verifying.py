"""The whole audit log, walked along: every row is what was written, and every row is there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keyin.oauth.audit_ports import AuditLog
    from keyin.wire.audit_chain import BadRow
    from keyin.wire.audit_evidence import Evidence

_PAGE: Final = 2000


class ChainReport(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one chain."""

    chain: str
    rows: int
    """That fit: with a bad row, those before it."""
    vouched: int
    """Up to which row a signed checkpoint speaks for it."""
    bad: BadRow | None


async def verify(log: AuditLog, evidence: Evidence) -> Sequence[ChainReport]:
    """Hold every chain against its own hashes and the evidence. Raises StoreUnavailable.

    What stands outside the store must be in `evidence` before, since the store may grow.
    """
    for checkpoint in await log.audit_checkpoints():
        evidence.add_checkpoint(checkpoint)
    chains = {head.chain for head in await log.audit_heads()} | evidence.chains
    return [await _chain(log, evidence, chain) for chain in sorted(chains)]


async def _chain(log: AuditLog, evidence: Evidence, chain: str) -> ChainReport:
    trial = evidence.about(chain)
    after, going_on = 0, True
    while going_on and (page := await log.audit_rows(chain, after=after, most=_PAGE)):
        after = page[-1].seq
        going_on = all(trial.step(row) for row in page)
    return ChainReport(
        chain=chain, rows=trial.walk.head.seq, vouched=trial.vouched, bad=trial.end()
    )
