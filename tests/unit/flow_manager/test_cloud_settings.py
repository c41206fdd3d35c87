"""The cloud's settings, asked for by the flow manager: nonces, registries, and clouds that lie."""

from __future__ import annotations

import gzip
import json
import tracemalloc
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keyin.domain.errors import CloudUnreachable, InvalidDocument, Refused
from keyin.domain.secret import AccessToken
from keyin.remote.cloud_http import CloudHttp
from keyin.remote.cloud_settings import MAX_REGISTRY, CloudSettings, chosen
from keyin.settings.registry import Registries as CloudRegistries
from keyin.wire.jose import parse
from tests.fakes.sender import new_sender
from tests.real_registries import SYSTEMS, document
from tests.shared_data import needs_shared

if TYPE_CHECKING:
    from collections.abc import Callable

CLOUD = "https://cloud.example"
TOKEN = AccessToken("token")
DEVICE: dict[str, Any] = {"OS": {"id": "linux"}, "solutions": [{"id": "net.example.one"}]}
REGISTRY = json.dumps({"net.example.one": {"name": "One"}, "net.example.two": {}}).encode()
DIGEST = sha256(REGISTRY).hexdigest()
ANSWER = {"preferences": {}, "matchMakerOutput": {}, "solutions": DIGEST}


class Kept(dict[str, bytes]):
    """See `remote.cloud_settings.Registries`."""

    async def find(self, digest: str) -> bytes | None:
        return self.get(digest)

    async def keep(self, digest: str, content: bytes) -> None:
        self[digest] = content


class Cloud:
    """Answers as it is told."""

    def __init__(self) -> None:
        self.asked: list[httpx.Request] = []
        self.answer: Any = ANSWER
        self.registry: bytes = REGISTRY
        self.encoding = "identity"
        self.nonce: str | None = None
        self.more: Callable[[httpx.Request], httpx.Response | None] = lambda _: None

    def handle(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        special = self.more(request)
        if special is not None:
            return special
        claims = parse(request.headers["dpop"], parameters=frozenset({"alg", "typ", "jwk"})).claims
        if self.nonce is not None and claims.get("nonce") != self.nonce:
            headers = {"dpop-nonce": self.nonce, "www-authenticate": 'DPoP error="use_dpop_nonce"'}
            return streamed(401, b"{}", headers)
        if request.url.path == "/settings/query":
            return streamed(200, json.dumps(self.answer).encode())
        return streamed(200, self.registry, {"content-encoding": self.encoding})

    @property
    def paths(self) -> list[str]:
        return [request.url.path for request in self.asked]

    async def ask(self, kept: Kept | None = None) -> Any:
        http = CloudHttp(CLOUD, transport=httpx.MockTransport(self.handle))
        cloud = CloudSettings(http, Kept() if kept is None else kept)
        try:
            sender = new_sender()
            return await cloud.settings(TOKEN, sender, DEVICE, request_id="request-1")
        finally:
            await cloud.close()


def streamed(status: int, body: bytes, headers: dict[str, str] | None = None) -> httpx.Response:
    return httpx.Response(status, headers=headers, stream=httpx.ByteStream(body))


async def test_a_registry_is_fetched_once_and_its_own_entries_are_chosen() -> None:
    cloud, kept = Cloud(), Kept()
    first = await cloud.ask(kept)
    assert first["solutionsRegistryEntries"] == {"net.example.one": {"name": "One"}}
    assert kept == {DIGEST: REGISTRY}
    assert await cloud.ask(kept) == first
    assert cloud.paths == ["/settings/query", f"/solutions/{DIGEST}", "/settings/query"]


async def test_without_a_registry_for_this_system_there_are_no_entries() -> None:
    cloud = Cloud()
    cloud.answer = {**ANSWER, "solutions": None}
    assert (await cloud.ask())["solutionsRegistryEntries"] == {}
    assert cloud.paths == ["/settings/query"]


async def test_p11_a_nonce_is_taken_and_the_request_sent_once_more() -> None:
    cloud = Cloud()
    cloud.nonce = "nonce-1"
    await cloud.ask()
    assert cloud.paths == ["/settings/query", "/settings/query", f"/solutions/{DIGEST}"]
    proofs = {request.headers["dpop"] for request in cloud.asked}
    assert len(proofs) == 3


async def test_p11_a_cloud_that_always_wants_another_nonce_hears_of_it_twice() -> None:
    cloud = Cloud()

    def never(_: httpx.Request) -> httpx.Response:
        nonce = f"nonce-{len(cloud.asked)}"
        return streamed(
            401, b"", {"dpop-nonce": nonce, "www-authenticate": 'DPoP error="use_dpop_nonce"'}
        )

    cloud.more = never
    with pytest.raises(Refused) as refused:
        await cloud.ask()
    assert refused.value.code == "unauthorized"
    assert len(cloud.asked) == 2


@pytest.mark.parametrize(
    "digest", ["../../etc/passwd", "0" * 63, DIGEST.upper(), "", 7, [DIGEST], DIGEST + "/x"]
)
async def test_a_digest_that_is_none_is_no_address(digest: object) -> None:
    cloud = Cloud()
    cloud.answer = {**ANSWER, "solutions": digest}
    with pytest.raises(InvalidDocument):
        await cloud.ask()
    assert cloud.paths == ["/settings/query"]


@pytest.mark.parametrize("registry", [b"{}", REGISTRY[:-1], REGISTRY + b" "])
async def test_a_registry_of_another_digest_is_not_believed_and_not_kept(registry: bytes) -> None:
    cloud, kept = Cloud(), Kept()
    cloud.registry = registry
    with pytest.raises(InvalidDocument):
        await cloud.ask(kept)
    assert kept == {}


async def test_a_packed_registry_is_unpacked_within_bounds() -> None:
    cloud = Cloud()
    cloud.encoding, cloud.registry = "gzip", gzip.compress(REGISTRY)
    assert (await cloud.ask())["solutionsRegistryEntries"]
    for bad in (gzip.compress(REGISTRY)[:-9], b"no gzip", gzip.compress(b"x" * MAX_REGISTRY * 2)):
        cloud.registry = bad
        with pytest.raises(CloudUnreachable):
            await cloud.ask()
    cloud.encoding, cloud.registry = "br", REGISTRY
    with pytest.raises(CloudUnreachable, match="not asked for"):
        await cloud.ask()


async def test_p82_what_unpacks_into_very_much_is_never_unpacked_as_a_whole() -> None:
    cloud = Cloud()
    cloud.encoding, cloud.registry = "gzip", gzip.compress(bytes(20 * MAX_REGISTRY), 1)
    tracemalloc.start()
    try:
        with pytest.raises(CloudUnreachable, match="too long"):
            await cloud.ask()
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 5 * MAX_REGISTRY


async def test_an_answer_to_the_query_may_not_be_packed() -> None:
    cloud = Cloud()
    body = gzip.compress(json.dumps(ANSWER).encode())
    cloud.more = lambda _: streamed(200, body, {"content-encoding": "gzip"})
    with pytest.raises(CloudUnreachable, match="not asked for"):
        await cloud.ask()


@pytest.mark.parametrize("answer", [[], {}, {**ANSWER, "preferences": 1}, "x"])
async def test_an_answer_of_another_shape_is_told(answer: object) -> None:
    cloud = Cloud()
    cloud.answer = answer
    with pytest.raises(InvalidDocument):
        await cloud.ask()


@needs_shared
@settings(max_examples=60, deadline=None)
@given(st.data())
def test_the_entries_are_those_that_the_cloud_itself_would_have_sent(data: st.DataObject) -> None:
    """For any device of any real registry: our choice is the cloud's, in its order."""
    system = data.draw(st.sampled_from(SYSTEMS))
    names = st.sampled_from([*sorted(document(system)), "no.such.solution"])
    versions = st.none() | st.sampled_from(["1.0", "3.4.2", "10.0.10586", "x"])
    reported = data.draw(st.lists(st.tuples(names, versions), max_size=8))
    solutions = [{"id": name, **({"version": v} if v else {})} for name, v in reported]
    device: dict[str, Any] = {"OS": {"id": system}, "solutions": solutions}
    cloud = CloudRegistries.read([(system, json.dumps(document(system)).encode())])
    installed = cloud.installed(json.dumps(device))
    assert installed.registry is not None
    ours = chosen(cloud.documents[installed.registry], device)
    theirs = json.loads(installed.entries)
    assert ours == theirs
    assert list(ours) == list(theirs)
