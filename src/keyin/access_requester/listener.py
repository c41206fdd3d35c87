"""The port that a browser comes back to: on loopback, for one enrolment, for at most five minutes.

It is this process's only one (P63), bound to a literal and shared with nobody (P70). What comes in
is bounded in size, time and number; `loopback` says what it means. Whoever holds connections
open without a word gives way to who comes later.
"""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Self

from keyin.access_requester.loopback import LIFE_S, LONGEST_HEAD, Code, Declined, Listening
from keyin.wire.requester_trouble import Trouble, trouble

if TYPE_CHECKING:
    from keyin.domain.environment import Clock
    from keyin.domain.secret import Secret

_HEAD_SECONDS: Final = 5.0
_GOODBYE_SECONDS: Final = 1.0
_MOST_CONNECTIONS: Final = 32
_END: Final = b"\r\n\r\n"
_BARE: Final = (
    "Content-Length: 0\r\nCache-Control: no-store\r\nReferrer-Policy: no-referrer\r\n"
    "Content-Security-Policy: default-src 'none'\r\nCross-Origin-Resource-Policy: same-origin\r\n"
    "X-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n"
)
_DENIED: Final = "error=access_denied"
_FAILED: Final = "error=failed"
_NOTHING: Final = f"HTTP/1.1 404 Not Found\r\n{_BARE}".encode()


class Listener:
    """Open from `open` until `close`, or until the one answer has come."""

    def __init__(self, sock: socket.socket, listening: Listening, goodbye: str) -> None:
        loop = asyncio.get_running_loop()
        self._sock = sock
        self._listening = listening
        self._goodbye = goodbye
        self._answer: asyncio.Future[Code | Declined | None] = loop.create_future()
        self._talking: dict[asyncio.Task[None], None] = {}
        self._accepting = loop.create_task(self._accept())

    @classmethod
    def open(cls, *, issuer: str, state: Secret, goodbye: str) -> Self:
        """Bind and listen. `goodbye`: where a browser is sent. Raises Refused (`no_port`)."""
        sock, host = _bound()
        return cls(sock, Listening(host=host, state=state, issuer=issuer), goodbye)

    @property
    def redirect_uri(self) -> str:
        """Return the address that the browser is sent back to."""
        return self._listening.redirect_uri

    async def answer(self, clock: Clock) -> Code | Declined:
        """Wait for the one answer. Raises Refused (`expired`, `interfered`)."""
        sleeping = asyncio.ensure_future(clock.sleep(LIFE_S))
        try:
            waited: list[asyncio.Future[Any]] = [self._answer, sleeping]
            await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleeping.cancel()
            await self._stop_listening()
        if not self._answer.done():
            raise trouble(Trouble.EXPIRED)
        found = self._answer.result()
        if found is None:
            raise trouble(Trouble.INTERFERED)
        return found

    async def close(self) -> None:
        """Listen no more, and hang up."""
        await self._stop_listening()
        talking = list(self._talking)
        if talking:
            await asyncio.wait(talking, timeout=_GOODBYE_SECONDS)  # the browser gets its way back
        for task in talking:
            task.cancel()
        await asyncio.gather(*talking, return_exceptions=True)

    async def _stop_listening(self) -> None:
        self._accepting.cancel()
        await asyncio.gather(self._accepting, return_exceptions=True)
        self._sock.close()

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            connection, _ = await loop.sock_accept(self._sock)
            if len(self._talking) >= _MOST_CONNECTIONS:
                next(iter(self._talking)).cancel()
            task = loop.create_task(self._talk(connection))
            self._talking[task] = None
            task.add_done_callback(partial(self._hang_up, connection))

    def _hang_up(self, connection: socket.socket, task: asyncio.Task[None]) -> None:
        self._talking.pop(task, None)
        connection.close()

    async def _talk(self, connection: socket.socket) -> None:
        """Answer one request; whoever sends none, or half of one, is not told anything."""
        loop, head = asyncio.get_running_loop(), bytearray()
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(_HEAD_SECONDS):
                while _END not in head:
                    more = await loop.sock_recv(connection, LONGEST_HEAD)
                    head += more
                    if not more or len(head) > LONGEST_HEAD:
                        return
                await loop.sock_sendall(connection, self._reply(bytes(head)))

    def _reply(self, head: bytes) -> bytes:
        if self._answer.done():
            return _NOTHING
        self._listening, found = self._listening.heard(head)
        if self._listening.abandoned:
            self._answer.set_result(None)
            self._accepting.cancel()
        if found is None:
            return _NOTHING
        self._answer.set_result(found)
        self._accepting.cancel()
        # P73: what the browser shows and remembers at the end has no code in it
        said = "ok=1" if isinstance(found, Code) else _DENIED if found.denied else _FAILED
        place = f"{self._goodbye}?{said}"
        return f"HTTP/1.1 303 See Other\r\nLocation: {place}\r\n{_BARE}".encode()


def _bound() -> tuple[socket.socket, str]:
    """Bind a port of this computer's own that nobody else can share."""
    reason = ""
    for family, literal, written in (
        (socket.AF_INET, "127.0.0.1", "127.0.0.1"),
        (socket.AF_INET6, "::1", "[::1]"),
    ):
        try:
            sock = socket.socket(family, socket.SOCK_STREAM)
        except OSError as exc:
            reason = exc.strerror or reason
            continue
        try:
            # neither SO_REUSEADDR nor SO_REUSEPORT: nobody binds beside us, or after us at once
            sock.bind((literal, 0))
        except OSError as exc:
            sock.close()
            reason = exc.strerror or reason
            continue
        sock.listen(_MOST_CONNECTIONS)
        sock.settimeout(0)
        return sock, f"{written}:{sock.getsockname()[1]}"
    raise trouble(Trouble.NO_PORT, reason=reason)
