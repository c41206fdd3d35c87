"""HTTP/1.1 from the cloud to another server of its site: a few kept connections, all bounded.

What is sent must be safe to send twice: a connection that was kept may have been closed meanwhile,
and then it is sent once more. Nothing is followed, and no body is logged.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import httptools
import msgspec

from keyin.domain.errors import ConfigurationError, StoreUnavailable
from keyin.domain.networks import inside, parse_address

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping

CONNECTIONS: Final = 32
EXCHANGE_S: Final = 10.0
"""From the first byte sent to the last received, waiting for a connection included."""
IDLE_S: Final = 3.0
"""The other side closes idle connections after five seconds."""
LONGEST_HEAD: Final = 32 * 1024
_CHUNK: Final = 64 * 1024
_LOOPBACK: Final = ("127.0.0.0/8", "::1")
_PORTS: Final = {"http": 80, "https": 443}


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where a server is."""

    host: str = ""
    port: int = 0
    socket: str | None = None
    """The path of a Unix socket."""
    secure: bool = False
    prefix: str = ""


class Response(msgspec.Struct, frozen=True):
    """A whole answer."""

    status: int
    body: bytes


def parse_place(text: str) -> Place:
    """Read `https://HOST[:PORT][/PATH]`, `http://` to a loopback literal, or `unix:PATH`.

    Raises ConfigurationError: anything else would show what is sent to the network.
    """
    if text.startswith("unix:") and len(text) > len("unix:"):
        return Place(socket=text.removeprefix("unix:"), host="localhost")
    try:
        url = urlsplit(text)
        host, port = url.hostname or "", url.port or _PORTS.get(url.scheme, 0)
    except ValueError:
        url, host, port = urlsplit(""), "", 0
    private = url.scheme == "https" or inside(parse_address(host), _LOOPBACK)
    if not (host and port and private) or url.query or url.fragment or url.username is not None:
        raise ConfigurationError(
            "the address of the preferences server must be https://HOST, http:// to 127.0.0.1 or "
            "[::1], or unix:PATH",
            next_step="Check --preferences-url.",
        )
    return Place(host=host, port=port, secure=url.scheme == "https", prefix=url.path.rstrip("/"))


class _Connection(msgspec.Struct):
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    since: float = 0.0
    """When it became idle."""

    def close(self) -> None:
        self.writer.close()


class _Reading:
    """What the parser tells; `keep`: whether the connection may be used again."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.body = bytearray()
        self.head = 0
        self.in_body = False
        self.whole = False
        self.keep = False
        self.parser = httptools.HttpResponseParser(self)

    def take(self, data: bytes) -> None:
        """Give what came to the parser. Raises EOFError, OverflowError, HttpParserError."""
        if not data:
            raise EOFError
        self.head += 0 if self.in_body else len(data)
        if self.head > LONGEST_HEAD + _CHUNK:
            raise OverflowError
        self.parser.feed_data(data)

    def on_headers_complete(self) -> None:
        self.in_body = True

    def on_body(self, data: bytes) -> None:
        self.body += data
        if len(self.body) > self.limit:
            raise OverflowError

    def on_message_complete(self) -> None:
        self.keep = self.parser.should_keep_alive() and not self.whole
        self.whole = True


class HttpPool:
    """Connections to one server."""

    def __init__(self, place: Place, tls: ssl.SSLContext | None = None) -> None:
        """`tls` is for a place that is secure."""
        self._place = place
        self._tls = tls
        self._idle: deque[_Connection] = deque()
        self._free = asyncio.Semaphore(CONNECTIONS)

    async def exchange(
        self,
        method: str,
        target: str,
        *,
        headers: Mapping[str, str],
        body: bytes = b"",
        limit: int,
    ) -> Response:
        """Send one request and return the whole answer. Raises StoreUnavailable."""
        head = {
            "host": self._place.host if not self._place.port else self._host(),
            "content-length": str(len(body)),
            **headers,
        }
        lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
        request = f"{method} {self._place.prefix}{target} HTTP/1.1\r\n{lines}\r\n".encode() + body
        try:
            async with asyncio.timeout(EXCHANGE_S), self._free:
                return await self._exchange(request, limit)
        except (OSError, TimeoutError, EOFError, OverflowError, httptools.HttpParserError):
            # without its cause: it may quote what was sent
            raise StoreUnavailable("the preferences server does not answer") from None

    def close(self) -> None:
        """Close what is kept."""
        while self._idle:
            self._idle.pop().close()

    def _host(self) -> str:
        host = f"[{self._place.host}]" if ":" in self._place.host else self._place.host
        return f"{host}:{self._place.port}"

    async def _exchange(self, request: bytes, limit: int) -> Response:
        kept = self._kept()
        if kept is not None:
            try:
                return await self._on(kept, request, limit)
            except (OSError, EOFError):
                pass  # it was closed while it was idle
        return await self._on(await self._connect(), request, limit)

    def _kept(self) -> _Connection | None:
        now = asyncio.get_running_loop().time()
        while self._idle:
            connection = self._idle.pop()
            if now - connection.since < IDLE_S and not connection.reader.at_eof():
                return connection
            connection.close()
        return None

    async def _connect(self) -> _Connection:
        place = self._place
        if place.socket is not None:
            return _Connection(*await asyncio.open_unix_connection(place.socket))
        tls = self._tls if place.secure else None
        name = place.host if tls else None
        return _Connection(
            *await asyncio.open_connection(place.host, place.port, ssl=tls, server_hostname=name)
        )

    async def _on(self, connection: _Connection, request: bytes, limit: int) -> Response:
        """Use one connection; keep it if it can be used again."""
        reading = _Reading(limit)
        try:
            connection.writer.write(request)
            await connection.writer.drain()
            while not reading.whole:
                reading.take(await connection.reader.read(_CHUNK))
        except BaseException:
            connection.close()
            raise
        if reading.keep:
            connection.since = asyncio.get_running_loop().time()
            self._idle.append(connection)
        else:
            connection.close()
        return Response(reading.parser.get_status_code(), bytes(reading.body))
