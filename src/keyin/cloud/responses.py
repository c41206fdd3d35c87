"""An answer as the bytes of HTTP/1.1, written at once (RFC 9112 §2.1).

ASGI hands an answer over in two messages, and uvicorn writes each as it comes: two calls of the
kernel, two records of TLS, and a client that wakes twice. Where the server offers `WHOLE`, the
application gives it everything together (ADR 41).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

    from keyin.cloud.answers import Answer, Header
    from keyin.cloud.exchange import Message, Send

    Whole = Callable[[Message, Answer, Sequence[Header]], Awaitable[bool]]

WHOLE: Final = "keyin.whole"
"""The ASGI extension's name."""
ANSWER: Final = "answer"
"""Its one member, a `Whole`: answers the request of a scope. False: it cannot, and did nothing."""

_CLOSE: Final = (b"connection", b"close")
_END: Final = b"\r\n"
_FIRST_LINE: Final = {status: line.removesuffix(_END) for status, line in STATUS_LINE.items()}
_IN_A_LINE: Final = bytes({*range(0x20, 0x100), 0x09} - {0x7F})
"""What a field's line may hold: no control character but the tab (RFC 9110 §5.5)."""
_COPIED: Final = 16 * 1024
"""Up to so many bytes of a body are copied behind the head; more go beside it."""


async def give(scope: Message, send: Send, answer: Answer, headers: Sequence[Header]) -> None:
    """Answer a request with these headers and no others: at once, or as ASGI's two messages."""
    offered = scope.get("extensions", {}).get(WHOLE)
    if offered is not None:
        whole: Whole = offered[ANSWER]
        if await whole(scope, answer, headers):
            return
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})


def headers_of(answer: Answer, *more: Header) -> tuple[Header, ...]:
    """Return an answer's headers, with the length of its body, and more."""
    return (*answer.headers, (b"content-length", b"%d" % len(answer.body)), *more)


def head(status: int, headers: Sequence[Header]) -> bytes:
    """Return status line and header block, with the empty line that ends it.

    Raises ValueError where a value would end its line, as an attacker might wish.
    """
    block = _END.join((_FIRST_LINE[status], *map(b": ".join, headers), b"", b""))
    if block.translate(None, _IN_A_LINE) != _END * (len(headers) + 2):
        raise ValueError("a header holds a control character")
    return block


async def write(cycle: RequestResponseCycle, answer: Answer, headers: Sequence[Header]) -> None:
    """Do what uvicorn does for the two messages of an answer, with one write."""
    if cycle.flow.write_paused and not cycle.disconnected:
        await cycle.flow.drain()
    if cycle.disconnected:
        return
    if _CLOSE in headers:
        cycle.keep_alive = False
    elif not cycle.keep_alive:
        headers = (*headers, _CLOSE)
    block = head(answer.status, (*cycle.default_headers, *headers))
    body = b"" if cycle.scope["method"] == "HEAD" else answer.body
    cycle.response_started = True
    cycle.waiting_for_100_continue = False
    if len(body) <= _COPIED:
        cycle.transport.write(block + body)
    else:
        cycle.transport.writelines((block, body))
    cycle.response_complete = True
    cycle.message_event.set()
    if not cycle.keep_alive:
        cycle.transport.close()
    cycle.on_response()
