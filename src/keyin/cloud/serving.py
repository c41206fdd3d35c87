"""The server process: sockets, TLS, signals, and uvicorn in between (uvloop, httptools)."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import signal
import ssl
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import structlog
import uvicorn
import uvloop

from keyin.cloud import admin_socket
from keyin.cloud.administering import administration
from keyin.cloud.audit_serving import audited
from keyin.cloud.hardening import harden, take_all_files
from keyin.cloud.listeners import bind, parse_listener, url
from keyin.cloud.protocol import LimitedProtocol
from keyin.cloud.restoring import refuse_unfinished
from keyin.cloud.selfcheck import check_config, check_store
from keyin.cloud.sweeping import Sweeper
from keyin.cloud.wiring import build
from keyin.domain.errors import ConfigurationError
from keyin.remote.log import configure_logging
from keyin.stores.host import SystemClock, SystemEntropy
from keyin.stores.opening import open_data

if TYPE_CHECKING:
    from collections.abc import Iterator

    from keyin.cloud.config import CloudConfig
    from keyin.cloud.page_wiring import PagesOf
    from keyin.cloud.wiring import Cloud
    from keyin.stores.opening import OpenedStore

GRACE_S: Final = 10
KEEP_ALIVE_S: Final = 5


class _Server(uvicorn.Server):
    """uvicorn's server without its signal handlers: one process has two of them."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to `serve`."""
        yield


def serve(config: CloudConfig, pages: PagesOf | None = None) -> None:
    """Serve until SIGTERM or SIGINT; show pages where an issuer is named.

    Raises ConfigurationError, StoreUnavailable.
    """
    configure_logging("cloud")
    if not harden():
        structlog.get_logger().warning("hardening_incomplete", reason="not_dumpable")
    take_all_files()
    _silence_uvicorn()
    check_config(config, now=SystemClock().now())
    if config.data is None:
        raise ConfigurationError(
            "no data directory was given", next_step="Give --data DIR; it is made if need be."
        )
    secrets = Path(config.secrets) if config.secrets else None
    opened = open_data(Path(config.data), secrets, exclusive=True)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_run(config, opened, pages))
    finally:
        opened.close()


async def _run(config: CloudConfig, opened: OpenedStore, pages: PagesOf | None) -> None:
    await check_store(config, opened.store)
    refuse_unfinished(await opened.store.restoring_from())
    service = administration(opened.store, opened.secrets, SystemEntropy())
    door = await admin_socket.listen(Path(config.data or ""), service, SystemClock())
    try:
        await _serve(config, opened, pages)
    finally:
        await door.close()


async def _serve(config: CloudConfig, opened: OpenedStore, pages: PagesOf | None) -> None:
    cloud = await build(config, store=opened.store, secrets=opened.secrets, pages=pages)
    cloud.ops.describe(cloud.app.routes, server=config.issuer)
    gc.collect()
    gc.set_threshold(20_000, 20, 50)  # what a request makes goes with its last reference
    gc.freeze()  # registries live as long as the process: no collection walks them again
    async with audited(config, opened.store, cloud.app.around):
        await _listen(config, opened, cloud)


async def _listen(config: CloudConfig, opened: OpenedStore, cloud: Cloud) -> None:
    places: list[tuple[str, Any, str | None]] = [(config.listen, cloud.app, config.tls_cert)]
    if config.ops_listen:
        places.insert(0, (config.ops_listen, cloud.ops, None))
    servers, bound = [], []
    for place, app, certificate in places:
        listener = parse_listener(place)
        bound.append((listener, bind(listener), bool(certificate)))
        servers.append(_Server(uvicorn_config(app, config if certificate else None)))
    public = servers[-1].server_state
    # uvicorn makes a task of each request as it reads it, before any of this turn has begun
    opened.store.expect(lambda: len(public.tasks) > 1)
    _end_on_signals(servers)
    tasks = [
        asyncio.create_task(server.serve(sockets=[socket_]))
        for server, (_, socket_, _) in zip(servers, bound, strict=True)
    ]
    await _until_started(servers, tasks)
    for listener, socket_, secure in bound:
        sys.stdout.write(f"listening on {url(listener, socket_, secure=secure)}\n")
    sys.stdout.flush()
    sweeper = Sweeper(store=opened.store, clock=SystemClock(), metrics=cloud.metrics)
    sweeping = asyncio.create_task(sweeper.run())
    try:
        await asyncio.gather(*tasks)
    finally:
        sweeping.cancel()
        cloud.access_log.flush()


def uvicorn_config(app: Any, tls: CloudConfig | None) -> uvicorn.Config:  # noqa: ANN401 - an ASGI application
    """Return uvicorn's settings for one listener. Raises ConfigurationError."""
    config = uvicorn.Config(
        app,
        http=LimitedProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=GRACE_S,
        ssl_certfile=tls.tls_cert if tls else None,
        ssl_keyfile=tls.tls_key if tls else None,
    )
    try:
        config.load()
    except (OSError, ssl.SSLError) as error:
        raise ConfigurationError(
            "the certificate or its key cannot be used",
            next_step="Check --tls-cert (PEM, leaf first) and --tls-key (PEM, no passphrase).",
        ) from error
    if config.ssl is not None:
        config.ssl.minimum_version = ssl.TLSVersion.TLSv1_2  # BCP 195
    return config


def _end_on_signals(servers: list[_Server]) -> None:
    loop = asyncio.get_running_loop()

    def end() -> None:
        for server in servers:
            server.should_exit = True

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end)


async def _until_started(servers: list[_Server], tasks: list[asyncio.Task[None]]) -> None:
    while not all(server.started for server in servers):
        for task in tasks:
            if task.done():
                task.result()
        await asyncio.sleep(0.001)


def _silence_uvicorn() -> None:
    """Its texts quote paths and stacks; ours are in `remote.log`."""
    logger = logging.getLogger("uvicorn")
    logger.handlers = [logging.NullHandler()]
    logger.propagate = False
    logger.setLevel(logging.CRITICAL)
