"""Requests and replies over a local socket: the server's and the client's half.

Frames as in `wire.frames`. Each connection starts with a hello each way, `{"v", "service"}`; then
requests `{"v", "id", "op", "request_id"?, ...}` and replies `{"v", "id", "ok": true, ...}` or
`{"v", "id", "ok": false, "error", "message", "next_step", "fields"?}`, in any order.

Knows nothing of any particular op. A caller whom `allow` turns away gets not one byte (P62).
"""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import msgspec
import structlog

from keyin.domain.errors import InvalidDocument, Refused
from keyin.remote.byte_ends import StreamEnd
from keyin.remote.conversation import Conversation, Message, Peer, peer_of
from keyin.remote.ipc_client import IpcClient
from keyin.remote.socket_place import bind_unix
from keyin.wire.frames import PROTOCOL_VERSION

if TYPE_CHECKING:
    import socket
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from keyin.remote.byte_ends import ByteEnd
    from keyin.remote.socket_place import BoundSocket

__all__ = ["IpcClient", "IpcServer", "Limits", "Message", "Peer", "error_reply", "serve_unix"]

_MAX_NAME: Final = 64
_log = structlog.get_logger()


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """How much one server takes on (P65)."""

    connections: int = 64
    """Open at once, of all callers; further ones are closed unanswered."""
    connections_per_uid: int = 16
    requests_per_connection: int = 8
    """At work at once; further ones are not read until one is done."""
    hello_seconds: float = 5.0
    idle_seconds: float | None = 60.0
    """A connection without a request for so long is closed; None: never."""
    grace_seconds: float = 5.0
    """What requests at work get to finish when the server closes."""


def error_reply(code: str, message: str, *, next_step: str = "", **fields: object) -> Message:
    """Return the body of a refusal; texts are catalogue keys, `fields` fills their places."""
    body: Message = {"ok": False, "error": code, "message": message, "next_step": next_step}
    return {**body, "fields": fields} if fields else body


class IpcServer:
    """Answers requests on any number of connections, however they came to be."""

    def __init__(
        self,
        *,
        service: str,
        allow: Callable[[Peer], bool],
        handle: Callable[[Peer, Message], Awaitable[Message]],
        limits: Limits | None = None,
    ) -> None:
        """`handle` gets a request whose `id` and `op` are texts, and returns the reply's body.

        A `Refused` that it raises becomes an error reply; any other exception becomes `internal`.
        """
        self._service = service
        self._allow = allow
        self._handle = handle
        self._limits = limits or Limits()
        self._open: Counter[int] = Counter()
        self._connections: set[asyncio.Task[None]] = set()
        self._working: set[asyncio.Task[None]] = set()
        self._listeners: list[tuple[asyncio.Server, BoundSocket]] = []
        self._closing = False

    async def listen_unix(self, path: Path, *, mode: int = 0o600) -> None:
        """Serve a socket at `path`. Raises ConfigurationError if the place is not safe."""
        bound = bind_unix(path, mode)
        server = await asyncio.start_unix_server(self._accepted, sock=bound.sock)
        self._listeners.append((server, bound))

    async def adopt(self, sock: socket.socket, peer: Peer) -> asyncio.Task[None]:
        """Serve a connected socket, such as one end of an inherited pair.

        The kernel names the maker of a pair as the peer of both ends, so the caller says who it is.
        """
        return self.attach(StreamEnd(*await asyncio.open_unix_connection(sock=sock)), peer)

    def attach(self, end: ByteEnd, peer: Peer) -> asyncio.Task[None]:
        """Serve one byte end (in memory, or adopted); the task ends with the connection."""
        task = asyncio.get_running_loop().create_task(self._serve(end, peer))
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)
        return task

    async def close(self) -> None:
        """Stop accepting, let requests at work finish for a while, close every connection."""
        self._closing = True
        for server, bound in self._listeners:
            server.close()
            bound.remove_name()
        self._listeners.clear()
        if self._working:
            await asyncio.wait(self._working, timeout=self._limits.grace_seconds)
        for task in [*self._working, *self._connections]:
            task.cancel()
        await asyncio.gather(*self._working, *self._connections, return_exceptions=True)

    def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.attach(StreamEnd(reader, writer), peer_of(writer.get_extra_info("socket")))

    async def _serve(self, end: ByteEnd, peer: Peer) -> None:
        conversation = Conversation(end)
        admitted = self._admit(peer)
        self._open[peer.uid] += 1
        try:
            if admitted:
                await self._converse(conversation, peer)
        except (InvalidDocument, ConnectionError, TimeoutError) as exc:
            _log.info("ipc_connection_dropped", uid=peer.uid, reason=type(exc).__name__)
        finally:
            self._open[peer.uid] -= 1
            await conversation.close()

    def _admit(self, peer: Peer) -> bool:
        full = (
            self._open.total() >= self._limits.connections
            or self._open[peer.uid] >= self._limits.connections_per_uid
        )
        admitted = not full and not self._closing and self._allow(peer)
        if not admitted:
            _log.warning("ipc_connection_refused", uid=peer.uid, reason="full" if full else "peer")
        return admitted

    async def _converse(self, conversation: Conversation, peer: Peer) -> None:
        async with asyncio.timeout(self._limits.hello_seconds):
            if not await conversation.greet(self._service):
                raise InvalidDocument("the caller speaks another protocol")
        slots = asyncio.Semaphore(self._limits.requests_per_connection)
        mine: set[asyncio.Task[None]] = set()
        try:
            while (request := await self._next(conversation, mine)) is not None:
                await slots.acquire()
                task = asyncio.create_task(self._answer(conversation, peer, request))
                for tasks in (mine, self._working):
                    tasks.add(task)
                    task.add_done_callback(tasks.discard)
                task.add_done_callback(lambda _: slots.release())
        finally:
            for task in mine:
                task.cancel()

    async def _next(
        self, conversation: Conversation, working: set[asyncio.Task[None]]
    ) -> Message | None:
        """Return the next request; None at the end, or when nothing came and nothing is at work."""
        receiving = asyncio.ensure_future(conversation.receive())
        try:
            while not receiving.done():
                await asyncio.wait({receiving}, timeout=self._limits.idle_seconds)
                if not receiving.done() and not working:
                    return None
            return await receiving
        finally:
            receiving.cancel()

    async def _answer(self, conversation: Conversation, peer: Peer, request: Message) -> None:
        request_id = request.get("id")
        if not _well_formed(request):
            body = error_reply("bad_request", "the request has no valid v, id and op")
            request_id = request_id if isinstance(request_id, str) else ""
        elif not self._allow(peer):  # true at connect, perhaps not any more
            body = error_reply("not_allowed", "this account may not ask")
        else:
            body = await self._body(peer, request)
        reply = {"v": PROTOCOL_VERSION, "id": request_id, **body}
        with suppress(ConnectionError):
            try:
                await conversation.send(reply)
            except InvalidDocument:
                body = error_reply("internal", "the answer does not fit into one message")
                await conversation.send({"v": PROTOCOL_VERSION, "id": request_id, **body})

    async def _body(self, peer: Peer, request: Message) -> Message:
        try:
            return await self._handle(peer, request)
        except Refused as exc:
            return error_reply(exc.code, exc.message, next_step=exc.next_step, **exc.fields)
        except Exception as exc:  # noqa: BLE001 - one bad request must not end the process
            # the exception's type and no traceback: its text and locals may hold a key
            _log.error("ipc_handler_failed", op=request["op"], error=type(exc).__name__)
            return error_reply("internal", "something went wrong that is not the caller's fault")


def _well_formed(request: Message) -> bool:
    """`v` is ours, `id` and `op` are short texts."""
    names = (request.get("id"), request.get("op"))
    return request.get("v") == PROTOCOL_VERSION and all(
        isinstance(name, str) and 0 < len(name) <= _MAX_NAME for name in names
    )


async def serve_unix(
    path: Path,
    *,
    service: str,
    allow: Callable[[Peer], bool],
    handle: Callable[[Peer, Message], Awaitable[Message]],
    mode: int = 0o600,
    limits: Limits | None = None,
) -> IpcServer:
    """Return a server that listens on `path`. Raises ConfigurationError if the place is unsafe."""
    server = IpcServer(service=service, allow=allow, handle=handle, limits=limits)
    await server.listen_unix(path, mode=mode)
    return server
