"""`keyin token create`: a code for one computer, a file for many, or the name of a release."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from keyin.cli.administration import administration
from keyin.cli.exits import errors_for_people
from keyin.cli.on_the_store import on_the_store, say_json
from keyin.cli.texts import _
from keyin.domain.environment import Millis
from keyin.domain.errors import ConfigurationError
from keyin.stores import private_files
from keyin.stores.opening import place_of
from keyin.wire.admin_tokens import AccessMade, MakeAccess
from keyin.wire.utc_text import text_of

if TYPE_CHECKING:
    from keyin.stores.opening import Place
    from keyin.wire.admin_tokens import Kind

_DAY_S: Final = 86_400
_CODE_S: Final = 3600


@click.command()
@click.argument("label")
@click.option(
    "--file",
    "file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write an enrolment file, for many computers; it must not be there yet.",
)
@click.option("--uses", type=click.IntRange(1, 10_000), help="How many computers; 1 if not given.")
@click.option(
    "--days", type=click.IntRange(1, 366), help="How long it lives: a code an hour, a file 30 days."
)
@click.option("--minutes", type=click.IntRange(1, 1440), help="How long it lives, if not days.")
@click.option("--site", help="Where the computers stand.")
@click.option("--owner", help="The account that answers for the computers.")
@click.option("--computer-type", help="As public or private: which limits hold for them.")
@click.option(
    "--cidr",
    "networks",
    multiple=True,
    help="From where it may be used, as 192.0.2.0/24; everywhere if not given.",
)
@click.option(
    "--computer-network",
    "computer_networks",
    multiple=True,
    help="From where its computers may ask; everywhere if not given.",
)
@click.option("--allow-write", "writable", multiple=True, help="A preference they may write.")
@click.option("--read-only", is_flag=True, help="Its computers never get the scope to write.")
@click.option("--software", "software_ids", multiple=True, help="Only this software; repeatable.")
@click.option("--bundle", is_flag=True, help="The file lies beside a package; needs --site.")
@click.option("--channel", is_flag=True, help="No token: LABEL names a release channel.")
@click.option("--issuer", help="The cloud's address in the file; needed where no cloud runs.")
@on_the_store
def create(
    *,
    file: Path | None,
    issuer: str | None,
    as_json: bool,
    data: Path | None,
    database: str | None,
    secrets: Path | None,
    **words: Any,  # noqa: ANN401 - click hands them over by name
) -> None:
    """Make an enrolment code, shown once, or with --file an enrolment file for many computers.

    Example: keyin token create "Forty desks" --file desks.iat --uses 40 --days 30
    --site "Main hall" --cidr 192.0.2.0/24 --data /var/lib/keyin
    """
    op = _op(file=file, **words)
    with errors_for_people(as_json=as_json):
        if file is not None and file.exists():
            raise ConfigurationError(
                "the file %(path)s is there already",
                next_step="Give another name, or remove it: it may still enrol computers.",
                path=file,
            )
        made = asyncio.run(_ask(op, place_of(data, database), secrets, issuer))
        if file is not None:
            _write(file, made)
    if as_json:
        told = {"id": made.id, "expires": made.expires}
        say_json(told | ({"code": made.code} if made.code else {}))
    else:
        _say(made, file)


def _op(  # noqa: PLR0913 - click hands them over by name
    *,
    file: Path | None,
    uses: int | None,
    days: int | None,
    minutes: int | None,
    bundle: bool,
    channel: bool,
    networks: tuple[str, ...],
    computer_networks: tuple[str, ...],
    software_ids: tuple[str, ...],
    **words: Any,  # noqa: ANN401 - as above
) -> MakeAccess:
    if (bundle or (uses or 1) > 1) and file is None and not channel:
        raise click.UsageError(_("what is for many computers is a file: give --file"))
    kind: Kind = "channel" if channel else "bundle" if bundle else "file" if file else "code"
    usual = _CODE_S if kind == "code" else 30 * _DAY_S if file else 366 * _DAY_S
    lifetime = days * _DAY_S if days else minutes * 60 if minutes else usual
    return MakeAccess(
        kind=kind,
        lifetime_s=lifetime,
        uses=uses or 1,
        networks=networks or None,
        computer_networks=computer_networks or None,
        software_ids=software_ids or None,
        **words,
    )


async def _ask(
    op: MakeAccess, place: Place, secrets: Path | None, issuer: str | None
) -> AccessMade:
    async with administration(place, secrets, issuer=issuer) as admin:
        return await admin.ask(op)


def _write(file: Path, made: AccessMade) -> None:
    try:
        private_files.create(file, (made.file or "").encode())
    except OSError as error:
        raise ConfigurationError(
            "the file %(path)s cannot be written: %(reason)s",
            next_step="The token is made: revoke it with `keyin token revoke`, and try again.",
            path=file,
            reason=error.strerror or type(error).__name__,
        ) from error


def _say(made: AccessMade, file: Path | None) -> None:
    if made.code is not None:
        click.echo(made.code)
    told = _("It is %(id)s, and good until %(expires)s.")
    click.echo(
        told % {"id": made.id, "expires": text_of(Millis(made.expires))}, err=made.code is not None
    )
    if file is not None:
        click.echo(_("Whoever has the file can enrol computers: keep it as you keep keys."))
