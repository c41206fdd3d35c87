"""P82, P43: what one address may hold open, and that it shuts nobody out with it."""

from __future__ import annotations

import socket
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from keyin.cloud.protocol import TIMEOUT_S
from tests.cloud_documents import everything
from tests.cloud_process import import_documents, serving
from tests.limited_cloud import limited, metric
from tests.properties.cloud.test_p20_start import certificate

if TYPE_CHECKING:
    from pathlib import Path

MOST = 20
FLOOD = 200
HALF_BODY = b"POST /access_token HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    import_documents(tmp_path / "data", everything())
    return tmp_path / "data"


def opened(stack: ExitStack, url: str, times: int, said: bytes) -> list[socket.socket]:
    place = urlsplit(url)
    wires = []
    for _ in range(times):
        wire = socket.create_connection((str(place.hostname), place.port), timeout=5)
        stack.enter_context(wire).sendall(said)
        wires.append(wire)
    return wires


def still_open(wires: list[socket.socket]) -> int:
    """Count those that have nothing to read, not even their end."""
    for wire in wires:
        wire.settimeout(0)
    return sum([not _has_something(wire) for wire in wires])


def _has_something(wire: socket.socket) -> bool:
    try:
        wire.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        return False
    except ConnectionError:
        return True
    return True


@pytest.mark.parametrize(
    "said",
    [b"", b"GET /hea", HALF_BODY + b"Content-Length: 50\r\n\r\n{"],
    ids=["nothing", "half a head", "half a body"],
)
def test_p82_who_opens_connections_and_says_little_shuts_nobody_out(
    data: Path, said: bytes
) -> None:
    with limited(data, connections_an_address=MOST) as cloud, ExitStack() as stack:
        wires = opened(stack, cloud.url, FLOOD, said)
        for _ in range(5):
            assert cloud.request("GET", "/health").status == 200
        assert still_open(wires) < MOST
        assert metric(cloud, "limited", "connections") >= FLOOD - MOST


def test_p82_a_declared_proxy_brings_everybody(data: Path) -> None:
    proxy = ("--trusted-proxy", "127.0.0.1")
    with limited(data, *proxy, connections_an_address=MOST) as cloud, ExitStack() as stack:
        wires = opened(stack, cloud.url, FLOOD, b"")
        assert cloud.request("GET", "/health").status == 200
        assert still_open(wires) == FLOOD


def test_p82_a_handshake_takes_no_longer_than_a_head(tmp_path: Path) -> None:
    _, chain, key = certificate(tmp_path)
    with serving(tmp_path / "data", "--tls-cert", chain, "--tls-key", key) as cloud:
        with ExitStack() as stack:
            (wire,) = opened(stack, cloud.url, 1, b"")
            began = time.monotonic()
            wire.settimeout(3 * TIMEOUT_S)
            assert not wire.recv(1)
        assert TIMEOUT_S - 1 < time.monotonic() - began < 2 * TIMEOUT_S
