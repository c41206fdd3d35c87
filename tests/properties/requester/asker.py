"""Asks an access requester by hand, from whatever account runs it. Standard library only.

    python3 -I asker.py SOCKET|fd:NUMBER MESSAGE...     (the last reply goes to stdout, as JSON)

Copied to where other accounts can read it, and run by an interpreter that they can run.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import time
from contextlib import suppress

HELLO = {"v": 1, "service": "keyin-requester"}


def read_frame(sock: socket.socket) -> bytes:
    """Return one payload; empty if the other end closed."""
    return exactly(sock, int.from_bytes(exactly(sock, 2), "big"))


def exactly(sock: socket.socket, count: int) -> bytes:
    """Return so many bytes, fewer at the end of the stream."""
    data = b""
    with suppress(ConnectionError):
        while len(data) < count and (more := sock.recv(count - len(data))):
            data += more
    return data


def send(sock: socket.socket, message: object) -> None:
    """Send one message; the other end may be gone."""
    data = json.dumps(message).encode()
    with suppress(ConnectionError):
        sock.sendall(len(data).to_bytes(2, "big") + data)


def connected(where: str) -> socket.socket:
    """Return a socket by path or by number."""
    if where.startswith("fd:"):
        return socket.socket(fileno=int(where[3:]))
    sock = socket.socket(socket.AF_UNIX)
    sock.connect(where)
    return sock


def converse(where: str, messages: list[object]) -> list[bytes]:
    """Return the hello and a reply for each message, as they came."""
    with connected(where) as sock:
        sock.settimeout(60)
        for message in (HELLO, *messages):
            send(sock, message)
        return [read_frame(sock) for _ in range(1 + len(messages))]


def main() -> None:
    """Ask as the arguments say; with `stay` as the last one, remain until ended."""
    stay = sys.argv[-1] == "stay"
    words = sys.argv[2 : -1 if stay else None]
    replies = converse(sys.argv[1], [json.loads(word) for word in words])
    total = sum(map(len, replies))
    said = {"uid": os.getuid(), "bytes": total, "last": replies[-1].decode()}
    sys.stdout.write(json.dumps(said) + "\n")
    sys.stdout.flush()
    if stay:
        time.sleep(60)


if __name__ == "__main__":
    main()
