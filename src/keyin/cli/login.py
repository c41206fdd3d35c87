"""`keyin login|logout|status`: what a person says to their flow manager."""

from __future__ import annotations

import asyncio
import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
import msgspec

from keyin.cli.exits import errors_for_people
from keyin.cli.key_reading import only_a_dash, read_key, read_pin
from keyin.cli.texts import _, ngettext
from keyin.domain.errors import (
    CloudUnreachable,
    FlowManagerUnreachable,
    HandlerFailed,
    InvalidDocument,
    KeyinError,
    Refused,
    RequesterUnreachable,
    StoreUnavailable,
)
from keyin.flow_manager.places import control_socket
from keyin.remote.ipc_client import IpcClient
from keyin.wire.session import SERVICE

if TYPE_CHECKING:
    from collections.abc import Callable

_MINUTES: Final = 180.0  # seconds: programs may take their time to start
_KINDS: Final[dict[str, type[KeyinError]]] = {
    kind.code: kind
    for kind in (
        CloudUnreachable,
        HandlerFailed,
        InvalidDocument,
        RequesterUnreachable,
        StoreUnavailable,
    )
}


def _shared(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that all three verbs have."""
    for option in (
        click.option("--json", "as_json", is_flag=True, help="Answer as one JSON object."),
        click.option(
            "--socket",
            type=click.Path(path_type=Path),
            help="The flow manager's socket, if it is not where it usually is.",
        ),
    ):
        command = option(command)
    return command


@click.command(
    epilog="""
    \b
    Examples:
      keyin login                    asks for the key
      keyin login - < key.txt        reads it from standard input
      keyin login --key-file /media/stick/.gpii-user-token.txt
      keyin login --pin              asks for the key and its PIN
      keyin login --dry-run          shows what would change
    """
)
@click.argument("source", required=False, callback=only_a_dash, metavar="[-]")
@click.option("--key-file", type=click.Path(path_type=Path), help="A file that holds the key.")
@click.option("--pin", "asks_pin", is_flag=True, help="Ask for the key's PIN too, unseen.")
@click.option("--pin-file", type=click.Path(path_type=Path), help="A file that holds the PIN.")
@click.option("--dry-run", is_flag=True, help="Change nothing; show what would change.")
@_shared
def login(  # noqa: PLR0913 - one parameter an option
    *,
    source: str | None,
    key_file: Path | None,
    asks_pin: bool,
    pin_file: Path | None,
    dry_run: bool,
    as_json: bool,
    socket: Path | None,
) -> None:
    """Key in: this computer becomes usable for you. The key is never an argument."""
    if source and key_file:
        raise click.UsageError(_("give the key in one way only"))
    with errors_for_people(as_json=as_json):
        key = read_key(source, key_file)
        pin = read_pin(pin_file, ask=asks_pin)
        more = {} if pin is None else {"pin": pin.reveal()}
        reply = _ask(socket, "login", gpii_key=key.reveal(), dry_run=dry_run, **more)
    if as_json:
        _show_json(reply)
    elif dry_run:
        _show_differences(reply)
    else:
        count = reply["settings"]
        text = ngettext(
            "You are keyed in: %(count)s setting was made.",
            "You are keyed in: %(count)s settings were made.",
            count,
        )
        click.echo(text % {"count": count})
        _show_skipped(reply)


@click.command(
    epilog="""
    \b
    Example:
      keyin logout
    """
)
@_shared
def logout(*, as_json: bool, socket: Path | None) -> None:
    """Key out: everything is put back as it was."""
    with errors_for_people(as_json=as_json):
        reply = _ask(socket, "logout")
    if as_json:
        _show_json(reply)
    else:
        click.echo(_("You are keyed out; everything is as it was."))


@click.command(
    epilog="""
    \b
    Example:
      keyin status --json
    """
)
@_shared
def status(*, as_json: bool, socket: Path | None) -> None:
    """Say whether somebody is keyed in."""
    with errors_for_people(as_json=as_json):
        reply = _ask(socket, "status")
    if as_json:
        _show_json(reply)
        return
    click.echo(_("Somebody is keyed in.") if reply["keyed_in"] else _("Nobody is keyed in."))
    if reply["busy"]:
        click.echo(_("A login or logout is under way."))
    if reply["not_restored"]:
        click.echo(_("Something of an earlier session could not be put back yet."))


def _ask(path: Path | None, op: str, **fields: object) -> dict[str, Any]:
    return asyncio.run(_asked(path or control_socket(os.environ), op, fields))


async def _asked(path: Path, op: str, fields: dict[str, object]) -> dict[str, Any]:
    client = await IpcClient.connect(
        path,
        service=SERVICE,
        expect_uid=os.geteuid(),
        timeout=_MINUTES,
        unreachable=FlowManagerUnreachable,
    )
    try:
        return await client.request(op, request_id=secrets.token_hex(12), **fields)
    except Refused as error:
        kind = _KINDS.get(error.code)
        if kind is None:
            raise
        raise kind(error.message, next_step=error.next_step, **error.fields) from None
    finally:
        await client.close()


def _show_json(reply: dict[str, Any]) -> None:
    shown = {name: value for name, value in reply.items() if name not in {"v", "id", "ok"}}
    click.echo(msgspec.json.encode(shown).decode())


def _show_differences(reply: dict[str, Any]) -> None:
    differences = reply["differences"]
    if not differences:
        click.echo(_("Nothing would change."))
    rows = [
        (item["solution"], item["setting"], _shown(item, "now"), _shown(item, "then"))
        for item in differences
    ]
    if rows:
        rows.insert(0, (_("Solution"), _("Setting"), _("Now"), _("Then")))
    widths = [max(len(row[column]) for row in rows) for column in range(4)] if rows else []
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        click.echo("  ".join(cells).rstrip())
    _show_skipped(reply)


def _shown(item: dict[str, Any], name: str) -> str:
    if name not in item:
        return _("(not set)")
    return msgspec.json.encode(item[name]).decode()


def _show_skipped(reply: dict[str, Any]) -> None:
    for item in reply["skipped"]:
        click.echo(
            _("Nothing on this computer takes %(type)s of %(solution)s.")
            % {"type": item["type"], "solution": item["solution"]}
        )
