"""HTTP between two clouds: bounded whatever the other side does, and sent again only when kept."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
import trustme

from keyin.domain.errors import ConfigurationError, StoreUnavailable
from keyin.domain.secret import GpiiKey, Secret
from keyin.remote import http_pool
from keyin.remote.http_pool import HttpPool, Place, Response, parse_place
from keyin.remote.preferences import PreferencesServer
from keyin.remote.tls import tls_context
from keyin.settings.errors import Rejected, Why

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"
CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
SECRET = "s" * 43


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("http://127.0.0.1:8", Place(host="127.0.0.1", port=8)),
        ("http://[::1]:8/", Place(host="::1", port=8)),
        ("https://a.example", Place(host="a.example", port=443, secure=True)),
        ("https://a.example:8/ps/", Place(host="a.example", port=8, secure=True, prefix="/ps")),
        ("unix:/run/x", Place(host="localhost", socket="/run/x")),
    ],
)
def test_places(text: str, place: Place) -> None:
    assert parse_place(text) == place


@pytest.mark.parametrize(
    "text",
    [
        "", "unix:", "http://localhost:8", "http://10.0.0.1", "http://a.example", "ftp://127.0.0.1",
        "https://", "https://a@b", "https://a?b", "https://a#b", "https://a:99999", "//a", "http://[",
    ],
)  # fmt: skip
def test_what_would_show_the_secret_is_no_place(text: str) -> None:
    with pytest.raises(ConfigurationError):
        parse_place(text)


class Server:
    """Answers each request with the next of some bytes; None: closes instead."""

    def __init__(self, answers: list[bytes | None]) -> None:
        self.answers = answers
        self.requests: list[bytes] = []
        self.connections = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while self.answers:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
                self.requests.append(head + await reader.readexactly(length))
                answer = self.answers.pop(0)
                if answer is None:
                    return
                writer.write(answer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def asked(*answers: bytes | None, tls: ssl.SSLContext | None = None) -> AsyncIterator[Any]:
    server = Server([*answers])
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0, ssl=tls)
    port = listening.sockets[0].getsockname()[1]
    pool = HttpPool(Place(host="127.0.0.1", port=port))
    try:
        yield server, pool
    finally:
        pool.close()
        listening.close()
        await listening.wait_closed()


async def get(pool: HttpPool, limit: int = 100) -> Response:
    return await pool.exchange("GET", "/x", headers={"a": "b"}, limit=limit)


async def test_a_connection_is_kept_and_used_again() -> None:
    async with asked(OK, OK) as (server, pool):
        assert await get(pool) == Response(200, b"{}")
        assert await get(pool) == Response(200, b"{}")
        assert server.connections == 1
        assert server.requests[0].startswith(b"GET /x HTTP/1.1\r\nhost: 127.0.0.1:")


async def test_one_that_was_closed_while_it_was_kept_is_opened_anew() -> None:
    async with asked(OK, None, OK) as (server, pool):
        await get(pool)
        assert await get(pool) == Response(200, b"{}")
        assert (server.connections, len(server.requests)) == (2, 3)


async def test_a_new_one_that_breaks_is_not_tried_again() -> None:
    async with asked(None, OK) as (server, pool):
        with pytest.raises(StoreUnavailable):
            await get(pool)
        assert server.connections == 1


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\ncontent-length: 101\r\n\r\n" + b"x" * 101,
        CHUNKED + b"40\r\n" + b"x" * 64 + b"\r\n40\r\n" + b"x" * 64 + b"\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 40_000 + b"\r\n",
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n",
        b"\x00" * 100,
    ],
    ids=range(6),
)  # fmt: skip
async def test_an_answer_that_is_too_much_or_none_is_no_answer(
    answer: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_pool, "EXCHANGE_S", 1.0)
    async with asked(answer) as (_, pool):
        with pytest.raises(StoreUnavailable):
            await get(pool)


async def test_whoever_never_answers_is_waited_for_a_bounded_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(http_pool, "EXCHANGE_S", 0.2)
    async with asked(b"", b"") as (_, pool):
        begun = asyncio.get_running_loop().time()
        with pytest.raises(StoreUnavailable) as raised:
            await get(pool)
        assert asyncio.get_running_loop().time() - begun < 2
        assert raised.value.__cause__ is None


async def test_many_at_once_use_a_bounded_number_of_connections() -> None:
    async with asked(*[OK] * 200) as (server, pool):
        answers = await asyncio.gather(*(get(pool) for _ in range(200)))
        assert all(one.status == 200 for one in answers)
        assert server.connections <= http_pool.CONNECTIONS


async def test_nobody_there_is_no_answer() -> None:
    async with asked() as (_, pool):
        pass
    with pytest.raises(StoreUnavailable):
        await get(pool)


async def test_a_certificate_is_checked(tmp_path: Path) -> None:
    authority, other = trustme.CA(), trustme.CA()
    known = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(known)
    for issuer, name, good in (
        (authority, "127.0.0.1", True),
        (authority, "other.example", False),
        (other, "127.0.0.1", False),
    ):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        issuer.issue_cert(name).configure_cert(context)
        async with asked(OK, tls=context) as (server, plain):
            place = Place(host="127.0.0.1", port=plain._place.port, secure=True)
            pool = HttpPool(place, tls_context(known))
            if good:
                assert await get(pool) == Response(200, b"{}")
            else:
                with pytest.raises(StoreUnavailable):
                    await get(pool)
                assert not server.requests
            pool.close()


def reply(status: int, body: bytes) -> bytes:
    return b"HTTP/1.1 %d X\r\ncontent-length: %d\r\n\r\n%b" % (status, len(body), body)


READ: list[tuple[bytes, Any]] = [
    (reply(200, b'{"contexts":{}}'), {"contexts": {}}),
    (reply(200, b""), {}),
    (reply(404, b'{"errorCode":"GPII_ERR_NO_GPIIKEY"}'), {}),
    (reply(404, b'{"errorCode":"OTHER"}'), StoreUnavailable),
    (reply(404, b"Not here"), StoreUnavailable),
    (reply(401, b'{"isError":true}'), StoreUnavailable),
    (reply(500, b"[]"), StoreUnavailable),
    (reply(301, b"{}"), StoreUnavailable),
    (reply(200, b"{"), StoreUnavailable),
    (reply(200, b"[" * 100_000), StoreUnavailable),
]


@pytest.mark.parametrize(("answer", "outcome"), READ, ids=range(len(READ)))
async def test_what_the_preferences_server_says_of_a_key(answer: bytes, outcome: Any) -> None:
    async with asked(answer) as (server, pool):
        other = PreferencesServer(pool=pool, secret=Secret(SECRET))
        if outcome is StoreUnavailable:
            with pytest.raises(StoreUnavailable):
                await other.read(GpiiKey("a/b é"), request_id="request-1")
        else:
            assert await other.read(GpiiKey("a/b é"), request_id="request-1") == outcome
        assert server.requests[0].startswith(b"GET /preferences/a%2Fb%20%C3%A9?view=flat HTTP/1.1")
        assert b"authorization: Bearer " + SECRET.encode() in server.requests[0]
        assert b"x-request-id: request-1" in server.requests[0]


MERGED: list[tuple[bytes, Any]] = [
    (reply(200, b'{"gpiiKey":"k"}'), None),
    (reply(404, b'{"errorCode":"GPII_ERR_READONLY"}'), Why.READ_ONLY),
    (reply(409, b'{"errorCode":"GPII_ERR_GPIIKEY_EXISTS"}'), Why.SAFE_MISSING),
    (reply(413, b"{}"), Why.TOO_LARGE),
    (reply(400, b'{"errors":[{"dataPath":["x"]},5]}'), Why.BODY_INVALID),
    (reply(400, b'{"errors":5}'), Why.BODY_INVALID),
    (reply(401, b"{}"), StoreUnavailable),
    (reply(503, b"{}"), StoreUnavailable),
    (reply(404, b"x"), StoreUnavailable),
]


@pytest.mark.parametrize(("answer", "outcome"), MERGED, ids=range(len(MERGED)))
async def test_what_it_says_to_a_document(answer: bytes, outcome: Any) -> None:
    async with asked(answer) as (server, pool):
        other = PreferencesServer(pool=pool, secret=Secret(SECRET))
        if outcome is None:
            await other.merge(GpiiKey("k"), {"contexts": {}}, request_id=None)
        elif outcome is StoreUnavailable:
            with pytest.raises(StoreUnavailable):
                await other.merge(GpiiKey("k"), {"contexts": {}}, request_id=None)
        else:
            with pytest.raises(Rejected) as raised:
                await other.merge(GpiiKey("k"), {"contexts": {}}, request_id=None)
            assert raised.value.why is outcome
        assert b"PUT /preferences/k?view=flat&merge=true HTTP/1.1" in server.requests[0]
        assert server.requests[0].endswith(b'\r\n\r\n{"contexts":{}}')


@pytest.mark.parametrize(
    ("answer", "is_ready"), [(OK, True), (reply(503, b""), False), (None, False)]
)
async def test_whether_it_is_ready(answer: bytes | None, *, is_ready: bool) -> None:
    async with asked(answer) as (_, pool):
        assert await PreferencesServer(pool=pool, secret=Secret(SECRET)).ready() is is_ready
