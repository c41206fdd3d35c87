"""Frames of the local sockets: a 2-byte big-endian length, then that many bytes of UTF-8 JSON.

As on the original's pipe. Every message carries `v` (protocol version) and `id`. Sans-I/O: bytes
in, payloads out; who reads and writes them is the business of `remote.ipc`.
"""

from __future__ import annotations

from typing import Final

from keyin.domain.errors import InvalidDocument

PROTOCOL_VERSION: Final = 1
MAX_PAYLOAD: Final = 65_535  # bytes: all that two length bytes can say


def frame(payload: bytes) -> bytes:
    """Put the length before the payload. Raises InvalidDocument over `MAX_PAYLOAD` or if empty."""
    if not 0 < len(payload) <= MAX_PAYLOAD:
        raise InvalidDocument(
            "a local message must have 1 to %(limit)s bytes, this one has %(size)s",
            limit=MAX_PAYLOAD,
            size=len(payload),
        )
    return len(payload).to_bytes(2, "big") + payload


class Deframer:
    """Cuts a byte stream into payloads, however it was split on the way."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """Take bytes in; return the payloads now complete. Raises InvalidDocument on length 0."""
        self._buffer += data
        payloads: list[bytes] = []
        while len(self._buffer) >= 2:  # noqa: PLR2004 - the two length bytes
            length = int.from_bytes(self._buffer[:2], "big")
            if length == 0:
                raise InvalidDocument("an empty local message")
            if len(self._buffer) < 2 + length:
                break
            payloads.append(bytes(self._buffer[2 : 2 + length]))
            del self._buffer[: 2 + length]
        return payloads

    @property
    def pending(self) -> int:
        """Bytes of a message that has begun and not ended."""
        return len(self._buffer)
