"""P82, P84: what one connection can cost, before anybody has said who they are."""

from __future__ import annotations

import asyncio
import socket
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
import uvicorn

from keyin.cloud import protocol
from keyin.cloud.listeners import Listener, bind
from keyin.cloud.serving import uvicorn_config

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from tests.cloud_process import Cloud

MIB = 1024 * 1024
POST = b"POST /access_token HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
NEXT = b"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture
def wire(cloud: Cloud) -> Iterator[socket.socket]:
    place = urlsplit(cloud.url)
    with socket.create_connection((str(place.hostname), place.port or 0), timeout=5) as connected:
        yield connected


def sent_until_refused(wire: socket.socket, data: bytes, *, most: int) -> int:
    """Send until the other end has had enough, or `most` bytes; return how many."""
    sent = 0
    try:
        while sent < most:
            wire.sendall(data)
            sent += len(data)
    except (ConnectionError, TimeoutError):
        pass
    return sent


@pytest.mark.parametrize("opening", [b"0\r\nX: ", b"5;x="], ids=["trailer", "extension"])
def test_p82_what_is_no_body_is_not_taken_without_end(wire: socket.socket, opening: bytes) -> None:
    wire.sendall(POST + opening)
    sent = sent_until_refused(wire, b"a" * 65536, most=64 * MIB)
    assert sent < 32 * MIB  # most of it lies in the kernel's buffers


def test_p82_a_body_in_small_chunks_with_a_trailer_is_taken(wire: socket.socket) -> None:
    wire.sendall(POST + b"1\r\na\r\n" * 2000 + b"0\r\nX: y\r\n\r\n")
    assert wire.recv(MIB).startswith(b"HTTP/1.1 401 ")


def test_p82_a_line_of_requests_has_an_end(cloud: Cloud, wire: socket.socket) -> None:
    """With each answer more was read than answered, and never forgotten."""
    before = resident(cloud)
    assert sent_until_refused(wire, NEXT * 2000, most=64 * MIB) < 32 * MIB
    assert resident(cloud) - before < 16 * MIB


def test_p82_some_requests_at_once_are_answered_in_order(wire: socket.socket) -> None:
    wire.sendall(NEXT * 20 + b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    received = b""
    while more := wire.recv(MIB):
        received += more
    parts = received.split(b"HTTP/1.1 ")[1:]
    assert [part[:3] for part in parts] == [b"404"] * 20 + [b"200"]


@pytest.mark.parametrize("second", [b"\x00no http\r\n\r\n", b"GET / HTTP/1.1\r\nX:" + b"a" * 99999])
def test_p82_a_refusal_is_never_taken_for_the_answer_of_an_earlier_request(
    wire: socket.socket, second: bytes
) -> None:
    wire.sendall(b"GET /ready HTTP/1.1\r\nHost: x\r\n\r\n" + second)
    first = wire.recv(MIB)
    assert not first or first.startswith(b"HTTP/1.1 200 ")


def whole(wire: socket.socket) -> bytes:
    """Read an answer whose body is an object, in however many parts it comes."""
    received = b""
    while not received.endswith(b"}") and (more := wire.recv(MIB)):
        received += more
    return received


def test_p82_no_connection_stays_on_which_nothing_is_asked(cloud: Cloud) -> None:
    """An empty line ended the wait for a further request, so that nobody waited any more."""
    place = urlsplit(cloud.url)
    with ExitStack() as held:
        wires = [socket.create_connection((str(place.hostname), place.port)) for _ in range(4)]
        for wire, more in zip(wires, (b"", b"\r\n", b"\r\n\r\n", b"G"), strict=True):
            held.enter_context(wire).settimeout(2 * protocol.TIMEOUT_S)
            wire.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
            assert whole(wire).startswith(b"HTTP/1.1 200 ")
            wire.sendall(more)
        for wire in wires:
            assert not wire.recv(MIB)


def test_p82_as_many_connections_as_the_system_grants(cloud: Cloud) -> None:
    limits = Path(f"/proc/{cloud.process.process.pid}/limits").read_text(encoding="ascii")
    soft, most = next(one for one in limits.splitlines() if "open files" in one).split()[3:5]
    assert soft == most


@pytest.mark.parametrize("connection", ["keep-alive", "close"])
async def test_p82_who_does_not_read_is_left(
    monkeypatch: pytest.MonkeyPatch, connection: str
) -> None:
    monkeypatch.setattr(protocol, "UNREAD_S", 0.2)
    server = uvicorn.Server(uvicorn_config(much, None))
    state = server.server_state
    listener = bind(Listener(host="127.0.0.1"))
    running = asyncio.create_task(server.serve(sockets=[listener]))
    with socket.socket() as wire:
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        wire.connect(listener.getsockname())
        wire.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: %s\r\n\r\n" % connection.encode())
        async with asyncio.timeout(10):
            while not state.connections:  # noqa: ASYNC110 - uvicorn has no event for it
                await asyncio.sleep(0.01)
            while state.connections:  # noqa: ASYNC110 - nor for this
                await asyncio.sleep(0.01)
    server.should_exit = True
    await running


async def much(_scope: object, _receive: object, send: Callable[[object], Awaitable[None]]) -> None:
    """Answer more than the kernel keeps."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": bytes(16 * MIB)})


def resident(cloud: Cloud) -> int:
    """Bytes of memory of the process."""
    status = Path(f"/proc/{cloud.process.process.pid}/status").read_text(encoding="ascii")
    line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) * 1024
