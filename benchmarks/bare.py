"""The yardstick: an ASGI callable that reads the body and answers bytes of a given size.

    python benchmarks/bare.py SIZE

No routing, no parsing, no store; the cloud's own uvicorn settings, and as many headers as the
cloud sends. Prints `listening on URL` when ready.
"""

from __future__ import annotations

import asyncio
import socket
import sys
from typing import TYPE_CHECKING, Any

import uvicorn
import uvloop

from keyin.cloud.serving import uvicorn_config

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Message = dict[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]


def bare(size: int) -> Callable[[Message, Receive, Send], Awaitable[None]]:
    """Return an application whose every answer has `size` bytes of JSON."""
    body = b'"' + b"x" * (size - 2) + b'"'
    headers = [
        (b"content-type", b"application/json"),
        (b"cache-control", b"no-store"),
        (b"pragma", b"no-cache"),
        (b"content-length", b"%d" % size),
        (b"x-request-id", b"0123456789abcdef"),
        (b"x-content-type-options", b"nosniff"),
    ]

    async def application(_scope: Message, receive: Receive, send: Send) -> None:
        while (await receive()).get("more_body"):
            pass
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return application


async def serve(size: int) -> None:
    """Serve until SIGTERM."""
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn_config(bare(size), None)
    print(f"listening on http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    await uvicorn.Server(config).serve(sockets=[listener])


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(int(sys.argv[1])))
