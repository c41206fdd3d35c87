"""Which requests the loopback listener hears."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import httpx
import pytest

from keyin.flow_manager.http_guard import accepted_hosts, refusal
from tests.fakes.flow_manager import Played, running

if TYPE_CHECKING:
    from pathlib import Path

HOSTS = accepted_hosts("127.0.0.1", 8081)
HOST = (b"host", b"127.0.0.1:8081")


@pytest.mark.parametrize(
    "headers",
    [
        [HOST],
        [(b"host", b"localhost:8081")],
        [(b"host", b"LOCALHOST:8081")],
        [HOST, (b"sec-fetch-site", b"none")],
    ],
)
def test_a_program_of_the_person_is_heard(headers: list[tuple[bytes, bytes]]) -> None:
    assert refusal(headers, hosts=HOSTS) is None


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [HOST, HOST],
        [(b"host", b"127.0.0.1")],
        [(b"host", b"127.0.0.1:8082")],
        [(b"host", b"attacker.example:8081")],
        [(b"host", b"localhost.attacker.example:8081")],
        [(b"host", b"[::1]:8081")],
        [HOST, (b"origin", b"null")],
        [HOST, (b"origin", b"")],
        [HOST, (b"origin", b"http://127.0.0.1:8081")],
        [HOST, (b"sec-fetch-site", b"cross-site")],
        [HOST, (b"sec-fetch-site", b"same-site")],
        [HOST, (b"sec-fetch-site", b"same-origin")],
        [HOST, (b"sec-fetch-site", b"none"), (b"sec-fetch-site", b"cross-site")],
        [HOST, (b"sec-fetch-site", b"")],
    ],
)
def test_others_are_not(headers: list[tuple[bytes, bytes]]) -> None:
    assert refusal(headers, hosts=HOSTS)


async def _raw(played: Played, request: bytes) -> bytes:
    port = httpx.URL(played.manager.listeners[-1]).port
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", b"400"),
        (b"GET /user/alice/login HTTP/1.1\r\nHost: attacker.example\r\n\r\n", b"403"),
        (b"NONSENSE\r\n\r\n", b"400"),
        (b"GET /" + b"x" * 40_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", b"431"),
        (b"POST /user/alice/login HTTP/1.1\r\nHost: localhost:PORT\r\n\r\n", b"404"),
        (b"HEAD /user/alice/login HTTP/1.1\r\nHost: localhost:PORT\r\n\r\n", b"404"),
        (b"GET /user//login HTTP/1.1\r\nHost: localhost:PORT\r\n\r\n", b"404"),
        (b"GET /user/restore/login HTTP/1.1\r\nHost: localhost:PORT\r\n\r\n", b"400"),
        (b"GET /user/" + b"k" * 1025 + b"/login HTTP/1.1\r\nHost: localhost:PORT\r\n\r\n", b"414"),
    ],
)
async def test_malformed_and_unknown_requests(
    request_: bytes, status: bytes, tmp_path: Path
) -> None:
    async with running(tmp_path) as played:
        port = str(httpx.URL(played.manager.listeners[-1]).port).encode()
        answer = await _raw(played, request_.replace(b"PORT", port))
        assert answer.split(b" ")[1] == status, answer
        assert b"<html" not in answer
        assert played.manager.desk.active().reveal() == "noUser"


async def test_a_key_cannot_write_into_the_page(tmp_path: Path) -> None:
    async with running(tmp_path) as played, httpx.AsyncClient() as client:
        url = f"{played.manager.listeners[-1]}/user/%3Cscript%3Ex/login"
        answer = await client.get(url)
        assert answer.status_code == 200
        assert "<script" not in answer.text
        assert answer.headers["x-content-type-options"] == "nosniff"


async def test_nothing_listens_unless_told(tmp_path: Path) -> None:
    async with running(tmp_path, listen=False) as played:
        assert [one.partition(":")[0] for one in played.manager.listeners] == ["unix"]
