"""`keyin requester status|forget`: asks a running access requester over its socket."""

from __future__ import annotations

import asyncio
import os
import secrets
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

import click
import msgspec

from keyin.cli.exits import FAILED, errors_for_people
from keyin.cli.texts import _, ngettext
from keyin.domain.errors import ConfigurationError
from keyin.domain.secret import GpiiKey
from keyin.remote.access_requester import RequesterClient
from keyin.wire.requester import ERROR_TEXTS, MAX_KEY, ErrorCode

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from keyin.wire.requester import StatusAnswer

_DEFAULT_SOCKET: Final = Path("/run/keyin/requester.sock")
_Answer = TypeVar("_Answer")

_socket = click.option(
    "--socket",
    type=click.Path(path_type=Path),
    default=_DEFAULT_SOCKET,
    show_default=True,
    help="The access requester's socket.",
)
_uid = click.option(
    "--requester-uid", type=int, help="Its account; without it, the owner of the directory."
)
_json = click.option("--json", "as_json", is_flag=True, help="One JSON object.")


@click.command()
@_socket
@_uid
@_json
def status(*, socket: Path, requester_uid: int | None, as_json: bool) -> None:
    """Say whether this computer can get tokens. Exit code 1 if it cannot.

    Example: keyin requester status --json
    """
    with errors_for_people(as_json=as_json):
        answer = _ask(socket, requester_uid, lambda client: client.status())
    if as_json:
        click.echo(msgspec.json.encode(answer).decode())
    else:
        _describe(answer)
    if not answer.enrolled:
        raise SystemExit(FAILED)


@click.command()
@_socket
@_uid
@click.option(
    "--key-file", help="Forget only the token of the key in this file; - reads it from stdin."
)
@_json
def forget(*, socket: Path, requester_uid: int | None, key_file: str | None, as_json: bool) -> None:
    """Drop the tokens that are kept for your account.

    Example: keyin requester forget
    """
    with errors_for_people(as_json=as_json):
        key = None if key_file is None else _read_key(key_file)
        count = _ask(socket, requester_uid, lambda client: _forget(client, key))
    if as_json:
        click.echo(msgspec.json.encode({"forgotten": count}).decode())
    else:
        click.echo(
            ngettext("forgot %(count)s token", "forgot %(count)s tokens", count) % {"count": count}
        )


def _ask(
    socket: Path, uid: int | None, question: Callable[[RequesterClient], Awaitable[_Answer]]
) -> _Answer:
    async def ask() -> _Answer:
        return await question(RequesterClient.at(socket, expect_uid=uid))

    return asyncio.run(ask())


async def _forget(client: RequesterClient, key: GpiiKey | None) -> int:
    return await client.drop(key, request_id=secrets.token_hex(16))


def _read_key(name: str) -> GpiiKey:
    try:
        if name == "-":
            text = sys.stdin.readline(MAX_KEY + 2)
        else:
            with Path(name).open(encoding="utf-8") as file:
                text = file.readline(MAX_KEY + 2)
    except (OSError, UnicodeDecodeError) as exc:
        raise ConfigurationError(
            "the file with the key cannot be read",
            next_step="name a text file whose first line is the key",
        ) from exc
    return GpiiKey(text.rstrip(os.linesep))


def _describe(answer: StatusAnswer) -> None:
    click.echo(_("cloud: %(cloud)s") % {"cloud": answer.cloud})
    if answer.client_id is not None:
        click.echo(_("this computer: %(client)s") % {"client": answer.client_id})
    click.echo(_("tokens kept for you: %(count)s") % {"count": answer.tokens})
    if answer.problem is None:
        click.echo(_("no trouble is known"))
        return
    click.echo(_("last trouble: %(code)s") % {"code": answer.problem})
    if answer.problem in list(ErrorCode):
        step = ERROR_TEXTS[ErrorCode(answer.problem)].next_step
        if "%(" not in step:
            click.echo(_("Next step: %(step)s") % {"step": _(step)})
