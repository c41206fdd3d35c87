"""P80, P81, P82, P84, P99: what is too much, too slow or no HTTP; and nothing ends the process."""

from __future__ import annotations

import asyncio
import json
import random
import socket
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

import httpx
import pytest

from keyin.cloud.app import Limits
from keyin.cloud.config import CloudConfig
from keyin.cloud.wiring import build
from keyin.domain.errors import StoreUnavailable
from keyin.stores.host import SystemEntropy
from keyin.stores.memory import MemoryStore
from keyin.stores.secrets_directory import SecretsDirectory
from tests.cloud_documents import FREE, LISTED, SECRET, preferences

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cloud_process import Cloud

KIB = 1024


@pytest.fixture(scope="module")
def token(cloud: Cloud) -> str:
    issued: str = cloud.token("alice", (FREE, SECRET)).json["access_token"]
    return issued


def raw(cloud: Cloud, *parts: bytes, wait_s: float = 0.0, timeout: float = 10.0) -> bytes:
    """Send bytes as they are; return all that comes back."""
    place = urlsplit(cloud.url)
    received = b""
    with socket.create_connection((str(place.hostname), place.port or 0), timeout=timeout) as wire:
        try:
            for part in parts:
                wire.sendall(part)
                time.sleep(wait_s)
            while more := wire.recv(65536):
                received += more
        except (ConnectionError, TimeoutError):
            return received
    return received


def status(received: bytes) -> int:
    return int(received.split(b" ", 2)[1]) if received else 0


BOTH_LENGTHS = (
    b"POST / HTTP/1.1\r\nHost: x\r\n"
    b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
)
SIZES = [
    (b"GET /" + b"a" * (15 * KIB) + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 404),
    (b"GET /" + b"a" * (16 * KIB) + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414),
    (b"GET /" + b"a" * (200 * KIB), 414),
    (
        b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX: " + b"a" * (30 * KIB) + b"\r\n\r\n",
        404,
    ),
    (b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * (32 * KIB) + b"\r\n\r\n", 431),
    (b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X: a\r\n" * 6000 + b"\r\n", 431),
    (b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * (200 * KIB), 431),
    (b"no http at all\r\n\r\n", 400),
    (b"GET / HTTP/9.9\r\nHost: x\r\n\r\n", 400),
    (b"GET /\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    (b"POST /access_token HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n", 400),
    (
        b"POST /access_token HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
        400,
    ),
    (BOTH_LENGTHS, 400),
    (b"\x16\x03\x01\x02\x00\x01\x00", 400),
]


@pytest.mark.parametrize(("sent", "answer"), SIZES, ids=range(len(SIZES)))
def test_p82_heads_have_a_limit(cloud: Cloud, sent: bytes, answer: int) -> None:
    received = raw(cloud, sent)
    assert status(received) == answer
    body = json.loads(received.partition(b"\r\n\r\n")[2])
    assert body["isError"] is True
    assert b"uvicorn" not in received


def test_p82_a_device_of_14_kb_is_read(cloud: Cloud, token: str) -> None:
    device = {"OS": {"id": "linux"}, "solutions": [{"id": "x" * 100}] * 108}
    assert 12 * KIB < len(quote(json.dumps(device), safe="")) < 15 * KIB
    assert cloud.settings("alice", token, device).status == 200


def test_p82_bodies_have_a_limit(cloud: Cloud, token: str) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert cloud.request("POST", "/access_token", headers=form, body=b"a" * 64 * KIB).status == 401
    reply = cloud.request("POST", "/access_token", headers=form, body=b"a" * (64 * KIB + 1))
    assert (reply.status, reply.json["error"]) == (413, "invalid_request")
    saving = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
    whole = b" " * KIB * KIB
    assert cloud.request("PUT", "/alice/settings", headers=saving, body=whole).status == 400
    reply = cloud.request("PUT", "/alice/settings", headers=saving, body=whole + b" ")
    assert (reply.status, reply.json["isError"]) == (413, True)


def test_p82_a_chunked_body_is_counted_as_it_comes(cloud: Cloud) -> None:
    head = (
        b"POST /access_token HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
        b"Content-Type: application/x-www-form-urlencoded\r\n\r\n"
    )
    chunk = b"4000\r\n" + b"a" * 0x4000 + b"\r\n"
    assert status(raw(cloud, head + chunk * 5)) == 413


def test_p82_depth_has_a_limit(cloud: Cloud, token: str) -> None:
    saving = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
    for levels, answer in ((28, 200), (40, 400), (50_000, 400)):
        value = b"[" * levels + b"]" * levels
        text = b'{"contexts":{"c":{"preferences":{"http://x/y":' + value + b"}}}}"
        reply = cloud.request("PUT", "/alice/settings", headers=saving, body=text)
        assert (levels, reply.status) == (levels, answer)


@pytest.mark.parametrize(
    ("sent", "answer"),
    [
        (b"GET /health HTTP/1.1\r\nHost: x", 0),
        (
            (
                b"POST /access_token HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n"
                b"Content-Type: application/json\r\n\r\n{"
            ),
            408,
        ),
    ],
)
def test_p82_slow_requests_are_ended(cloud: Cloud, sent: bytes, answer: int) -> None:
    began = time.monotonic()
    received = raw(cloud, sent, timeout=30)
    assert status(received) == answer
    assert 8 < time.monotonic() - began < 15


def test_p81_authentication_comes_before_the_body(cloud: Cloud) -> None:
    """A stranger's body is not waited for, let alone read or parsed."""
    head = (
        b"PUT /alice/settings HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        b"Content-Length: 900000\r\nExpect: 100-continue\r\n\r\n"
    )
    place = urlsplit(cloud.url)
    with socket.create_connection((str(place.hostname), place.port or 0), timeout=5) as wire:
        wire.sendall(head)
        assert wire.recv(12) == b"HTTP/1.1 401"


def test_p81_authorisation_comes_before_the_device_and_the_outline(cloud: Cloud) -> None:
    mine = cloud.token("bob", (FREE, SECRET)).json["access_token"]
    bearer = {"Authorization": f"Bearer {mine}", "Content-Type": "application/json"}
    assert cloud.request("GET", "/alice/settings/notjson", headers=bearer).status == 401
    for body in (b"{", b"[]", b'{"contexts":null}', b" " * 2_000_000):
        reply = cloud.request("PUT", "/alice/settings", headers=bearer, body=body)
        assert reply.status == 401


TWICE = [
    ("application/x-www-form-urlencoded", "client_id={c}&client_id={c}&{rest}"),
    ("application/x-www-form-urlencoded", "client_secret={s}&client_id={c}&{rest}&username=alice"),
    ("application/x-www-form-urlencoded", "grant_type=password&client_id={c}&{rest}"),
    ("application/x-www-form-urlencoded", "password=x&client_id={c}&{rest}"),
    ("application/x-www-form-urlencoded", "scope=a&scope=b&client_id={c}&{rest}"),
    (
        "application/json",
        (
            '{{"client_id":"{c}","client_secret":"{s}","grant_type":"password","username":"bob",'
            '"username":"alice","password":"x"}}'
        ),
    ),
]


@pytest.mark.parametrize(("media", "template"), TWICE)
def test_p99_nothing_that_comes_twice_gets_a_token(cloud: Cloud, media: str, template: str) -> None:
    rest = f"client_secret={SECRET}&username=alice&password=x&grant_type=password"
    body = template.format(c=FREE, s=SECRET, rest=rest)
    reply = cloud.request("POST", "/access_token", headers={"Content-Type": media}, body=body)
    assert reply.status in (400, 401, 501)
    assert set(reply.json) == {"error", "error_description"}


def test_p99_unknown_parameters_are_ignored(cloud: Cloud) -> None:
    assert cloud.token("alice", (FREE, SECRET), unknown="1", also="2").status == 200


def test_p99_a_document_that_says_something_twice_is_refused(cloud: Cloud) -> None:
    listed = cloud.token("bob", (LISTED, SECRET)).json["access_token"]
    body = '{"contexts":{"c":{"preferences":{"http://x/secret":1},"preferences":{}}}}'
    headers = {"Authorization": f"Bearer {listed}", "Content-Type": "application/json"}
    assert cloud.request("PUT", "/bob/settings", headers=headers, body=body).status == 400


def _garbage(chance: random.Random) -> Iterator[bytes]:
    words = [b"GET", b"PUT", b"POST", b" ", b"/", b"\r\n", b"HTTP/1.1", b"Host: x", b"%", b"{",
             b"Content-Length: ", b"9" * 30, b"Authorization: Bearer ", b"\x00", b"\xff", b"%7B",
             b"Transfer-Encoding: chunked", b"/access_token", b"/alice/settings"]  # fmt: skip
    for _ in range(300):
        yield b"".join(chance.choices(words, k=chance.randint(1, 30))) + b"\r\n\r\n"


def test_p80_no_input_ends_the_process(cloud: Cloud, token: str) -> None:
    chance = random.Random(80)  # noqa: S311 - a reproducible fuzz, no secret
    for garbage in _garbage(chance):
        place = urlsplit(cloud.url)
        with socket.create_connection((str(place.hostname), place.port or 0), timeout=5) as wire:
            wire.sendall(garbage)
    odd: list[Any] = [
        None,
        True,
        0,
        -1.5,
        "",
        "\x00",
        "\u202e",
        "\U0001f511",
        [],
        {},
        [[]],
        {"a": None},
    ]
    for _ in range(150):
        device = {"OS": chance.choice(odd), "solutions": chance.choices(odd, k=3)}
        assert cloud.settings("alice", token, chance.choice([device, *odd])).status == 200
        document: Any = {"contexts": {"c": chance.choice(odd), "gpii-default": {"preferences": {}}}}
        assert cloud.save("alice", token, chance.choice([document, *odd])).status in (200, 400)
        key = chance.choice(["'", '"', "%", "\x00", "a" * 5000, "\u202e", "../..", " ", "{}"])
        assert cloud.token(key, (FREE, SECRET)).status in (401, 429)
        assert cloud.settings(key, token, {}).status == 401
    assert cloud.process.process.poll() is None
    assert cloud.request("GET", "/health").json == {"isHealthy": True}
    assert "internal_error" not in cloud.process.output


class _Slow(MemoryStore):
    def __init__(self) -> None:
        super().__init__()
        self.go_on = asyncio.Event()

    async def find_credential(self, _: str) -> None:
        await self.go_on.wait()


async def _client(store: MemoryStore, limits: Limits | None = None) -> httpx.AsyncClient:
    secrets = SecretsDirectory.in_memory(entropy=SystemEntropy())
    built = await build(CloudConfig(), store=store, secrets=secrets, limits=limits)
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app=built.app), base_url="http://127.0.0.1"
    )


async def test_p84_overload_is_shed_before_work() -> None:
    store = _Slow()
    asked = {"client_id": "x", "client_secret": "y"}
    async with await _client(store, Limits(in_flight=3)) as client:
        waiting = [asyncio.create_task(client.post("/access_token", json=asked)) for _ in range(3)]
        await asyncio.sleep(0.05)
        shed = await client.post("/access_token", json=asked)
        assert (shed.status_code, shed.headers["retry-after"]) == (503, "5")
        assert shed.json()["error"] == "server_error"
        assert (await client.get("/health")).status_code == 200
        store.go_on.set()
        assert {one.status_code for one in await asyncio.gather(*waiting)} == {401}
        assert (await client.post("/access_token", json=asked)).status_code == 401


class _Down(MemoryStore):
    async def find_credential(self, _: str) -> None:
        raise StoreUnavailable("the disk is gone")

    find_grant = find_credential  # type: ignore[assignment]


async def test_p83_a_store_that_is_down_is_a_503_and_never_a_grant() -> None:
    async with await _client(_Down()) as client:
        asked = {"client_id": "x", "client_secret": "y"}
        refused = await client.post("/access_token", json=asked)
        bearer = {"Authorization": "Bearer x"}
        queried = await client.get("/alice/settings/%7B%7D", headers=bearer)
        saved = await client.put("/alice/settings", headers=bearer, json=preferences())
    for reply in (refused, queried, saved):
        assert (reply.status_code, reply.headers["retry-after"]) == (503, "5")
        assert "disk" not in reply.text
    assert refused.json()["error"] == "server_error"
    assert queried.json()["isError"] is saved.json()["isError"] is True


class _Broken(MemoryStore):
    async def find_credential(self, _: str) -> None:
        raise RuntimeError("/secret/path")


async def test_p27_the_last_resort_is_a_constant(capsys: pytest.CaptureFixture[str]) -> None:
    async with await _client(_Broken()) as client:
        reply = await client.post("/access_token", json={"client_id": "x", "client_secret": "y"})
    assert (reply.status_code, reply.json()) == (
        500,
        {"error": "server_error", "error_description": "Internal error"},
    )
    assert "/secret/path" not in capsys.readouterr().err
