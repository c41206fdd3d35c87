"""`keyin flow-manager serve`: the process of one person's account."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import click
import structlog

from keyin.cli.exits import errors_for_people
from keyin.flow_manager import config as configuration
from keyin.flow_manager.hardening import harden
from keyin.flow_manager.wiring import build
from keyin.remote.log import configure_logging

EXAMPLE = Path(configuration.__file__).resolve().parent.parent / "data/config/flow-manager.toml"
_file = click.Path(path_type=Path, dir_okay=False)


@click.group("flow-manager")
def flow_manager() -> None:
    """Run what changes this account's settings when somebody keys in."""


@flow_manager.command(
    epilog="""
    \b
    Example:
      keyin flow-manager serve --cloud https://cloud.example.org \\
        --requester /run/keyin/requester.sock
    """
)
@click.option("--cloud", metavar="URL", help="The cloud's address: https, or http to 127.0.0.1.")
@click.option("--requester", metavar="SOCKET", help="The access requester's socket.")
@click.option("--listen", metavar="HOST:PORT", help="Also answer HTTP, on a loopback address.")
@click.option("--device-report", type=_file, help="JSON: which solutions this computer has.")
@click.option(
    "--solutions",
    type=click.Path(path_type=Path),
    multiple=True,
    help="A solutions registry: a JSON5 file or a folder. May be given several times.",
)
@click.option("--ca", type=_file, help="PEM file of the authorities to trust for the cloud.")
@click.option("--socket", type=_file, help="Where to listen for keyin login.")
@click.option("--state", type=click.Path(path_type=Path), help="Folder of the journal.")
@click.option(
    "--cache", type=click.Path(path_type=Path), help="Folder of what the cloud sent before."
)
@click.option("--config", type=_file, help="TOML file; options stand above it.")
@click.option("--json", "as_json", is_flag=True, help="Report errors as one JSON object.")
@click.option("--example", is_flag=True, help="Show where the example of a configuration lies.")
def serve(*, config: Path | None, as_json: bool, example: bool, **options: object) -> None:
    """Serve until SIGTERM; then key out whoever is keyed in.

    Prints "listening on" and an address for each door, once everything is ready.
    """
    if example:
        click.echo(str(EXAMPLE))
        return
    configure_logging("flow-manager")
    if not harden():
        structlog.get_logger().warning("hardening_incomplete", reason="not_dumpable")
    with errors_for_people(as_json=as_json):
        given = {name: _text(value) for name, value in options.items()}
        asyncio.run(_serve(configuration.load(config, **given)))


def _text(value: object) -> object:
    if isinstance(value, Path):
        return str(value.absolute())
    if isinstance(value, tuple):
        return [_text(item) for item in value]
    return value


async def _serve(config: configuration.Config) -> None:
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    manager = build(config)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    try:
        await manager.start()
        for listener in manager.listeners:
            click.echo(f"listening on {listener}")  # a contract with scripts: not translated
        await ended.wait()
    finally:
        await manager.close()
