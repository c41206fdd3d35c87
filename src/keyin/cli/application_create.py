"""`keyin application create`: registers an application; prints its id, and a secret once."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
import msgspec

from keyin.cli.administration import administration
from keyin.cli.exits import errors_for_people
from keyin.cli.on_the_store import on_the_store
from keyin.cli.public_keys import public_key
from keyin.domain.applications import (
    ACCOUNT_READ,
    AUTHORIZATION_CODE,
    CLIENT_CREDENTIALS,
    DEVICE_CODE,
    INSTALLATIONS_READ,
    SCOPES,
    AuthMethod,
)
from keyin.stores.opening import place_of
from keyin.wire.admin_applications import RegisterApplication

if TYPE_CHECKING:
    from keyin.stores.opening import Place

_GRANTS: Final = {
    "code": AUTHORIZATION_CODE,
    "client-credentials": CLIENT_CREDENTIALS,
    "device": DEVICE_CODE,
}
_SHOWN: Final = ("client_id", "client_secret")


@click.command()
@click.argument("name")
@click.option(
    "--auth-method",
    type=click.Choice([one.value for one in AuthMethod if one is not AuthMethod.NONE]),
    required=True,
    help="How it proves itself.",
)
@click.option(
    "--grant",
    "grants",
    type=click.Choice(list(_GRANTS)),
    multiple=True,
    required=True,
    help="How it may ask: over a person's browser, for itself, or by a code typed elsewhere.",
)
@click.option(
    "--scope",
    "scopes",
    type=click.Choice(SCOPES),
    multiple=True,
    help="What it may ask for; if not given, what belongs to its grants.",
)
@click.option(
    "--redirect-uri",
    "redirect_uris",
    multiple=True,
    help="Where answers go: https, or of a native application http://127.0.0.1/... or its own "
    "scheme, such as com.example.app:/back.",
)
@click.option("--native", is_flag=True, help="It runs on people's computers.")
@click.option(
    "--public-key",
    "file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Its public key for private_key_jwt, PEM or JWK: P-256 or Ed25519.",
)
@click.option("--site", help="Whose installations a machine job may list.")
@click.option(
    "--network", "networks", multiple=True, help="From where it may ask; everywhere if not given."
)
@click.option("--without-par", is_flag=True, help="Its requests need not be pushed first.")
@click.option("--plain-typ", is_flag=True, help="Its assertions may leave their type out.")
@on_the_store
def create(
    *,
    as_json: bool,
    data: Path | None,
    database: str | None,
    secrets: Path | None,
    **options: Any,  # noqa: ANN401 - click hands them over by name
) -> None:
    """Register an application, and print its client id; a secret is shown this once.

    Example: keyin application create "My pages" --auth-method client_secret_basic --grant code
    --redirect-uri https://pages.example/back --data /var/lib/keyin
    """
    with errors_for_people(as_json=as_json):
        op = _op(**options)
        said = asyncio.run(_ask(op, place_of(data, database), secrets))
    if as_json:
        click.echo(msgspec.json.encode(said).decode())
    else:
        click.echo("\n".join(said[name] for name in _SHOWN if name in said))


def _op(
    *,
    file: Path | None,
    grants: tuple[str, ...],
    scopes: tuple[str, ...],
    networks: tuple[str, ...],
    without_par: bool,
    plain_typ: bool,
    **words: Any,  # noqa: ANN401 - as above
) -> RegisterApplication:
    key = public_key(file) if file else None
    return RegisterApplication(
        grant_types=tuple(_GRANTS[grant] for grant in grants),
        scopes=scopes or _usual(grants),
        networks=networks or None,
        public_key=key.jwk.decode() if key else None,
        par_required=not without_par,
        typ_required=not plain_typ,
        **words,
    )


def _usual(grants: tuple[str, ...]) -> tuple[str, ...]:
    """Return the scopes that belong to these grants."""
    asks_a_person = any(grant != "client-credentials" for grant in grants)
    return (
        *((ACCOUNT_READ,) if asks_a_person else ()),
        *((INSTALLATIONS_READ,) if "client-credentials" in grants else ()),
    )


async def _ask(op: RegisterApplication, folder: Place, secrets: Path | None) -> dict[str, str]:
    async with administration(folder, secrets, make=True) as admin:
        said: dict[str, str] = msgspec.to_builtins(await admin.ask(op))
    return said
