"""`keyin client create`: registers a computer's public key; prints the id that it goes by."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import click
import msgspec

from keyin.cli.exits import errors_for_people
from keyin.domain.errors import ConfigurationError
from keyin.domain.networks import malformed
from keyin.domain.records import UNRESTRICTED
from keyin.oauth.proven_client import NOBODYS
from keyin.oauth.registration import Wish, register
from keyin.stores.host import SystemClock, SystemEntropy
from keyin.stores.opening import data_directory, open_data
from keyin.wire.jose import InvalidSignature, PublicKey
from keyin.wire.signing_key import read_public


@click.command()
@click.option(
    "--public-key",
    "file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    required=True,
    help="The computer's public key, PEM or JWK: P-256 or Ed25519.",
)
@click.option("--data", type=click.Path(path_type=Path), help="The folder that holds the store.")
@click.option("--database", metavar="URL", help="The store as a URL; only sqlite:DIR for now.")
@click.option(
    "--secrets", type=click.Path(path_type=Path), help="The folder of peppers and data keys."
)
@click.option("--name", help="What people call the computer.")
@click.option("--site", help="Where it stands.")
@click.option("--computer-type", help="What kind of computer it is.")
@click.option(
    "--network", "networks", multiple=True, help="From where it may ask; everywhere if not given."
)
@click.option(
    "--writable", multiple=True, help="A preference term that it may change; none if not given."
)
@click.option("--json", "as_json", is_flag=True, help="Say it as one JSON object.")
def create(*, as_json: bool, **options: Any) -> None:  # noqa: ANN401 - click hands them over by name
    """Register a computer by its public key, and print its client id.

    The cloud on this store must not be running meanwhile.

    Example: keyin client create --public-key desk.pem --data /var/lib/keyin --site "Main hall"
    """
    with errors_for_people(as_json=as_json):
        client_id, kid = asyncio.run(_run(**options))
    said = msgspec.json.encode({"client_id": client_id, "kid": kid}).decode()
    click.echo(said if as_json else client_id)


async def _run(
    *,
    file: Path,
    data: Path | None,
    database: str | None,
    secrets: Path | None,
    networks: tuple[str, ...],
    writable: tuple[str, ...],
    **words: str | None,
) -> tuple[str, str]:
    key = _public_key(file)
    _check_networks(networks)
    wish = Wish(networks=networks or UNRESTRICTED, writable=writable, **words)
    now, entropy = SystemClock().now(), SystemEntropy()
    opened = open_data(data_directory(data, database), secrets, exclusive=True)
    try:
        if await opened.store.find_client_key(key.thumbprint) is not None:
            raise ConfigurationError(
                "this key is registered already",
                next_step="Make a new key pair: each computer has its own.",
            )
        client_id, records = register(key, wish, entropy=entropy, now=now)
        await opened.store.enrol(records)
    finally:
        opened.close()
    return client_id, key.thumbprint


def _public_key(file: Path) -> PublicKey:
    try:
        return _nobody_elses(read_public(file.read_bytes()))
    except InvalidSignature as error:
        raise ConfigurationError(
            "%(path)s holds no public key of P-256 or Ed25519",
            next_step="Give the public half of a key pair, as PEM or JWK; keep the private one.",
            path=file,
        ) from error


def _nobody_elses(key: PublicKey) -> PublicKey:
    if key.jwk == NOBODYS:
        raise InvalidSignature("its private half is published")
    return key


def _check_networks(networks: tuple[str, ...]) -> None:
    for network in malformed(networks):
        raise ConfigurationError(
            "%(network)s is no network",
            next_step="Write it as in 192.0.2.0/24 or 2001:db8::/32.",
            network=network,
        )
