"""`keyin client add-key|revoke-key` and `keyin token revoke`: what proves a client, and tokens."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Final

import click

from keyin.cli.exits import errors_for_people
from keyin.cli.on_the_store import (
    ask,
    confirm,
    on_the_store,
    say_changed,
    say_json,
    with_reason,
    with_yes,
)
from keyin.cli.public_keys import public_key
from keyin.cli.texts import _
from keyin.domain.errors import ConfigurationError
from keyin.wire.admin_clients import AddClientKey, RevokeClientKey, RevokeToken

_LONGEST: Final = 4096


@click.command("add-key")
@click.argument("client")
@click.option(
    "--public-key",
    "file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    required=True,
    help="The computer's public key, PEM or JWK: P-256 or Ed25519.",
)
@on_the_store
def add_key(*, client: str, file: Path, as_json: bool, **store: Any) -> None:  # noqa: ANN401 - click hands them over by name
    """Let another key prove a client, beside those that do: to change keys without a pause.

    Example: keyin client add-key gai_9hSo2YkQ3mXvT0aLkZr1bw --public-key new.jwk --data DIR
    """
    with errors_for_people(as_json=as_json):
        op = AddClientKey(client=client, public_key=public_key(file).jwk.decode())
        added = ask(op, **store)
    if as_json:
        say_json(added)
    else:
        click.echo(added.kid)


# a kid is base64url: one in sixty-four begins with a hyphen, as an option does
@click.command("revoke-key", context_settings={"ignore_unknown_options": True})
@click.argument("kid")
@with_reason
@with_yes
@on_the_store
def revoke_key(*, kid: str, reason: Any, yes: bool, as_json: bool, **store: Any) -> None:  # noqa: ANN401 - as above
    """End a client's key for ever, and the tokens of the client: its other keys get new ones.

    Example: keyin client revoke-key NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs --data DIR
    """
    confirm(_("Revoke the key for ever?"), yes=yes)
    with errors_for_people(as_json=as_json):
        changed = ask(RevokeClientKey(kid=kid, reason=reason), **store)
    say_changed(changed, _("The key is revoked; the client's tokens have ended."), as_json=as_json)


def end_token(*, as_json: bool, **store: Any) -> None:  # noqa: ANN401 - as above
    """End one token, which is read from standard input: it is never an argument."""
    with errors_for_people(as_json=as_json):
        changed = ask(RevokeToken(token=_token()), **store)
    say_changed(changed, _("The token has ended."), as_json=as_json)


def _token() -> str:
    """Read the token without showing it. Raises ConfigurationError."""
    if sys.stdin.isatty():
        token: str = click.prompt(_("Token"), hide_input=True, err=True)
    else:
        token = sys.stdin.read(_LONGEST + 1)
    token = token.strip()
    if not token or len(token) > _LONGEST or len(token.split()) > 1:
        raise ConfigurationError(
            "what came on standard input is no token",
            next_step="Give the token alone, as in: keyin token revoke < token.txt",
        )
    return token
