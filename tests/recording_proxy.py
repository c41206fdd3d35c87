"""Stands between a computer and a cloud, passes every byte on, and remembers them.

TCP and nothing above it: what is counted is what went over the wire, headers included.
"""

from __future__ import annotations

import re
import socket
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

POLL_S = 0.05
_HEAD = re.compile(rb"(GET|POST|PUT) (/\S*) HTTP/1\.1\r\n((?:[^\r\n]+\r\n)*)\r\n")


@dataclass(frozen=True)
class Sent:
    """The head of one request."""

    method: str
    path: str
    headers: dict[str, str]


@dataclass
class Wire:
    """What went over it since the last `clear`."""

    up: list[bytes] = field(default_factory=list)
    down: list[bytes] = field(default_factory=list)
    to: tuple[str, int] = ("127.0.0.1", 0)
    """The cloud, set when it runs."""
    loses: bytes | None = None
    """Answers that begin so do not arrive."""
    lost: threading.Event = field(default_factory=threading.Event)
    """Whether one did not."""

    @property
    def size(self) -> int:
        """Return the bytes of both directions."""
        return sum(map(len, self.up)) + sum(map(len, self.down))

    def requests(self) -> list[Sent]:
        """Return the heads of the requests."""
        found = _HEAD.findall(b"".join(self.up))
        return [
            Sent(method.decode(), path.decode(), _headers(head)) for method, path, head in found
        ]

    def clear(self) -> None:
        self.up.clear()
        self.down.clear()


def _headers(head: bytes) -> dict[str, str]:
    pairs = (line.partition(": ") for line in head.decode("latin-1").splitlines())
    return {name.lower(): value for name, _, value in pairs}


@contextmanager
def recording_proxy() -> Iterator[tuple[str, Wire]]:
    """Listen on loopback; yield the URL to ask and the record."""
    wire, threads = Wire(), list[threading.Thread]()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(POLL_S)
        threads.append(threading.Thread(target=_accept, args=(listener, wire, threads)))
        threads[0].start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", wire
    for thread in threads:
        thread.join(10)


def _accept(listener: socket.socket, wire: Wire, threads: list[threading.Thread]) -> None:
    while True:
        try:
            ours, _ = listener.accept()
        except TimeoutError:
            continue
        except OSError:  # the listener was closed: the test is over
            return
        thread = threading.Thread(target=_between, args=(ours, wire))
        threads.append(thread)
        thread.start()


def _between(ours: socket.socket, wire: Wire) -> None:
    """Pass on until both sides are done; the processes end before the test does."""
    with ours, socket.create_connection(wire.to) as theirs:
        ours.settimeout(None)
        back = threading.Thread(target=_pass, args=(theirs, ours, wire.down, wire))
        back.start()
        _pass(ours, theirs, wire.up)
        back.join()


def _pass(
    source: socket.socket, sink: socket.socket, kept: list[bytes], wire: Wire | None = None
) -> None:
    with suppress(OSError):
        while content := source.recv(65_536):
            kept.append(content)
            if wire is not None and wire.loses and content.startswith(wire.loses):
                wire.lost.set()
                continue
            sink.sendall(content)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)
