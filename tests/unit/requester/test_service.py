"""The whole access requester in one process: in-memory transport, virtual clock, fake network."""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from keyin.access_requester.config import Config, LimitsSection
from keyin.access_requester.rate import RateLimit
from keyin.access_requester.wiring import build
from keyin.domain.environment import Millis
from keyin.domain.errors import CloudUnreachable, ConfigurationError, Refused, RequesterUnreachable
from keyin.domain.installation import InstallationCredential
from keyin.domain.secret import AccessToken, GpiiKey, PrivateKey
from keyin.remote import cloud_http
from keyin.remote.access_requester import RequesterClient
from keyin.remote.byte_ends import memory_pair
from keyin.remote.ipc import Peer
from keyin.session.sender import Senders
from tests.fakes.cloud import CLIENT_ID, METADATA, PRIVATE_JWK, TOKEN, FakeCloud, running_cloud

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

ID = "request-0001"
ALICE = GpiiKey("alice-key")


class VirtualClock:
    """Stands still until told otherwise; its two times move together or not."""

    def __init__(self) -> None:
        self.wall, self.steady = 1_700_000_000_000, 50.0

    def now(self) -> Millis:
        return Millis(self.wall)

    def monotonic(self) -> float:
        return self.steady

    async def sleep(self, seconds: float) -> None:
        self.steady += seconds


class Counting:
    """Randomness that can be told apart and repeated."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)

    def token_bytes(self, count: int) -> bytes:
        return next(self._numbers).to_bytes(count, "big")


class Fakes:
    def __init__(
        self, *, address: str = "https://cloud.example", network: bool = True, **limits: int
    ) -> None:
        self.clock = VirtualClock()
        self.cloud = FakeCloud(url=address, time=lambda: self.clock.wall / 1000)
        self.sender = Senders(clock=self.clock, entropy=Counting()).passing()
        self.gate = asyncio.Event()
        self.gate.set()
        self.credential: InstallationCredential | None = InstallationCredential(
            CLIENT_ID, PrivateKey(json.dumps(PRIVATE_JWK))
        )
        config = Config(
            cloud=address, credential="unused", allow=[7], limits=LimitsSection(**limits)
        )
        self.wired = build(
            config,
            clock=self.clock,
            entropy=Counting(),
            credential=lambda: self.credential,
            network=httpx.MockTransport(self._answer) if network else None,
        )
        self.failure: Exception | None = None
        self.replies: list[dict[str, Any]] = []

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        if self.failure:
            raise self.failure
        path, headers = request.url.path, dict(request.headers)
        status, more, body = self.cloud.handle(request.method, path, headers, request.content)
        if path == TOKEN:
            await self.gate.wait()
        stream = httpx.ByteStream(json.dumps(body).encode())  # unread, as from a network
        return httpx.Response(status, headers=more, stream=stream)

    @asynccontextmanager
    async def client(self, uid: int = 7) -> AsyncIterator[RequesterClient]:
        server = self.wired.server()
        here, there = memory_pair()
        server.attach(there, Peer(1, uid, uid))
        client = RequesterClient.over(here, issuer=self.cloud.url, timeout=5)
        try:
            yield client
        finally:
            await client.close()
            await server.close()


async def test_a_token_in_memory_and_then_from_the_cache() -> None:
    fakes = Fakes()
    async with fakes.client() as client:
        first = await client.token(ALICE, fakes.sender, request_id=ID)
        assert await client.token(ALICE, fakes.sender, request_id=ID) == first
        assert await client.token(GpiiKey("bob-key"), fakes.sender, request_id=ID) != first
        await client.forget(ALICE, request_id=ID)
        assert await client.token(ALICE, fakes.sender, request_id=ID) != first
    assert fakes.cloud.grants == 3


@pytest.mark.parametrize(
    ("wall_s", "steady_s", "kept"),
    [
        (889, 889, True),  # 11 s left
        (891, 891, False),  # 9 s left
        (-3600, 891, False),  # the clock was set back an hour: no longer life
        (3600, 1, False),  # the clock was set forward, or the computer slept
        (-3600, 1, True),
    ],
)
async def test_p86_no_clock_makes_a_token_live_longer(
    *, wall_s: int, steady_s: int, kept: bool
) -> None:
    fakes = Fakes()
    async with fakes.client() as client:
        first = await client.token(ALICE, fakes.sender, request_id=ID)
        fakes.clock.wall += wall_s * 1000
        fakes.clock.steady += steady_s
        assert (await client.token(ALICE, fakes.sender, request_id=ID) == first) is kept


async def test_an_account_that_is_not_listed_is_not_served() -> None:
    fakes = Fakes()
    async with fakes.client(uid=0) as client:
        with pytest.raises(Exception, match="did not greet"):
            await client.token(ALICE, fakes.sender, request_id=ID)
    assert fakes.cloud.requests == []


async def test_refusals_arrive_with_their_code_text_and_next_step() -> None:
    fakes = Fakes()
    async with fakes.client() as client:
        with pytest.raises(Refused, match="gave no token") as refused:
            await client.token(GpiiKey("unknown"), fakes.sender, request_id=ID)
        assert refused.value.code == "key_refused"
        fakes.failure = httpx.ConnectError("canary")
        with pytest.raises(CloudUnreachable, match="no connection can be made") as down:
            await client.token(ALICE, fakes.sender, request_id=ID)
        assert "canary" not in str(down.value)
        fakes.failure = httpx.ReadTimeout("canary")
        with pytest.raises(CloudUnreachable, match="in time"):
            await client.token(ALICE, fakes.sender, request_id=ID)
        fakes.credential = None
        with pytest.raises(Refused, match="no credential"):
            await client.token(ALICE, fakes.sender, request_id=ID)
        assert (await client.status()).problem == "not_enrolled"


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (400, {"error": "invalid_request"}, "key_refused"),
        (400, {"error": "unauthorized_client"}, "credential_revoked"),
        (400, {"error": "access_denied"}, "key_refused"),
        (401, {"error": "invalid_client"}, "credential_revoked"),
        (403, {}, "key_refused"),
        (429, {}, "rate_limited"),
    ],
)
async def test_other_refusals_of_the_token_endpoint(
    monkeypatch: pytest.MonkeyPatch, status: int, body: dict[str, str], code: str
) -> None:
    fakes = Fakes()
    monkeypatch.setattr(fakes.cloud, "exchange", lambda *_: (status, {}, body))
    async with fakes.client() as client:
        with pytest.raises(Refused) as refused:
            await client.token(ALICE, fakes.sender, request_id=ID)
        assert refused.value.code == code


@pytest.mark.parametrize(
    "code",
    ["unsupported_grant_type", "invalid_scope", "invalid_target", "invalid_dpop_proof"],
)
async def test_a_cloud_of_another_protocol_is_no_refused_key(
    monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    fakes = Fakes()
    monkeypatch.setattr(fakes.cloud, "exchange", lambda *_: (400, {}, {"error": code}))
    async with fakes.client() as client:
        with pytest.raises(CloudUnreachable, match="protocol"):
            await client.token(ALICE, fakes.sender, request_id=ID)


async def test_p11_the_nonce_is_learned_once_and_used_for_everybody() -> None:
    fakes = Fakes()
    fakes.cloud.nonce = "nonce-1"
    async with fakes.client() as client:
        await client.token(ALICE, fakes.sender, request_id=ID)
        assert fakes.cloud.grants == 2
        await client.token(GpiiKey("bob-key"), fakes.sender, request_id=ID)
        assert fakes.cloud.grants == 3
        fakes.cloud.nonce = "nonce-2"
        await client.token(GpiiKey("bob-key"), fakes.sender, request_id=ID)  # from the cache
        assert fakes.cloud.grants == 3


async def test_p11_a_cloud_that_always_wants_another_nonce_is_asked_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fakes = Fakes()
    asked: list[object] = []

    def never(*request: object) -> tuple[int, dict[str, str], dict[str, str]]:
        asked.append(request)
        return 400, {"dpop-nonce": f"nonce-{len(asked)}"}, {"error": "use_dpop_nonce"}

    monkeypatch.setattr(fakes.cloud, "exchange", never)
    async with fakes.client() as client:
        with pytest.raises(Refused) as refused:
            await client.token(ALICE, fakes.sender, request_id=ID)
    assert refused.value.code == "use_dpop_nonce"
    assert len(asked) == 2


async def test_an_endpoint_that_moved_is_looked_for_anew() -> None:
    fakes = Fakes()
    async with fakes.client() as client:
        await client.token(ALICE, fakes.sender, request_id=ID)
        fakes.cloud.metadata = {"token_endpoint": fakes.cloud.url + "/elsewhere/token"}
        await client.token(GpiiKey("bob-key"), fakes.sender, request_id=ID)  # remembered
        assert fakes.cloud.paths.count(METADATA) == 1
        fakes.wired.reach._asked()._metadata.forget()  # as a 404 does
        with pytest.raises(CloudUnreachable, match="no cloud"):
            await client.token(GpiiKey("carla"), fakes.sender, request_id=ID)
        assert fakes.cloud.paths[-2:] == [METADATA, "/elsewhere/token"]


async def test_a_cloud_that_hangs_is_given_up_in_bounded_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cloud_http, "_WHOLE_EXCHANGE_SECONDS", 0.2)
    slow = FakeCloud(delay_s=1.0)
    with running_cloud(slow):
        fakes = Fakes(address=slow.url, network=False)
        fakes.clock.wall = int(time.time() * 1000)
        async with fakes.client() as client:
            with pytest.raises(CloudUnreachable, match="in time"):
                await client.token(ALICE, fakes.sender, request_id=ID)
        await fakes.wired.close()
    assert slow.grants == 1  # asked once, not again


def test_o13_published_credentials_do_not_start() -> None:
    fakes = Fakes()
    jwk = PrivateKey(json.dumps(PRIVATE_JWK))
    fakes.credential = InstallationCredential("pilot-computer", jwk)
    config = fakes.wired.config
    with pytest.raises(ConfigurationError, match="published"):
        build(config, credential=lambda: fakes.credential)
    local = Config(cloud="http://127.0.0.1:1", credential="unused")
    build(local, credential=lambda: fakes.credential)


def test_p65_a_bucket_refills_at_its_rate() -> None:
    clock = VirtualClock()
    rate = RateLimit(per_minute=60, burst=2, clock=clock)
    assert [rate.take(1) for _ in range(3)] == [0, 0, 1]
    assert rate.take(2) == 0  # another account has its own
    clock.steady += 1
    assert [rate.take(1) for _ in range(2)] == [0, 1]
    clock.steady += 1000
    assert [rate.take(1) for _ in range(3)] == [0, 0, 1]


async def test_a_caller_who_leaves_does_not_take_the_answer_from_another() -> None:
    fakes = Fakes()
    fakes.gate.clear()
    async with fakes.client() as staying, fakes.client() as leaving:
        asking = [asyncio.create_task(leaving.token(ALICE, fakes.sender, request_id=ID))]
        await until(lambda: fakes.cloud.grants == 1)
        asking.append(asyncio.create_task(staying.token(ALICE, fakes.sender, request_id=ID)))
        await asyncio.sleep(0.05)  # it has arrived, and waits for the same answer
        await leaving.close()
        await asyncio.sleep(0.05)  # the requester has noticed
        fakes.gate.set()
        gone, answered = await asyncio.gather(*asking, return_exceptions=True)
        assert isinstance(gone, RequesterUnreachable)
        assert isinstance(answered, AccessToken)
    assert fakes.cloud.grants == 1


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - the fake tells nobody when it is asked
            await asyncio.sleep(0.01)
