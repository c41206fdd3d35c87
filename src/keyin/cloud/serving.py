"""The server process: sockets, TLS, signals, and uvicorn in between (uvloop, httptools)."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import signal
import ssl
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import structlog
import uvicorn
import uvloop

from keyin.cloud import admin_socket
from keyin.cloud.administering import administration
from keyin.cloud.audit_serving import audited
from keyin.cloud.connections import Connections
from keyin.cloud.hardening import harden, take_all_files
from keyin.cloud.lapsing import Lapser
from keyin.cloud.mailing import mailer
from keyin.cloud.protocol import TIMEOUT_S, LimitedProtocol
from keyin.cloud.restoring import refuse_unfinished
from keyin.cloud.selfcheck import check_config, check_store
from keyin.cloud.shared_memory import SharedMemory
from keyin.cloud.sharing import Audience, Share, announce, bind_all
from keyin.cloud.sweeping import Sweeper
from keyin.cloud.wiring import build
from keyin.cloud.workers import Supervisor
from keyin.domain.errors import ConfigurationError
from keyin.oauth import enrolment_client
from keyin.remote.log import configure_logging
from keyin.stores.audit_keys import AuditKeys
from keyin.stores.host import SystemClock, SystemEntropy
from keyin.stores.opening import Database, opened, place_of, secrets_of

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Coroutine, Iterator

    from keyin.cloud.app import CloudApp
    from keyin.cloud.config import CloudConfig
    from keyin.cloud.ops import OpsApp
    from keyin.cloud.page_wiring import PagesOf
    from keyin.cloud.sharing import Bound
    from keyin.cloud.wiring import Cloud
    from keyin.stores.opening import OpenedStore, Place, Store

GRACE_S: Final = 10
KEEP_ALIVE_S: Final = 5
_NEW_OBJECTS: Final = 10_000


class _Server(uvicorn.Server):
    """uvicorn's server without its signal handlers: one process has two of them."""

    def __init__(self, config: uvicorn.Config, held: Connections | None) -> None:
        super().__init__(config)
        self._held = held

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen as uvicorn does; a handshake takes no longer than a head may (P82)."""
        loop = asyncio.get_running_loop()
        self.servers = [
            await loop.create_server(
                self._connection,
                sock=bound,
                ssl=self.config.ssl,
                ssl_handshake_timeout=TIMEOUT_S if self.config.ssl else None,
                backlog=self.config.backlog,
            )
            for bound in sockets or ()
        ]
        self.started = True

    def _connection(self) -> LimitedProtocol:
        return LimitedProtocol(
            config=self.config, server_state=self.server_state, app_state={}, held=self._held
        )

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
    if config.data is None and config.database is None:
        raise ConfigurationError(
            "no data directory was given", next_step="Give --data DIR; it is made if need be."
        )
    if config.workers == 1:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_run(config, pages, Share()))
        return
    asyncio.run(_prepare(config))
    ended = _supervise(config, pages)
    if ended:
        raise SystemExit(ended)


def _supervise(config: CloudConfig, pages: PagesOf | None) -> int:
    """Let several processes serve on the same sockets; return the exit code."""
    shared = SharedMemory(config.workers)
    bound = bind_all(config)

    def work(number: int, ready: Callable[[], None]) -> None:
        share = Share(bound=bound, number=number, shared=shared, ready=ready)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_run(config, pages, share))

    return Supervisor(config.workers, work, lambda: announce(bound)).run()


async def _prepare(config: CloudConfig) -> None:
    """Look at the store once before the workers do, and make what one process makes for all."""
    place, secrets = _place(config)
    async with opened(place, secrets, exclusive=True) as found:
        await _look_at(found.store, config)
        AuditKeys.open(secrets_of(place, secrets), entropy=SystemEntropy(), create=True)


async def _look_at(store: Store, config: CloudConfig) -> None:
    """Refuse a store that must not be served; make sure of what is built in."""
    await check_store(config, store)
    refuse_unfinished(await store.restoring_from())
    if config.issuer is not None:
        await enrolment_client.make_sure(store, now=SystemClock().now())


def _place(config: CloudConfig) -> tuple[Place, Path | None]:
    data = Path(config.data) if config.data else None
    return place_of(data, config.database), Path(config.secrets) if config.secrets else None


async def _run(config: CloudConfig, pages: PagesOf | None, share: Share) -> None:
    place, secrets = _place(config)
    async with opened(place, secrets, exclusive=True) as found:
        await _look_at(found.store, config)
        if isinstance(place, Database):  # whoever may administer it opens it too
            await _serve(config, found, pages, share)
            return
        issuer = config.issuer.rstrip("/") if config.issuer else None
        service = administration(found.store, found.secrets, SystemEntropy(), issuer=issuer)
        door = await admin_socket.listen(place, service, SystemClock())
        try:
            await _serve(config, found, pages, share)
        finally:
            await door.close()


async def _serve(
    config: CloudConfig, found: OpenedStore, pages: PagesOf | None, share: Share
) -> None:
    cloud = await build(
        config, store=found.store, secrets=found.secrets, pages=pages, gate=share.gate()
    )
    cloud.ops.describe(cloud.routes, server=config.issuer)
    gc.collect()
    gc.freeze()  # registries live as long as the process: no collection walks them again
    gc.set_threshold(_NEW_OBJECTS)  # else a collection comes with every twentieth request
    async with audited(config, found.store, cloud.app.around, first=share.first):
        await _listen(config, found, cloud, share)


async def _listen(config: CloudConfig, found: OpenedStore, cloud: Cloud, share: Share) -> None:
    bound = share.bound or bind_all(config)
    servers = [
        _Server(
            uvicorn_config(_app(one, cloud), config if one.secure else None),
            _held(config, cloud) if one.audience is Audience.PUBLIC else None,
        )
        for one in bound
    ]
    public = servers[-1].server_state
    # uvicorn makes a task of each request as it reads it, before any of this turn has begun
    found.store.expect(lambda: len(public.tasks) > 1)
    _end_on_signals(servers)
    tasks = [
        asyncio.create_task(server.serve(sockets=[one.socket]))
        for server, one in zip(servers, bound, strict=True)
    ]
    await _until_started(servers, tasks)
    if share.ready is not None:
        share.ready()
    else:
        announce(bound)
    beside = [asyncio.create_task(one) for one in _beside(config, found, cloud, share)]
    try:
        await asyncio.gather(*tasks)
    finally:
        for one in beside:
            one.cancel()
        cloud.access_log.flush()


def _beside(
    config: CloudConfig, found: OpenedStore, cloud: Cloud, share: Share
) -> Iterator[Coroutine[None, None, None]]:
    """Return what goes on beside the answering: some of it in one process for all."""
    if share.first:
        sweeper = Sweeper(store=found.store, clock=SystemClock(), metrics=cloud.metrics)
        yield sweeper.run()
        yield Lapser(store=found.store, clock=SystemClock(), metrics=cloud.metrics).run()
    if share.first and config.mail is not None and config.issuer is not None:
        yield mailer(config.mail, config.issuer, found.store).run()
    if share.shared is not None:
        yield share.shared.keep(share.number, cloud.metrics)


def _held(config: CloudConfig, cloud: Cloud) -> Connections:
    return Connections(
        most=config.limits.connections_an_address,
        proxies=cloud.app.around.edge.proxies,
        metrics=cloud.metrics,
    )


def _app(one: Bound, cloud: Cloud) -> CloudApp | OpsApp:
    if one.audience is Audience.FLOW_MANAGERS and cloud.preferences is not None:
        return cloud.preferences
    return cloud.ops if one.audience is Audience.OPERATORS else cloud.app


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
