"""UNSAFE: the ops as HTTP on a loopback port, for integration tests only.

    POST /access-token      Authorization: Bearer TOKEN OF THIS START      {"op": "token", ...}

Whoever can read the token's file may ask; the kernel says nothing about the caller. Served only
with its own transport, its own section and its own flag, on a loopback literal (P63).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from typing import TYPE_CHECKING, Final

import h11
import msgspec
import structlog

from keyin.domain.errors import ConfigurationError, Refused
from keyin.domain.secret import Secret, equal
from keyin.remote.cloud_http import is_loopback
from keyin.remote.ipc import Message, Peer, error_reply
from keyin.wire.frames import MAX_PAYLOAD
from keyin.wire.requester import ErrorCode, refusal

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from keyin.domain.environment import Entropy

_EXCHANGE_SECONDS: Final = 60.0
_READ_SIZE: Final = 65_536
_PATH: Final = b"/access-token"
_STATUS: Final = {
    ErrorCode.BAD_REQUEST: 400,
    ErrorCode.USE_DPOP_NONCE: 400,
    ErrorCode.NOT_ALLOWED: 403,
}
_log = structlog.get_logger()


class UnsafeLoopbackHttp:
    """One request a connection, one path, one token."""

    def __init__(
        self,
        *,
        listen: str,
        token_file: Path,
        handle: Callable[[Peer, Message], Awaitable[Message]],
        peer: Peer,
        entropy: Entropy,
    ) -> None:
        """`peer`: whom every caller is taken for. Raises ConfigurationError."""
        host, _, port = listen.rpartition(":")
        self._host = host.strip("[]")
        if not is_loopback(self._host) or not port.isdecimal():
            raise ConfigurationError(
                "[unsafe_loopback_http] listen must be a loopback literal and a port",
                next_step="write 127.0.0.1:0 or [::1]:0",
            )
        self._port = int(port)
        self._token = Secret(entropy.token_bytes(32).hex())
        self._token_file = token_file
        self._handle = handle
        self._peer = peer
        self._server: asyncio.Server | None = None

    async def start(self) -> str:
        """Write the token's file, listen, and return the URL."""
        _write_private(self._token_file, self._token.reveal())
        self._server = await asyncio.start_server(self._serve, self._host, self._port)
        port = self._server.sockets[0].getsockname()[1]
        _log.warning("unsafe_loopback_http", reason="anyone who reads the token's file may ask")
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{port}"

    async def close(self) -> None:
        """Stop listening and remove the token's file."""
        if self._server is not None:
            self._server.close()
        self._token_file.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = h11.Connection(h11.SERVER, max_incomplete_event_size=16_384)
        try:
            async with asyncio.timeout(_EXCHANGE_SECONDS):
                status, body = await self._exchange(connection, reader)
                writer.write(_response(connection, status, body))
                await writer.drain()
        except (h11.ProtocolError, ConnectionError, TimeoutError):
            pass  # a test's own mistake; the connection ends
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    async def _exchange(
        self, connection: h11.Connection, reader: asyncio.StreamReader
    ) -> tuple[int, Message]:
        request: h11.Request | None = None
        content = b""
        while True:
            event = connection.next_event()
            if event is h11.NEED_DATA:
                connection.receive_data(await reader.read(_READ_SIZE))
            elif isinstance(event, h11.Request):
                request = event
            elif isinstance(event, h11.Data) and len(content) <= MAX_PAYLOAD:
                content += event.data
            elif isinstance(event, h11.EndOfMessage) and request is not None:
                return await self._answer(request, content)
            elif not isinstance(event, h11.Data):
                raise h11.RemoteProtocolError("the connection ended early")

    async def _answer(self, request: h11.Request, content: bytes) -> tuple[int, Message]:
        headers = {name: value.decode("latin-1") for name, value in request.headers}
        host = headers.get(b"host", "").rpartition(":")[0].strip("[]")
        if (request.method, request.target) != (b"POST", _PATH) or not is_loopback(host):
            return 404, error_reply("bad_request", "there is one path, and POST")
        offered = headers.get(b"authorization", "").removeprefix("Bearer ")
        if b"origin" in headers or not equal(offered, self._token.reveal()):
            return 401, error_reply("not_allowed", "the token of this start is missing or wrong")
        try:
            return 200, await self._handle(self._peer, _message(content))
        except Refused as exc:
            body = error_reply(exc.code, exc.message, next_step=exc.next_step, **exc.fields)
            return _STATUS.get(ErrorCode(exc.code), 502), body


def _message(content: bytes) -> Message:
    try:
        message = msgspec.json.decode(content[: MAX_PAYLOAD + 1], type=Message)
    except (msgspec.MsgspecError, RecursionError):
        raise refusal(ErrorCode.BAD_REQUEST) from None
    return {"v": 1, "id": "http", "op": "token", **message}


def _response(connection: h11.Connection, status: int, body: Message) -> bytes:
    content = msgspec.json.encode(body)
    head = h11.Response(
        status_code=status,
        headers=[
            ("content-type", "application/json"),
            ("content-length", str(len(content))),
            ("cache-control", "no-store"),
            ("connection", "close"),
        ],
    )
    parts = (head, h11.Data(data=content), h11.EndOfMessage())
    return b"".join(connection.send(part) or b"" for part in parts)


def _write_private(path: Path, text: str) -> None:
    try:
        path.unlink(missing_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with open(descriptor, "w", encoding="ascii") as file:  # noqa: PTH123 - a descriptor, made with its mode
            file.write(text)
    except OSError as exc:
        raise ConfigurationError(
            "[unsafe_loopback_http] token_file cannot be written: %(reason)s",
            next_step="name a file in a directory of the access requester's account",
            reason=exc.strerror,
        ) from exc
