"""`keyin requester new-key|public-key|adopt`: gives this computer its credential by hand.

The private half is made here and never leaves the file; whoever runs the cloud gets the public half
(`keyin client create --public-key`) and gives back the id that it goes by.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
import msgspec

from keyin.cli.exits import errors_for_people
from keyin.cli.texts import _
from keyin.domain.errors import ConfigurationError
from keyin.stores.credential_file import check_place, file_content, named, read_file
from keyin.stores.host import SystemEntropy
from keyin.stores.private_files import create, replace
from keyin.wire.signing_key import new_key as make_key

if TYPE_CHECKING:
    from collections.abc import Callable

    from keyin.stores.credential_file import CredentialFile
    from keyin.wire.jose import PublicKey

DEFAULT: Final = Path("/etc/keyin/credential.json")
_LONGEST_ID: Final = 512

_credential = click.option(
    "--credential",
    type=click.Path(path_type=Path, dir_okay=False),
    default=DEFAULT,
    show_default=True,
    help="The access requester's credential.",
)
_json = click.option("--json", "as_json", is_flag=True, help="One JSON object.")


@click.command("new-key")
@_credential
@click.option(
    "--public-key",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the public half to this file; without it, it is printed.",
)
@_json
def new_key(*, credential: Path, public_key: Path | None, as_json: bool) -> None:
    """Make this computer's key pair; the private half stays in the credential's file.

    Run it under the access requester's account. An existing file is never replaced. Give the
    public half to whoever runs the cloud.

    Example: keyin requester new-key --credential /etc/keyin/credential.json --public-key desk.jwk
    """
    with errors_for_people(as_json=as_json):
        public = _make(credential)
        if public_key is not None:
            _doing(public_key, lambda: public_key.write_bytes(public.jwk + b"\n"))
    if as_json or public_key is None:
        _show(public, as_json=as_json)
    else:
        text = _("wrote %(path)s; next, on the cloud: keyin client create --public-key %(path)s")
        click.echo(text % {"path": public_key})


@click.command("public-key")
@_credential
@_json
def public_key(*, credential: Path, as_json: bool) -> None:
    """Print the public half of this computer's key again.

    Example: keyin requester public-key --credential /etc/keyin/credential.json
    """
    with errors_for_people(as_json=as_json):
        found = _read(credential)
    _show(found.public, as_json=as_json)


@click.command()
@click.argument("client_id")
@_credential
@_json
def adopt(*, client_id: str, credential: Path, as_json: bool) -> None:
    """Write down the id that the cloud gave to this computer's key.

    The access requester uses it from its next question on.

    Example: keyin requester adopt gai_9hSo2YkQ3mXvT0aL --credential /etc/keyin/credential.json
    """
    with errors_for_people(as_json=as_json):
        public = _adopt(credential, client_id)
    if as_json:
        click.echo(msgspec.json.encode({"client_id": client_id, "kid": public.thumbprint}).decode())
    else:
        click.echo(_("this computer: %(client)s") % {"client": client_id})


def _show(public: PublicKey, *, as_json: bool) -> None:
    said = {"kid": public.thumbprint, "public_key": msgspec.Raw(public.jwk)}
    click.echo(msgspec.json.encode(said).decode() if as_json else public.jwk.decode())


def _make(path: Path) -> PublicKey:
    key = make_key(SystemEntropy())
    try:
        _doing(path, lambda: check_place(path))
        _doing(path, lambda: create(path, file_content(key, None)))
    except FileExistsError:
        raise ConfigurationError(
            "there is a file %(path)s already; no credential is ever replaced",
            next_step="use the key in it, or name another file with --credential",
            path=str(path),
        ) from None
    return key.public


def _adopt(path: Path, client_id: str) -> PublicKey:
    if not 0 < len(client_id) <= _LONGEST_ID or not client_id.isascii() or " " in client_id:
        raise ConfigurationError(
            "this is no client id", next_step="give the one that `keyin client create` printed"
        )
    found = _read(path)
    if found.client_id not in {None, client_id}:
        raise ConfigurationError(
            "the key in %(path)s goes by another client id already",
            next_step="make a new key for a new id: keyin requester new-key --help",
            path=str(path),
        )
    _doing(path, lambda: replace(path, named(found, client_id)))
    return found.public


def _read(path: Path) -> CredentialFile:
    try:
        return read_file(path)
    except FileNotFoundError:
        raise ConfigurationError(
            "there is no credential %(path)s yet",
            next_step="make a key first: keyin requester new-key --help",
            path=str(path),
        ) from None


def _doing(path: Path, act: Callable[[], Any]) -> None:
    """Do it; FileExistsError is the caller's to explain. Raises ConfigurationError."""
    try:
        act()
    except FileExistsError:
        raise
    except OSError as exc:
        raise ConfigurationError(
            "%(path)s cannot be written: %(reason)s",
            next_step="run this under the access requester's account, in a directory of its own",
            path=str(path),
            reason=exc.strerror,
        ) from exc
