"""After a backup was put back: every token from before is void, revocations since count again.

What was taken back between the backup and the disaster stands in the audit log's second copy. Its
rows go back into the log (they carry their own hashes, so nobody can tell afterwards that they were
gone), and what they revoked is revoked again. Nothing is ever given. A restore that was cut short
goes on where it was: the store remembers how far the backup came.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final, Protocol

import msgspec

from keyin.cloud.restore_applying import Applier
from keyin.cloud.restore_applying import Store as AppliedStore
from keyin.cloud.since_backup import Left, SinceBackup
from keyin.domain.errors import ConfigurationError
from keyin.domain.events import ADMINISTRATOR, Act, Event
from keyin.oauth.audit_ports import AuditLog
from keyin.wire.audit_chain import Head, Row, beginning, link
from keyin.wire.audit_lines import CopiedRow, read_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from keyin.domain.environment import Millis
    from keyin.oauth.accounts import PasswordHash

_PAGE: Final = 500
_event: Final = msgspec.json.Decoder(Event).decode
_any: Final = msgspec.json.Decoder(dict[str, object]).decode


class Restorable(Protocol):
    """A store that was put back. Each raises StoreUnavailable."""

    async def restoring_from(self) -> Mapping[str, int] | None:
        """Return how far each chain of the backup came; None: no restore is under way."""
        ...

    async def begin_restoring(self, heads: Mapping[str, int]) -> None:
        """Remember how far the chains of the backup came, until `end_restoring`; durable."""
        ...

    async def continue_chain(self, rows: Sequence[Row]) -> bool:
        """Add rows of one chain as they are; False, and nothing: they do not follow its last."""
        ...

    async def end_restoring(self, *, event: Event) -> int:
        """Make all tokens void, forget sessions and all that waits for an answer; all in one.

        Returns the new epoch.
        """
        ...


class Store(Restorable, AuditLog, AppliedStore, Protocol):
    """What this reads and writes."""


class Report(msgspec.Struct, kw_only=True):
    """What became of it."""

    epoch: int = 0
    rows: int = 0
    """Of the log, that the backup did not have and the copy did."""
    broken: list[str] = msgspec.field(default_factory=list)
    """Chains whose rows could not be put back into the log."""
    applied: Mapping[str, int] = msgspec.field(default_factory=dict)
    made: Mapping[str, int] = msgspec.field(default_factory=dict)
    left: Sequence[Left] = ()


def refuse_unfinished(restoring_from: Mapping[str, int] | None) -> None:
    """Raise ConfigurationError where a restore was begun and not ended: nothing may be served."""
    if restoring_from is not None:
        raise ConfigurationError(
            "a backup was put back here, and what was revoked since is not all revoked again",
            next_step="Repeat `keyin cloud restored` as before: it goes on where it was.",
        )


async def restore(
    store: Store,
    copies: Callable[[], Iterator[bytes]],
    now: Millis,
    *,
    nobodys: PasswordHash,
    incomplete: bool = False,
) -> Report:
    """Do all of it; `copies` opens the lines of the second copy, oldest file first.

    `nobodys` is the hash of a password that nobody knows. Raises OSError (a copy),
    ConfigurationError (rows are missing in it, and that is not said by `incomplete`), and
    StoreUnavailable.
    """
    started = await store.restoring_from()
    if started is None:
        started = await _common(store, copies())
        if not incomplete:
            _refuse_gaps(_after(copies(), started), started)
        await store.begin_restoring(started)
    report = Report()
    await _put_rows_back(store, _after(copies(), started), report)
    since = SinceBackup()
    for row in _after(copies(), started):
        _note(since, row)
    applier = Applier(store, now, nobodys=nobodys)
    await applier.apply(since)
    report.applied, report.made, report.left = applier.applied, since.made, since.left
    report.epoch = await store.end_restoring(event=_told(report, now))
    return report


def _refuse_gaps(rows: Iterable[CopiedRow], started: Mapping[str, int]) -> None:
    """Raise ConfigurationError where a copy does not go on where the store, or a row, ends."""
    last = dict(started)
    for row in rows:
        expected = last.get(row.chain, 0) + 1
        if row.seq != expected:
            raise ConfigurationError(
                "the copy lacks rows %(first)s to %(last)s of chain %(chain)s",
                next_step="Give the older files of the copy too, the oldest first. If they are "
                "lost, say --incomplete: what was revoked in them stays as it was.",
                first=expected,
                last=row.seq - 1,
                chain=row.chain,
            )
        last[row.chain] = row.seq


async def _common(store: Store, lines: Iterable[bytes]) -> dict[str, int]:
    """Return up to which row of each chain the store and the copy agree."""
    heads = {head.chain: head for head in await store.audit_heads()}
    agreed = {chain: head.seq for chain, head in heads.items()}
    parted: set[str] = set()
    for chain, page in _pages(_rows(lines)):
        own = await store.audit_rows(chain, after=page[0].seq - 1, most=len(page))
        hashes = {row.seq: row.hash for row in own}
        for row in page:
            if hashes.get(row.seq, row.head.hash) != row.head.hash and chain not in parted:
                agreed[chain] = row.seq - 1
                parted.add(chain)
    return agreed


async def _put_rows_back(store: Store, rows: Iterable[CopiedRow], report: Report) -> None:
    """Let the log be as it was; a chain that does not fit together stays as it is."""
    heads = {head.chain: head for head in await store.audit_heads()}
    for chain, page in _pages(rows):
        if chain in report.broken:
            continue
        head = heads.get(chain) or beginning(chain)
        later = [row for row in page if row.seq > head.seq]
        following = _following(head, later)
        if len(following) < len(later) or not await _continued(store, following):
            report.broken.append(chain)
            continue
        report.rows += len(following)
        if following:
            last = following[-1]
            heads[chain] = Head(chain, last.seq, last.hash)


async def _continued(store: Store, rows: Sequence[Row]) -> bool:
    return not rows or await store.continue_chain(rows)


def _following(head: Head, rows: Iterable[CopiedRow]) -> list[Row]:
    """Return the rows as far as each follows the one before it by number and by hash."""
    found: list[Row] = []
    for row in rows:
        event = bytes(row.event)
        if row.seq != head.seq + 1 or row.head.hash != link(head.hash, event):
            break
        found.append(Row(row.chain, row.seq, _time(event), event.decode(), row.head.hash))
        head = row.head
    return found


def _after(lines: Iterable[bytes], started: Mapping[str, int]) -> Iterator[CopiedRow]:
    """Return what came after the backup; where a copy says something twice, once."""
    last = dict(started)
    for row in _rows(lines):
        if row.seq > last.get(row.chain, 0):
            last[row.chain] = row.seq
            yield row


def _rows(lines: Iterable[bytes]) -> Iterator[CopiedRow]:
    for line in lines:
        found = read_line(line)
        if isinstance(found, CopiedRow) and found.has_event():
            yield found


def _pages(rows: Iterable[CopiedRow]) -> Iterator[tuple[str, list[CopiedRow]]]:
    """Return the rows some hundreds at a time, each page of one chain."""
    coming = iter(rows)
    while page := list(islice(coming, _PAGE)):
        for chain in dict.fromkeys(row.chain for row in page):
            yield chain, [row for row in page if row.chain == chain]


def _note(since: SinceBackup, row: CopiedRow) -> None:
    try:
        since.note(_event(bytes(row.event)))
    except (msgspec.MsgspecError, ValueError):
        since.note_unreadable(_name(bytes(row.event)))


def _name(event: bytes) -> str:
    try:
        return str(_any(event).get("act", "-"))
    except (msgspec.MsgspecError, ValueError):
        return "-"


def _time(event: bytes) -> Millis:
    found = _any(event).get("at")
    return found if isinstance(found, int) else 0  # type: ignore[return-value]  # a number is one


def _told(report: Report, now: Millis) -> Event:
    detail = {
        "rows": str(report.rows),
        "applied": str(sum(report.applied.values())),
        "left": str(len(report.left)),
    }
    return Event(act=Act.EPOCH_MOVED, at=now, actor=ADMINISTRATOR, reason="restored", detail=detail)
