"""What both ends of a local socket share: frames, hellos, the form of a message.

Decides nothing about who may ask or what is answered.
"""

from __future__ import annotations

import asyncio
import struct
from collections import deque
from typing import TYPE_CHECKING, Any, Final

import msgspec

from keyin.domain.errors import InvalidDocument
from keyin.wire.frames import PROTOCOL_VERSION, Deframer, frame

if TYPE_CHECKING:
    import socket

    from keyin.remote.byte_ends import ByteEnd

Message = dict[str, Any]
"""One JSON object."""

_UCRED: Final = struct.Struct("=iII")
_SO_PEERCRED: Final = 17  # Linux; Python's socket module has it on Linux only
_SOL_SOCKET: Final = 1


class Peer(msgspec.Struct, frozen=True):
    """Who is at the other end, by the kernel's word at the time of connect or listen."""

    pid: int
    uid: int
    gid: int


def peer_of(sock: socket.socket) -> Peer:
    """Return the other end's credentials (`struct ucred`, unix(7))."""
    return Peer(*_UCRED.unpack(sock.getsockopt(_SOL_SOCKET, _SO_PEERCRED, _UCRED.size)))


class Conversation:
    """Whole JSON objects in and out over a byte end."""

    def __init__(self, end: ByteEnd) -> None:
        self._end = end
        self._deframer = Deframer()
        self._ready: deque[bytes] = deque()
        self._writing = asyncio.Lock()

    async def receive(self) -> Message | None:
        """Return the next message, None at the end. Raises InvalidDocument."""
        while not self._ready:
            data = await self._end.read()
            if not data:
                return None
            self._ready += self._deframer.feed(data)
        return _decode(self._ready.popleft())

    async def send(self, message: Message) -> None:
        """Send one message. Raises InvalidDocument (too long), ConnectionError."""
        data = frame(msgspec.json.encode(message))
        async with self._writing:
            await self._end.write(data)

    async def greet(self, service: str) -> bool:
        """Exchange hellos; True if the other end speaks this service in this version."""
        hello = {"v": PROTOCOL_VERSION, "service": service}
        await self.send(hello)
        return await self.receive() == hello

    async def close(self) -> None:
        """Close; never raises."""
        await self._end.close()


def _decode(payload: bytes) -> Message:
    try:
        return msgspec.json.decode(payload, type=Message)
    except (msgspec.MsgspecError, RecursionError, UnicodeError) as exc:
        raise InvalidDocument("a local message is not a JSON object") from exc
