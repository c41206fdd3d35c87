"""`keyin client create`: registers a computer's public key; prints the id that it goes by.

With `--legacy-until` it registers an old program, which has a secret instead.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
import msgspec

from keyin.cli.administration import administration
from keyin.cli.exits import errors_for_people
from keyin.cli.on_the_store import on_the_store, say_json
from keyin.cli.public_keys import public_key
from keyin.cli.texts import _
from keyin.domain.environment import Millis
from keyin.domain.errors import ConfigurationError
from keyin.domain.networks import malformed
from keyin.stores.host import SystemClock
from keyin.stores.opening import place_of
from keyin.wire.admin_clients import RegisterClient

if TYPE_CHECKING:
    from keyin.stores.opening import Place
    from keyin.wire.jose import PublicKey

_SHOWN: Final = ("client_id", "client_secret")


@click.command()
@click.option(
    "--public-key",
    "file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The computer's public key, PEM or JWK: P-256 or Ed25519.",
)
@click.option("--name", help="What people call the computer.")
@click.option("--site", help="Where it stands.")
@click.option(
    "--software", nargs=2, metavar="ID VERSION", help="What runs there, so that it can be stopped."
)
@click.option("--computer-type", help="What kind of computer it is.")
@click.option(
    "--network", "networks", multiple=True, help="From where it may ask; everywhere if not given."
)
@click.option(
    "--writable", multiple=True, help="A preference term that it may change; none if not given."
)
@click.option(
    "--legacy-until",
    type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%SZ"]),
    help="Make a secret in place of a key, for the old token route, until this day (UTC).",
)
@on_the_store
def create(*, as_json: bool, **options: Any) -> None:  # noqa: ANN401 - click hands them over by name
    """Register a computer by its public key, and print its client id.

    Example: keyin client create --public-key desk.pem --data /var/lib/keyin --site "Main hall"
    """
    with errors_for_people(as_json=as_json):
        folder = place_of(options.pop("data"), options.pop("database"))
        said = asyncio.run(_register(folder, options.pop("secrets"), _asked(**options)))
    if as_json:
        say_json(said)
    else:
        click.echo("\n".join(said[name] for name in _SHOWN if name in said))


def _asked(
    *,
    file: Path | None,
    legacy_until: datetime | None,
    networks: tuple[str, ...],
    writable: tuple[str, ...],
    software: tuple[str, str] | None,
    **words: str | None,
) -> RegisterClient:
    key, until = _proof(file, legacy_until, SystemClock().now())
    _check_networks(networks)
    return RegisterClient(
        public_key=key.jwk.decode() if key else None,
        legacy_until=None if key else until,
        networks=networks or None,
        writable=writable,
        software=software,
        **words,
    )


async def _register(folder: Place, secrets: Path | None, op: RegisterClient) -> dict[str, str]:
    async with administration(folder, secrets, make=True) as admin:
        made = await admin.ask(op)
    said: dict[str, str] = msgspec.to_builtins(made)
    return said


def _proof(
    file: Path | None, legacy_until: datetime | None, now: Millis
) -> tuple[PublicKey | None, Millis]:
    """Return what the client will prove itself by: a key, or (None) a secret until then."""
    if (file is None) == (legacy_until is None):
        raise click.UsageError(_("Give either --public-key or --legacy-until."))
    if file is not None:
        return public_key(file), now
    until = Millis(int(legacy_until.replace(tzinfo=UTC).timestamp() * 1000) if legacy_until else 0)
    if until <= now:
        raise ConfigurationError(
            "the day until which the old route is open is past",
            next_step="Give a day to come with --legacy-until; a year is long.",
        )
    return None, until


def _check_networks(networks: tuple[str, ...]) -> None:
    for network in malformed(networks):
        raise ConfigurationError(
            "%(network)s is no network",
            next_step="Write it as in 192.0.2.0/24 or 2001:db8::/32.",
            network=network,
        )
