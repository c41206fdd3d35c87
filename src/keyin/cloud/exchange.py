"""One request on its way through a handler, and what a handler is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import TYPE_CHECKING, Any

import msgspec

from keyin.cloud.answers import Answer
from keyin.cloud.bodies import read_body

if TYPE_CHECKING:
    from keyin.cloud.edge import Visitor
    from keyin.cloud.request import Request
    from keyin.cloud.routes import Route
    from keyin.domain.environment import Millis

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class Exchange(msgspec.Struct, kw_only=True):
    """What a handler is given: a request of a visitor who was let in, and its route."""

    request: Request
    route: Route
    visitor: Visitor
    receive: Receive
    now: Millis
    request_id: str

    async def body(self) -> bytes:
        """Read the body, within the route's limit. Raises Unacceptable, Gone."""
        return await read_body(self.request, self.receive, limit=self.route.body_limit)


Handler = Callable[[Exchange], Awaitable[Answer]]
"""Decode, call, render. May raise Unacceptable, Gone, StoreUnavailable."""
