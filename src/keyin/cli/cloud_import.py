"""`keyin cloud import`: GPII documents, preference sets and registries into the store."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
import msgspec

from keyin.cli.exits import errors_for_people, spoken
from keyin.cli.progress import Progress
from keyin.cli.texts import _
from keyin.cloud.import_sources import read
from keyin.cloud.importing import KINDS, Options, import_found
from keyin.domain.environment import Millis
from keyin.domain.errors import msgid
from keyin.stores.host import SystemClock
from keyin.stores.opening import opened, place_of

if TYPE_CHECKING:
    from keyin.cloud.import_sources import Doubt, Refusal, SafeKind
    from keyin.cloud.importing import Report

_YEAR: Final = timedelta(days=365)
_PATH: Final = click.Path(exists=True, path_type=Path)
_NAMES: Final = {
    "clients": msgid("clients: %(written)s written, %(there)s there already"),
    "credentials": msgid("credentials: %(written)s written, %(there)s there already"),
    "safes": msgid("preferences: %(written)s written, %(there)s there already"),
    "keys": msgid("keys: %(written)s written, %(there)s there already"),
    "tokens": msgid("tokens: %(written)s written, %(there)s there already"),
}


@click.command()
@click.option("--data", type=click.Path(path_type=Path), help="The folder that holds the store.")
@click.option(
    "--database", metavar="URL", help="The store as a URL: sqlite:DIR, or postgresql://..."
)
@click.option(
    "--secrets", type=click.Path(path_type=Path), help="The folder of peppers and data keys."
)
@click.option(
    "--as",
    "safe_kind",
    type=click.Choice(["user", "snapset"]),
    default="user",
    help="What preference sets become: a person's own, or read-only.",
)
@click.option(
    "--solutions", type=_PATH, multiple=True, help="A registry NAME.json5, or a folder of them."
)
@click.option(
    "--legacy-until",
    type=click.DateTime(["%Y-%m-%d"]),
    help="The day (UTC) until which these clients may use a client secret; one year from now.",
)
@click.option(
    "--allow-test-credentials",
    is_flag=True,
    help="Take credentials whose secret is published; the cloud then listens on loopback only.",
)
@click.option("--json", "as_json", is_flag=True, help="Say it as one JSON object.")
@click.argument("paths", type=_PATH, nargs=-1)
def import_(*, as_json: bool, **options: Any) -> None:  # noqa: ANN401 - click hands them over by name
    """Read GPII documents (*.json) and preference sets (*.json5) into the store.

    Safe to repeat, also after it was killed: what is there already stays as it is. Exit code 1
    says that something was refused; what, and why, stands in the answer.

    Example: keyin cloud import --data /var/lib/keyin --solutions solutions dbData preferences
    """
    with errors_for_people(as_json=as_json):
        report = asyncio.run(_run(**options))
    click.echo(_as_json(report) if as_json else _as_text(report))
    if report.refusals:
        raise SystemExit(1)


async def _run(  # noqa: PLR0913 - one parameter an option
    *,
    data: Path | None,
    database: str | None,
    secrets: Path | None,
    safe_kind: SafeKind,
    solutions: tuple[Path, ...],
    legacy_until: datetime | None,
    allow_test_credentials: bool,
    paths: tuple[Path, ...],
) -> Report:
    now = SystemClock().now()
    until = legacy_until.replace(tzinfo=UTC) if legacy_until else None
    options = Options(
        now=now,
        legacy_until=_millis(until or datetime.fromtimestamp(now / 1000, UTC) + _YEAR),
        allow_test_credentials=allow_test_credentials,
    )
    async with opened(place_of(data, database), secrets, exclusive=True) as store:
        found = read(paths, solutions, safe_kind=safe_kind)
        return await import_found(
            found, store.store, store.secrets, options, Progress(SystemClock())
        )


def _millis(time: datetime) -> Millis:
    return Millis(int(time.timestamp() * 1000))


def _as_json(report: Report) -> str:
    body = {
        "written": report.written,
        "already_there": {kind: report.given[kind] - report.written[kind] for kind in KINDS},
        "weak_keys": report.weak_keys,
        "unrestricted_credentials": report.unrestricted,
        "registries": report.registries,
        "views_skipped": report.views,
        "refused": [_told(refusal) for refusal in report.refusals],
        "doubtful": [_told(doubt) for doubt in report.doubts],
    }
    return msgspec.json.encode(body).decode()


def _told(one: Refusal | Doubt) -> dict[str, str | int | None]:
    reason = one.reason.message % one.reason.fields
    return {"source": one.place.source, "number": one.place.number, "reason": reason}


def _as_text(report: Report) -> str:
    lines = []
    for kind in KINDS:
        written = report.written[kind]
        there = report.given[kind] - written
        if written or there:
            lines.append(_(_NAMES[kind]) % {"written": written, "there": there})
    if report.weak_keys:
        lines.append(
            _("keys that could be guessed (under 128 random bits): %(count)s")
            % {"count": report.weak_keys}
        )
    if report.unrestricted:
        lines.append(
            _("credentials without a limit to networks or writing: %(count)s; see `%(verb)s`")
            % {"count": report.unrestricted, "verb": "keyin cloud check"}
        )
    if report.registries:
        lines.append(_("registries: %(names)s") % {"names": ", ".join(report.registries)})
    if report.views:
        lines.append(_("database views skipped: %(count)s") % {"count": report.views})
    lines += [_("doubtful: %s") % _where_and_why(doubt) for doubt in report.doubts]
    lines += [_("refused: %s") % _where_and_why(refusal) for refusal in report.refusals]
    return "\n".join(lines) or _("there was nothing to import")


def _where_and_why(one: Refusal | Doubt) -> str:
    place = {"source": one.place.source, "number": one.place.number}
    where = _("%(source)s, number %(number)s") if place["number"] else "%(source)s"
    return f"{where % place}: {spoken(one.reason.message, one.reason)}"
