"""A very small HTTP/1.1 server for loopback: one request a connection, bounded in every direction.

Who may be heard is decided in `http_guard`, what is answered in `user_routes`; h11 knows the
protocol. No path is logged: it holds a key.
"""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import h11
import structlog
from msgspec.structs import replace

from keyin.domain.errors import ConfigurationError
from keyin.flow_manager.http_guard import accepted_hosts, refusal
from keyin.flow_manager.user_routes import Answer, malformed, not_heard
from keyin.remote.tcp_peer import uid_of_peer

if TYPE_CHECKING:
    import socket
    from collections.abc import Awaitable, Callable

    Respond = Callable[[str, str], Awaitable[Answer]]

MAX_HEAD: Final = 16 * 1024  # bytes of request line and headers
READ_SECONDS: Final = 10.0
LINGER_SECONDS: Final = 0.2
MAX_CONNECTIONS: Final = 32
_CHUNK: Final = 4096
_log = structlog.get_logger()


class HttpListener:
    """Listens on one loopback address."""

    def __init__(self, respond: Respond) -> None:
        """`respond` gets method and target of a request that may be heard."""
        self._respond = respond
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()
        self._hosts: frozenset[str] = frozenset()
        self.url = ""

    async def listen(self, literal: str, port: int) -> None:
        """Start to listen. Raises ConfigurationError."""
        try:
            self._server = await asyncio.start_server(self._accepted, literal, port)
        except OSError as exc:
            raise ConfigurationError(
                "cannot listen on port %(port)s: %(reason)s",
                next_step="choose another port, or stop what listens there",
                port=port,
                reason=os.strerror(exc.errno) if exc.errno else str(exc),
            ) from exc
        number = self._server.sockets[0].getsockname()[1]
        self._hosts = accepted_hosts(literal, number)
        self.url = (
            f"http://[{literal}]:{number}" if ":" in literal else f"http://{literal}:{number}"
        )

    async def close(self) -> None:
        """Stop to listen and drop every connection."""
        if self._server is not None:
            self._server.close()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        gone = _is_gone(writer.get_extra_info("socket"))
        if gone or len(self._connections) >= MAX_CONNECTIONS:
            writer.close()
            return
        task = asyncio.get_running_loop().create_task(self._serve(reader, writer))
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        protocol = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEAD)
        try:
            answer = await self._answer(protocol, reader, writer.get_extra_info("socket"))
            if answer is not None:
                writer.write(_rendered(answer))
                writer.write_eof()
                await writer.drain()
                await _read_away(reader)
        except OSError:  # it went away, was too slow, or was gone before anybody looked
            pass
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    async def _answer(
        self, protocol: h11.Connection, reader: asyncio.StreamReader, sock: socket.socket
    ) -> Answer | None:
        # Asked while the request is still on its way: a closed connection has no owner any more.
        uid = uid_of_peer(sock.family, ours=sock.getsockname()[:2], theirs=sock.getpeername()[:2])
        if uid != os.geteuid():  # not read either: it shall not hold a place
            return _not_heard("another account's request is not heard", uid)
        try:
            request = await _request(protocol, reader)
        except h11.RemoteProtocolError as exc:
            return malformed(exc.error_status_hint)
        if request is None:
            return None
        reason = refusal(list(request.headers), hosts=self._hosts)
        if reason is None:
            answer = await self._respond(request.method.decode(), request.target.decode("latin-1"))
        else:
            answer = _not_heard(reason, uid)
        return replace(answer, body=b"") if request.method == b"HEAD" else answer


def _is_gone(sock: socket.socket) -> bool:
    """Tell whether nobody is at the other end: that takes no place from who comes after it."""
    try:
        sock.getpeername()
    except OSError:
        return True
    return False


def _not_heard(reason: str, uid: int | None) -> Answer:
    _log.warning("http_request_refused", uid=uid, status=int(HTTPStatus.FORBIDDEN))
    return not_heard(reason)


async def _request(protocol: h11.Connection, reader: asyncio.StreamReader) -> h11.Request | None:
    async with asyncio.timeout(READ_SECONDS):
        while True:
            event = protocol.next_event()
            if isinstance(event, h11.Request):
                return event
            if event is not h11.NEED_DATA:
                return None
            protocol.receive_data(await reader.read(_CHUNK))


async def _read_away(reader: asyncio.StreamReader) -> None:
    """Read a little of what nobody wants: closing over it would cut the answer off."""
    with suppress(TimeoutError):
        async with asyncio.timeout(LINGER_SECONDS):
            for _ in range(MAX_HEAD // _CHUNK):
                if not await reader.read(_CHUNK):
                    return


def _rendered(answer: Answer) -> bytes:
    """Write the answer out; the connection ends with it, so this takes no protocol state."""
    lines = (
        f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}",
        f"content-type: {answer.type}",
        f"content-length: {len(answer.body)}",
        "cache-control: no-store",
        "content-security-policy: default-src 'none'; frame-ancestors 'none'; sandbox",
        "cross-origin-resource-policy: same-origin",
        "x-content-type-options: nosniff",
        "connection: close",
    )
    return "\r\n".join((*lines, "", "")).encode() + answer.body
