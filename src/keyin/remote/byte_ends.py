"""Two ways for bytes to reach another process, behind one small port.

`StreamEnd` is a socket; `memory_pair()` is two ends inside one process, for the simulation and for
tests. Framing, hellos and ids are the business of `remote.ipc`, the same for both.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final, Protocol

_READ_SIZE: Final = 65_536


class ByteEnd(Protocol):
    """One end of a connection."""

    async def read(self) -> bytes:
        """Return some bytes; empty at the end of the stream or when the other end broke."""
        ...

    async def write(self, data: bytes) -> None:
        """Send all bytes. Raises ConnectionError if the other end is gone."""
        ...

    async def close(self) -> None:
        """Close; never raises, and may be called twice."""
        ...


class StreamEnd:
    """A connected socket, as asyncio's pair of streams."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def read(self) -> bytes:
        """Return some bytes; empty at the end of the stream or when the other end broke."""
        try:
            return await self._reader.read(_READ_SIZE)
        except ConnectionError:
            return b""

    async def write(self, data: bytes) -> None:
        """Send all bytes. Raises ConnectionError if the other end is gone."""
        self._writer.write(data)
        await self._writer.drain()

    async def close(self) -> None:
        """Close; never raises, and may be called twice."""
        self._writer.close()
        with suppress(ConnectionError):
            await self._writer.wait_closed()


class MemoryEnd:
    """One end of a pair that never leaves the process; made by `memory_pair`."""

    def __init__(self, inbox: asyncio.Queue[bytes], outbox: asyncio.Queue[bytes]) -> None:
        self._inbox = inbox
        self._outbox = outbox
        self._ended = False

    async def read(self) -> bytes:
        """Return some bytes; empty once either end is closed."""
        if self._ended:
            return b""
        data = await self._inbox.get()
        self._ended = not data
        return data

    async def write(self, data: bytes) -> None:
        """Send all bytes. Raises ConnectionError if this end is closed."""
        if self._ended:
            raise ConnectionResetError
        self._outbox.put_nowait(data)

    async def close(self) -> None:
        """Close both directions, as a socket would."""
        if not self._ended:
            self._ended = True
            self._outbox.put_nowait(b"")
            self._inbox.put_nowait(b"")


def memory_pair() -> tuple[MemoryEnd, MemoryEnd]:
    """Return two connected ends."""
    there: asyncio.Queue[bytes] = asyncio.Queue()
    back: asyncio.Queue[bytes] = asyncio.Queue()
    return MemoryEnd(there, back), MemoryEnd(back, there)
