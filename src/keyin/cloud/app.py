"""The cloud as an ASGI application: limits, who asks, authenticate, authorise, parse, answer (P81).

Each family of routes has a module of its own, which gives a handler for each of its routes; what
goes wrong leaves through `cloud.errors`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
import structlog

from keyin.cloud import errors, routes
from keyin.cloud.answers import Answer
from keyin.cloud.bodies import Gone, Unacceptable
from keyin.cloud.deadlines import Deadlines
from keyin.cloud.exchange import Exchange
from keyin.cloud.gate import Gate
from keyin.cloud.request import Request
from keyin.cloud.responses import give, headers_of
from keyin.domain.address_text import network_text
from keyin.domain.errors import StoreUnavailable
from keyin.domain.refusal_counts import RefusalCounter

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keyin.cloud.access_log import AccessLog
    from keyin.cloud.edge import Edge
    from keyin.cloud.exchange import Handler, Message, Receive, Send
    from keyin.cloud.metrics import Metrics
    from keyin.cloud.routes import Route
    from keyin.domain.environment import Clock, Entropy, Millis

_log: Final = structlog.get_logger()
_NOSNIFF: Final = (b"x-content-type-options", b"nosniff")
_ID_BYTES: Final = 8
_IDS_AT_ONCE: Final = 64
_UNSPOKEN: Final = {401: "not_signed_in", 403: "not_allowed", 429: "too_often"}
"""Under which reason refusals are counted that name none: those of pages."""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """How much one process takes on (P82, P84)."""

    in_flight: int = 512
    answer_s: float | None = None
    """Seconds until who asked is told to come again, where each look at a store may take long."""


class Surroundings(msgspec.Struct, frozen=True, kw_only=True):
    """What every request needs, whatever its route."""

    edge: Edge
    clock: Clock
    entropy: Entropy
    metrics: Metrics
    access_log: AccessLog
    refusals: RefusalCounter = msgspec.field(default_factory=RefusalCounter)
    gate: Gate = msgspec.field(default_factory=Gate)


class CloudApp:
    """The public listener's application."""

    def __init__(
        self,
        handlers: Mapping[Route, Handler],
        surroundings: Surroundings,
        *,
        limits: Limits | None = None,
    ) -> None:
        self._handlers = handlers
        self._routes = routes.RouteTable(handlers)
        self.around = surroundings
        self._limits = limits or Limits()
        most = self._limits.answer_s
        self._deadlines = None if most is None else Deadlines(most)
        self._in_flight = 0
        self._ids: list[str] = []

    @property
    def routes(self) -> tuple[Route, ...]:
        """Return every way in."""
        return tuple(self._handlers)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one ASGI scope; only HTTP is known."""
        if scope["type"] != "http":
            return
        around = self.around
        began, now = around.clock.monotonic(), around.clock.now()
        request = Request(scope)
        request_id = request.id_given() or self._new_id()
        self._in_flight += 1
        try:
            route, answer = await self._guarded(request, receive, now, request_id)
        except Gone:
            return
        except Exception as error:  # noqa: BLE001 - the last resort: nobody gets a stack (P27)
            route, answer = None, _unexpected(error)
        finally:
            self._in_flight -= 1
        try:
            named = (b"x-request-id", request_id.encode())
            await give(scope, send, answer, headers_of(answer, named, _NOSNIFF))
        finally:  # who asked need not wait for it
            around.metrics.count(route.template if route else "*", answer.status)
            ms = (around.clock.monotonic() - began) * 1000
            around.access_log.request(route, answer, request_id=request_id, now=now, ms=ms)

    def _new_id(self) -> str:
        """Return a request's name; many are made at once, since each call to the kernel is dear."""
        if not self._ids:
            chance = self.around.entropy.token_bytes(_ID_BYTES * _IDS_AT_ONCE)
            self._ids = [
                chance[at : at + _ID_BYTES].hex() for at in range(0, len(chance), _ID_BYTES)
            ]
        return self._ids.pop()

    async def _guarded(
        self, request: Request, receive: Receive, now: Millis, request_id: str
    ) -> tuple[Route | None, Answer]:
        """Let in, find the route, answer."""
        visitor = self.around.edge.admit(request, now)
        if isinstance(visitor, Answer):
            return None, visitor
        route = self._routes.find(request.method, request.segments)
        if route is None:
            return None, errors.NOT_FOUND
        answer = await self._answered(
            Exchange(
                request=request,
                route=route,
                visitor=visitor,
                receive=receive,
                now=now,
                request_id=request_id,
            )
        )
        reason = answer.reason or _UNSPOKEN.get(answer.status)
        if reason is not None:
            self.around.refusals.count(reason, network_text(visitor.address), now)
        return route, answer

    async def _answered(self, exchange: Exchange) -> Answer:
        """Run the handler; whatever goes wrong becomes an answer of the closed set."""
        route = exchange.route
        if self._in_flight > self._limits.in_flight and route is not routes.HEALTH:
            return _in_family(route, errors.OVERLOADED)
        if self.around.gate.closed and route is not routes.HEALTH:
            return _in_family(route, errors.UNAVAILABLE)
        answering, deadlines = self._handlers[route](exchange), self._deadlines
        try:
            return await (answering if deadlines is None else deadlines.within(answering))
        except Unacceptable as unacceptable:
            return _in_family(route, unacceptable.answer)
        except StoreUnavailable as error:
            _log.error("store_unavailable", error=error.message)
            return _in_family(route, errors.UNAVAILABLE)
        except Gone:
            raise
        except Exception as error:  # noqa: BLE001 - as above, in the route's own family
            return _in_family(route, _unexpected(error))


def _unexpected(error: Exception) -> Answer:
    _log.error("internal_error", error=type(error).__name__)
    return errors.INTERNAL


def _in_family(route: Route, answer: Answer) -> Answer:
    return errors.in_oauth_family(answer) if route in routes.OAUTH_FAMILY else answer
