"""The running process: one transport, until somebody asks it to end."""

from __future__ import annotations

import asyncio
import os
import socket
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from keyin.access_requester.administering import place_of
from keyin.access_requester.supervisor import Account, Supervisor
from keyin.domain.errors import ConfigurationError
from keyin.remote.conversation import peer_of
from keyin.remote.ipc import Peer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from keyin.access_requester.wiring import Wired

_OURS_ONLY = 0o600
_ANYONE_MAY_CONNECT = 0o666
_log = structlog.get_logger()


async def serve(
    wired: Wired,
    *,
    stop: asyncio.Event,
    ready: Callable[[str], None],
    inherit_fd: int | None = None,
    unsafe_loopback_http: bool = False,
) -> None:
    """Serve until `stop`; `ready` is told where. Raises ConfigurationError."""
    transport = wired.config.transport
    _check_flags(transport, inherit_fd=inherit_fd, unsafe=unsafe_loopback_http)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(wired.close)
        await stack.enter_async_context(_kept(wired))
        ended: asyncio.Task[object] = asyncio.create_task(stop.wait())
        match transport:
            case "unix":
                await stack.enter_async_context(_unix(wired))
                ready(f"unix:{wired.config.socket}")
            case "supervise":
                supervising = await stack.enter_async_context(_supervise(wired))
                ready("pair:supervised")
                await asyncio.wait({ended, supervising}, return_when=asyncio.FIRST_COMPLETED)
                if supervising.done():
                    supervising.result()
                    raise ConfigurationError(
                        "the flow manager ended again and again", next_step="look at its log"
                    )
            case "inherited":
                connection = await stack.enter_async_context(_inherited(wired, inherit_fd))
                ready(f"fd:{inherit_fd}")
                await asyncio.wait({ended, connection}, return_when=asyncio.FIRST_COMPLETED)
                stop.set()
            case "unsafe-loopback-http":
                ready(await stack.enter_async_context(_unsafe_http(wired)))
        await ended


def _check_flags(transport: str, *, inherit_fd: int | None, unsafe: bool) -> None:
    if (transport == "inherited") != (inherit_fd is not None):
        raise ConfigurationError(
            'the transport "inherited" and --inherit-fd go together',
            next_step="use both or neither",
        )
    if (transport == "unsafe-loopback-http") != unsafe:
        raise ConfigurationError(
            'the transport "unsafe-loopback-http" and --unsafe-loopback-http go together',
            next_step="use both in an integration test, and neither anywhere else",
        )


@asynccontextmanager
async def _kept(wired: Wired) -> AsyncIterator[None]:
    """Open the administrators' door, and keep the identity in order."""
    door, place = wired.administering.server(), place_of(wired.config)
    if place is not None:
        await door.listen_unix(place, mode=_OURS_ONLY)
    keeping = asyncio.create_task(wired.keeper.run())
    try:
        yield
    finally:
        keeping.cancel()
        with suppress(asyncio.CancelledError):
            await keeping
        await door.close()


@asynccontextmanager
async def _unix(wired: Wired) -> AsyncIterator[None]:
    server = wired.server()
    alone = wired.allow.only(os.geteuid())
    mode = _OURS_ONLY if alone else _ANYONE_MAY_CONNECT  # who may ask is decided by uid, inside
    await server.listen_unix(Path(wired.config.socket), mode=mode)
    try:
        yield
    finally:
        await server.close()


@asynccontextmanager
async def _supervise(wired: Wired) -> AsyncIterator[asyncio.Task[None]]:
    section = wired.config.flow_manager
    if section is None:
        raise ConfigurationError(
            'the transport "supervise" needs the section [flow_manager]',
            next_step="name the flow manager's command there",
        )
    account = Account.find(section.user)
    server = wired.server(also_allow=lambda peer: peer.uid == account.uid, idle=False)
    supervisor = Supervisor(
        command=section.command, account=account, server=server, clock=wired.clock
    )
    task = asyncio.create_task(supervisor.run())
    try:
        yield task
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError, ConfigurationError):
            await task
        await server.close()


@asynccontextmanager
async def _inherited(wired: Wired, number: int | None) -> AsyncIterator[asyncio.Task[None]]:
    try:
        sock = socket.socket(fileno=number)
        peer = peer_of(sock)
    except OSError as exc:
        raise ConfigurationError(
            "--inherit-fd names no connected Unix socket",
            next_step="start the access requester from the program that made the pair",
        ) from exc
    # for a pair the kernel names its maker: whoever started us, and may hand on the other end
    server = wired.server(also_allow=lambda other: other == peer, idle=False)
    try:
        yield await server.adopt(sock, peer)
    finally:
        await server.close()


@asynccontextmanager
async def _unsafe_http(wired: Wired) -> AsyncIterator[str]:
    section = wired.config.unsafe_loopback_http
    if section is None:
        raise ConfigurationError(
            "the section [unsafe_loopback_http] is missing",
            next_step="write it in a test's configuration only",
        )
    # imported here: nothing that serves HTTP is loaded without the section and the flag
    from keyin.access_requester.unsafe_http import UnsafeLoopbackHttp  # noqa: PLC0415

    http = UnsafeLoopbackHttp(
        listen=section.listen,
        token_file=Path(section.token_file),
        handle=wired.handler,
        peer=Peer(os.getpid(), os.geteuid(), os.getegid()),
        entropy=wired.entropy,
    )
    try:
        yield await http.start()
    finally:
        await http.close()
