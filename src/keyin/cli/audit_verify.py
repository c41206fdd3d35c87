"""`keyin cloud audit verify`: walks along the whole log, in use or not; changes nothing."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from keyin.cli.exits import FAILED, errors_for_people
from keyin.cli.on_the_store import on_the_store, plain, say_json
from keyin.cli.texts import _
from keyin.cloud.audit_verifying import verify as run
from keyin.domain.errors import ConfigurationError, msgid
from keyin.stores.audit_anchor import Anchor
from keyin.stores.audit_copy import copied_lines
from keyin.stores.audit_keys import AuditKeys
from keyin.stores.host import SystemEntropy
from keyin.stores.opening import opened, place_of, secrets_of
from keyin.wire.audit_chain import Fault
from keyin.wire.audit_evidence import Evidence

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keyin.cloud.audit_verifying import ChainReport

_FAULTS: Final = {
    Fault.MISSING: msgid("it is missing"),
    Fault.CHANGED: msgid("it was changed, or does not belong there"),
    Fault.UNSIGNED: msgid("it is not what a signed checkpoint speaks for"),
    Fault.OTHER_COPY: msgid("the second copy has something else in its place"),
}


@click.command()
@click.option(
    "--copy",
    "copies",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    multiple=True,
    help="The second copy; a file that was rotated before the one that follows.",
)
@on_the_store
def verify(*, copies: tuple[Path, ...], as_json: bool, **store: Any) -> None:  # noqa: ANN401 - click hands them over by name
    """Check every row of the audit log, the signed checkpoints, and a second copy.

    Ends with 1 and names the first bad row where something was changed, removed or added.

    Example: keyin cloud audit verify --data /var/lib/keyin --copy /var/log/keyin/audit.jsonl
    """
    with errors_for_people(as_json=as_json):
        reports = asyncio.run(_run(copies, **store))
    bad = [report for report in reports if report.bad is not None]
    if as_json:
        say_json({"ok": not bad, "chains": [_as_json(report) for report in reports]})
    else:
        click.echo("\n".join(map(_as_text, reports)) or _("The audit log is empty."))
    if bad:
        raise SystemExit(FAILED)


async def _run(
    copies: tuple[Path, ...], *, data: Path | None, database: str | None, secrets: Path | None
) -> Sequence[ChainReport]:
    """Gather what stands outside the store first: the store may grow meanwhile."""
    place = place_of(data, database)
    async with opened(place, secrets, exclusive=False) as found:
        beside = secrets_of(place, secrets)
        evidence = Evidence(AuditKeys.open(beside, entropy=SystemEntropy(), create=False).public)
        for signature in Anchor(beside).read():
            evidence.add_signature(signature)
        for copy in copies:
            _add_copy(evidence, copy)
        await found.store.hold_still()
        return await run(found.store, evidence)


def _add_copy(evidence: Evidence, copy: Path) -> None:
    try:
        evidence.add_copy(copied_lines(copy))
    except OSError as error:
        raise ConfigurationError(
            "%(path)s cannot be read: %(reason)s",
            next_step="Check --copy and that this account may read the file.",
            path=copy,
            reason=error.strerror or type(error).__name__,
        ) from error


def _as_json(report: ChainReport) -> dict[str, object]:
    bad = report.bad
    return {
        "chain": report.chain,
        "rows": report.rows,
        "vouched": report.vouched,
        "bad": {"seq": bad.seq, "fault": bad.fault} if bad else None,
    }


def _as_text(report: ChainReport) -> str:
    fields = {
        "chain": plain(report.chain),
        "rows": report.rows,
        "vouched": report.vouched,
        "seq": report.bad.seq if report.bad else 0,
        "fault": _(_FAULTS[report.bad.fault]) if report.bad else "",
    }
    if report.bad:
        return _("Chain %(chain)s, row %(seq)s: %(fault)s.") % fields
    return _("Chain %(chain)s: %(rows)s rows, all whole; signed up to row %(vouched)s.") % fields
