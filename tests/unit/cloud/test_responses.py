"""An answer that is written at once is, byte for byte, the one that uvicorn writes in two parts."""

from __future__ import annotations

import asyncio
import gc
import weakref
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from uvicorn.server import ServerState

from keyin.cloud.answers import Answer
from keyin.cloud.protocol import LimitedProtocol
from keyin.cloud.responses import WHOLE, give, head, headers_of
from keyin.cloud.serving import uvicorn_config

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from keyin.cloud.exchange import Message, Receive, Send

DATE = (b"date", b"Sun, 22 Nov 2026 00:00:00 GMT")
CLOSE = (b"connection", b"close")
LARGE = 16 * 1024


class Transport(asyncio.Transport):
    """Takes what is written, part by part."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[tuple[bytes, ...]] = []
        self.closed = False

    def write(self, data: Any) -> None:
        self.parts.append((bytes(data),))

    def writelines(self, list_of_data: Iterable[Any]) -> None:
        self.parts.append(tuple(bytes(one) for one in list_of_data))

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass

    @property
    def written(self) -> bytes:
        return b"".join(one for part in self.parts for one in part)


def application(answer: Answer, *, whole: bool) -> Callable[[Message, Receive, Send], Any]:
    """Answer every request the same; not `whole`: as if the server offered nothing."""

    async def app(scope: Message, _receive: Receive, send: Send) -> None:
        offered = scope if whole else {**scope, "extensions": {}}
        await give(offered, send, answer, headers_of(answer))

    return app


async def connected(
    app: Callable[[Message, Receive, Send], Any],
) -> tuple[LimitedProtocol, ServerState]:
    state = ServerState()
    state.default_headers = [DATE]
    protocol = LimitedProtocol(config=uvicorn_config(app, None), server_state=state, app_state={})
    protocol.connection_made(Transport())
    return protocol, state


async def all_done(state: ServerState) -> None:
    """Wait for every answer, and those that come after it on the same connection."""
    while state.tasks:
        await asyncio.wait(state.tasks)


async def asked(app: Callable[[Message, Receive, Send], Any], *requests: bytes) -> Transport:
    """Return what a connection was sent once every request was answered, as it then is."""
    protocol, state = await connected(app)
    transport = protocol.transport
    protocol.data_received(b"".join(requests))
    await all_done(state)
    assert isinstance(transport, Transport)
    assert state.total_requests == len(requests)
    closed = transport.closed
    protocol.connection_lost(None)
    transport.closed = closed
    return transport


def request(method: str = "GET", version: str = "1.1", *more: str) -> bytes:
    lines = [f"{method} /somewhere HTTP/{version}", "Host: here", *more]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


class Asked(msgspec.Struct, frozen=True):
    """One request, and what its answer is like."""

    method: str
    version: str
    wishes: tuple[str, ...]
    answer: Answer


HEADERS = st.lists(
    st.tuples(st.just(b"x-one"), st.binary(max_size=20).map(lambda value: value.hex().encode()))
    | st.just(CLOSE),
    max_size=4,
).map(tuple)
ASKED = st.builds(
    Asked,
    st.sampled_from(["GET", "HEAD", "POST", "OPTIONS"]),
    st.sampled_from(["1.0", "1.1"]),
    st.sampled_from([(), ("Connection: close",), ("Connection: keep-alive",)]),
    st.builds(
        Answer,
        st.sampled_from([200, 201, 302, 400, 413, 429, 503]),
        st.sampled_from([0, 1, 200, LARGE, LARGE + 1, 70_000]).map(lambda size: b"x" * size),
        HEADERS,
    ),
)


@given(ASKED)
def test_at_once_is_what_uvicorn_writes_in_two_parts(one: Asked) -> None:
    async def both() -> tuple[Transport, Transport]:
        sent = request(one.method, one.version, *one.wishes)
        return (
            await asked(application(one.answer, whole=True), sent),
            await asked(application(one.answer, whole=False), sent),
        )

    at_once, in_parts = asyncio.run(both())
    assert at_once.written == in_parts.written
    assert at_once.closed == in_parts.closed
    assert len(at_once.parts) == 1


async def test_a_large_body_is_not_copied_behind_its_head() -> None:
    answer = Answer(200, b"x" * (LARGE + 1), ())
    sent = await asked(application(answer, whole=True), request())
    ((block, body),) = sent.parts
    assert block.endswith(b"\r\n\r\n")
    assert body == answer.body


async def test_of_pipelined_requests_each_gets_its_answer_in_its_turn() -> None:
    seen: list[bool] = []

    async def app(scope: Message, _receive: Receive, send: Send) -> None:
        seen.append(WHOLE in scope["extensions"])
        answer = Answer(200, scope["query_string"], ())
        await give(scope, send, answer, headers_of(answer))

    lines = [b"GET /?%d HTTP/1.1\r\nHost: here\r\n\r\n" % number for number in (1, 2, 3)]
    sent = await asked(app, *lines)
    bodies = [part.partition(b"\r\n\r\n")[2] for part in sent.written.split(b"HTTP/1.1 200 OK")]
    assert bodies == [b"", b"1", b"2", b"3"]
    assert seen == [True] * 3


async def test_who_goes_while_nobody_reads_gets_nothing() -> None:
    protocol, state = await connected(application(Answer(200, b"{}"), whole=True))
    transport = protocol.transport
    protocol.pause_writing()
    protocol.data_received(request())
    for _ in range(3):
        await asyncio.sleep(0)
    assert state.tasks
    protocol.connection_lost(None)
    await all_done(state)
    assert isinstance(transport, Transport)
    assert transport.parts == []


async def test_who_reads_on_gets_the_answer() -> None:
    protocol, state = await connected(application(Answer(200, b"{}"), whole=True))
    transport = protocol.transport
    protocol.pause_writing()
    protocol.data_received(request())
    await asyncio.sleep(0)
    assert isinstance(transport, Transport)
    assert transport.parts == []
    protocol.resume_writing()
    await all_done(state)
    assert transport.written.endswith(b"\r\n\r\n{}")
    protocol.connection_lost(None)


async def test_after_the_answer_nobody_waits_for_a_body_or_asks_for_one() -> None:
    heard: list[str] = []

    async def app(scope: Message, receive: Receive, send: Send) -> None:
        waiting = asyncio.ensure_future(receive())
        await asyncio.sleep(0)
        await give(scope, send, Answer(401, b""), ((b"content-length", b"0"),))
        heard.extend([(await waiting)["type"], (await receive())["type"]])

    async def early(scope: Message, receive: Receive, send: Send) -> None:
        await give(scope, send, Answer(401, b""), ((b"content-length", b"0"),))
        heard.append((await receive())["type"])

    await asked(app, request("POST", "1.1", "Content-Length: 5"))
    sent = await asked(early, request("POST", "1.1", "Content-Length: 5", "Expect: 100-continue"))
    assert heard == ["http.disconnect"] * 3
    assert b"100 Continue" not in sent.written


async def test_a_connection_that_ended_is_freed_without_a_collection() -> None:
    protocol, state = await connected(application(Answer(200, b"{}"), whole=True))
    protocol.data_received(request())
    await all_done(state)
    protocol.connection_lost(None)
    protocol.timeout_keep_alive_task = None
    freed = weakref.ref(protocol)
    gc.disable()
    try:
        del protocol
        assert freed() is None
    finally:
        gc.enable()


async def test_who_is_gone_gets_nothing() -> None:
    protocol, state = await connected(application(Answer(200, b"{}"), whole=True))
    transport = protocol.transport
    protocol.data_received(request())
    protocol.connection_lost(None)
    await all_done(state)
    assert isinstance(transport, Transport)
    assert transport.parts == []


@pytest.mark.parametrize(
    "value",
    [b"a\r\nset-cookie: b", b"a\n", b"a\r", b"a\0", b"a\x7f", b"a\x1b", b"\r\n\r\nbody"],
)
async def test_p27_a_value_that_would_end_its_line_is_never_written(value: bytes) -> None:
    with pytest.raises(ValueError, match="control character"):
        head(302, ((b"location", value),))
    sent = await asked(
        application(Answer(302, b"", ((b"location", value),)), whole=True), request()
    )
    assert sent.written.startswith(b"HTTP/1.1 500 ")
    assert value not in sent.written


def test_a_tab_may_stand_in_a_value() -> None:
    assert head(200, ((b"x", b"a\tb"),)) == b"HTTP/1.1 200 OK\r\nx: a\tb\r\n\r\n"
