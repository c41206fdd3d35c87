"""`keyin requester rotate|leave|seal`: what becomes of this computer's credential later."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from keyin.cli.exits import errors_for_people
from keyin.cli.requester_enrol import administrator, config_option, file_text
from keyin.cli.texts import _

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from keyin.wire.requester_admin import DoneAnswer

_json = click.option("--json", "as_json", is_flag=True, help="One JSON object.")


@click.command()
@config_option
@_json
def rotate(*, config: Path, as_json: bool) -> None:
    """Change this computer's key, without a moment in which it has none.

    Example: sudo keyin requester rotate
    """
    done = _asked(lambda: administrator(config).rotate(), as_json=as_json)
    if not as_json:
        text = _("This computer has a new key; its fingerprint: %(mark)s")
        click.echo(text % {"mark": done.fingerprint})


@click.command()
@config_option
@click.option("--offline", is_flag=True, help="Also where the cloud cannot be told.")
@_json
def leave(*, config: Path, offline: bool, as_json: bool) -> None:
    """Take this computer off the cloud and destroy its credential: before it is removed or sold.

    Example: sudo keyin requester leave
    """
    done = _asked(lambda: administrator(config).leave(offline=offline), as_json=as_json)
    if not as_json:
        click.echo(_("This computer has left the cloud."))
        _tell_unless(done)


@click.command()
@config_option
@click.option(
    "--iat-file",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="The enrolment file that copies enrol with; without it, the one that lies there.",
)
@click.option("--without-file", is_flag=True, help="Also where copies could not enrol themselves.")
@_json
def seal(*, config: Path, iat_file: Path | None, without_file: bool, as_json: bool) -> None:
    """Make this computer ready for imaging: its credential goes, its site's file comes.

    Each copy enrols itself at its first start, with the file that is laid where [enrolment] file
    says, and takes it away then. Empty /etc/machine-id too, as for every image; switch the computer
    off afterwards.

    Example: sudo keyin requester seal --iat-file /media/usb/reading-room.iat
    """

    async def sealed() -> DoneAnswer:
        file = None if iat_file is None else file_text(iat_file)
        return await administrator(config).seal(without_file=without_file, file=file)

    if iat_file is not None and without_file:
        raise click.UsageError(_("use one of --iat-file and --without-file"))
    done = _asked(sealed, as_json=as_json)
    if not as_json:
        click.echo(_("This computer is ready for imaging. Switch it off now."))
        _tell_unless(done)


def _asked(act: Callable[[], Coroutine[Any, Any, DoneAnswer]], *, as_json: bool) -> DoneAnswer:
    with errors_for_people(as_json=as_json):
        done = asyncio.run(act())
    if as_json:
        click.echo(msgspec.json.encode(done).decode())
    return done


def _tell_unless(done: DoneAnswer) -> None:
    if not done.told_cloud:
        click.echo(_("The cloud could not be told: revoke this computer on its page."))
