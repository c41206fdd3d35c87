"""`keyin requester serve`: reads the configuration, starts the process, ends it on SIGTERM."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import click
import structlog
from msgspec.structs import replace

from keyin.access_requester.app import serve as serve_until
from keyin.access_requester.config import load
from keyin.access_requester.hardening import harden
from keyin.access_requester.wiring import Wired, build
from keyin.cli.exits import errors_for_people
from keyin.remote.log import configure_logging

if TYPE_CHECKING:
    from keyin.access_requester.config import Config


@click.command()
@click.option(
    "--config",
    "config_file",
    type=click.Path(path_type=Path),
    required=True,
    help="TOML file; an example with every key is in the package, data/config/requester.toml.",
)
@click.option(
    "--ca",
    type=click.Path(path_type=Path),
    help="PEM file of the authorities to trust; overrides the key `ca`.",
)
@click.option(
    "--inherit-fd", type=int, help="Number of a connected socket that the parent handed over."
)
@click.option(
    "--unsafe-loopback-http", is_flag=True, help="For integration tests: allow that transport."
)
@click.option("--json", "as_json", is_flag=True, help="Errors as one JSON object.")
def serve(
    *,
    config_file: Path,
    ca: Path | None,
    inherit_fd: int | None,
    unsafe_loopback_http: bool,
    as_json: bool,
) -> None:
    """Hold the credential and give out tokens until SIGTERM.

    Prints `listening on unix:PATH` when it is ready.

    Example: keyin requester serve --config /etc/keyin/requester.toml
    """
    configure_logging("requester")
    with errors_for_people(as_json=as_json):
        refused = harden()
        if refused:
            structlog.get_logger().warning("hardening_incomplete", reason=", ".join(refused))

        def read() -> Config:
            config = load(config_file)
            return config if ca is None else replace(config, ca=str(ca.absolute()))

        wired = build(read(), again=read)
        asyncio.run(_run(wired, inherit_fd=inherit_fd, unsafe_loopback_http=unsafe_loopback_http))


async def _run(wired: Wired, *, inherit_fd: int | None, unsafe_loopback_http: bool) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await serve_until(
        wired,
        stop=stop,
        ready=lambda where: click.echo(f"listening on {where}"),
        inherit_fd=inherit_fd,
        unsafe_loopback_http=unsafe_loopback_http,
    )
