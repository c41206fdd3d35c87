"""`keyin requester enrol`: gives this computer a credential of its own, in the way that works here.

As an administrator: it writes the cloud's address into the configuration, and asks the access
requester to begin. What is secret on the way in, a code or a file, comes over stdin or from a file,
never as an argument; nothing secret ever comes out.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
import msgspec

from keyin.access_requester.administering import place_of
from keyin.access_requester.config import load
from keyin.cli import requester_configuration
from keyin.cli.enrolling import Enrolling
from keyin.cli.exits import complain, errors_for_people
from keyin.cli.texts import _
from keyin.domain.errors import ConfigurationError, KeyinError, msgid
from keyin.remote.requester_admin import RequesterAdministrator, known
from keyin.wire.enrolment_file import LARGEST
from keyin.wire.requester_admin import LONGEST_CODE, Stage
from keyin.wire.requester_trouble import Trouble, trouble

if TYPE_CHECKING:
    from collections.abc import Callable

    from keyin.wire.requester_admin import StandingAnswer

CONFIG: Final = Path("/etc/keyin/requester.toml")


def config_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--config`."""
    return click.option(
        "--config",
        type=click.Path(path_type=Path, dir_okay=False),
        default=CONFIG,
        show_default=True,
        help="The access requester's configuration.",
    )(function)


def _from_stdin(_context: click.Context, _option: click.Parameter, value: str | None) -> str | None:
    if value not in {None, "-"}:
        raise click.BadParameter(
            _("a code on the command line is seen by everybody here; get a new one, and write -")
        )
    return value


@click.command()
@click.option("--cloud", help="The cloud's address; without it, the one in the configuration.")
@config_option
@click.option("--code", callback=_from_stdin, metavar="-", help="Use a one-time code from stdin.")
@click.option(
    "--iat-file",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="Use an enrolment file.",
)
@click.option("--device", is_flag=True, help="Approve with a browser of another computer.")
@click.option("--browser/--no-browser", default=True, help="Whether to open a browser here.")
@click.option("--again", is_flag=True, help="Also where this computer is enrolled already.")
@click.option("--cancel", is_flag=True, help="End an enrolment that has begun.")
@click.option(
    "--patience",
    type=click.IntRange(1, 86_400),
    default=600,
    show_default=True,
    help="Seconds to wait for a person.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def enrol(  # noqa: PLR0913 - its options
    *,
    cloud: str | None,
    config: Path,
    code: str | None,
    iat_file: Path | None,
    device: bool,
    browser: bool,
    again: bool,
    cancel: bool,
    patience: int,
    as_json: bool,
) -> None:
    """Give this computer a credential of its own at a cloud.

    Run it as an administrator while the access requester runs. It opens the browser of whoever
    called it; where there is none, it shows what to open elsewhere, or asks for a one-time code.
    The former credential stays until the new one is proven.

    Example: sudo keyin requester enrol --cloud https://cloud.example
    """
    with errors_for_people(as_json=as_json):
        if sum((code is not None, iat_file is not None, device)) > 1:
            raise click.UsageError(_("use one of --code, --iat-file and --device"))
        before = None if cloud is None else requester_configuration.point_at(config, cloud)
        enrolling = Enrolling(
            requester=administrator(config),
            cloud=_meant(config) or "",
            as_json=as_json,
            patience=float(patience),
            browser=browser,
            device=device,
        )
        try:
            standing = asyncio.run(_run(enrolling, code, iat_file, again, cancel))
        except (KeyinError, KeyboardInterrupt):
            _put_back(config, before)
            raise
    _tell(standing, as_json=as_json)


def administrator(config: Path) -> RequesterAdministrator:
    """Return the door of the requester with this configuration. Raises ConfigurationError."""
    place = place_of(load(config))
    if place is None:
        raise ConfigurationError(
            "the access requester has no door for administrators",
            next_step="name one in its configuration: admin_socket",
        )
    return RequesterAdministrator(place)


async def _run(
    enrolling: Enrolling,
    code: str | None,
    iat_file: Path | None,
    again: bool,  # noqa: FBT001 - a flag of the command
    cancel: bool,  # noqa: FBT001 - a flag of the command
) -> StandingAnswer:
    if cancel:
        return await enrolling.requester.cancel()
    standing = await enrolling.requester.standing()
    if standing.enrolled and not again and standing.cloud == enrolling.cloud:
        return standing
    if code is not None:
        return await enrolling.with_code(_read_code())
    if iat_file is not None:
        return await enrolling.with_file(file_text(iat_file))
    try:
        return await enrolling.ladder()
    except (KeyboardInterrupt, asyncio.CancelledError):
        await enrolling.requester.cancel()
        raise


def _meant(config: Path) -> str | None:
    cloud = load(config).cloud
    return None if cloud is None else cloud.rstrip("/")


def _read_code() -> str:
    if sys.stdin.isatty():
        text: str = click.prompt(_("The code"), hide_input=True)
        return text
    return sys.stdin.readline(LONGEST_CODE).strip()


def file_text(path: Path) -> str:
    """Return what stands in an enrolment file. Raises Refused (`file_wrong`)."""
    try:
        with path.open("rb") as file:
            return file.read(LARGEST + 1)[:LARGEST].decode()
    except (OSError, UnicodeDecodeError):
        raise trouble(Trouble.FILE_WRONG, reason=msgid("it cannot be read")) from None


def _put_back(config: Path, before: bytes | None) -> None:
    """Let a computer that has an identity elsewhere keep it: the configuration names that cloud."""
    if before is not None:
        requester_configuration.write(config, before)


def _tell(standing: StandingAnswer, *, as_json: bool) -> None:
    if as_json:
        event = {"event": "enrolled" if standing.enrolled else "ended"}
        click.echo(msgspec.json.encode({**event, **msgspec.to_builtins(standing)}).decode())
        return
    if not standing.enrolled or standing.stage is Stage.FAILED:
        click.echo(_("no enrolment is at work"))
        return
    click.echo(_("This computer is enrolled."))
    click.echo(_("this computer: %(client)s") % {"client": standing.client_id})
    if standing.name is not None:
        click.echo(_("its name there: %(name)s") % {"name": standing.name})
    if standing.site is not None:
        click.echo(_("its site: %(site)s") % {"site": standing.site})
    click.echo(_("its key's fingerprint: %(mark)s") % {"mark": standing.fingerprint})
    if standing.problem is not None and standing.stage is Stage.NONE:
        complain(known(standing.problem, standing.fields))
