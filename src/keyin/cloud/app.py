"""The cloud as an ASGI application: limits, who asks, authenticate, authorise, parse, answer (P81).

Every route is decode, call, render. What a route does is the business of the services; what goes
wrong leaves through `cloud.errors`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import structlog

from keyin.cloud import answers, errors, routes
from keyin.cloud.answers import Answer
from keyin.cloud.bodies import JSON, Gone, Unacceptable, content_type, parameters, read_body
from keyin.cloud.denials import denied
from keyin.cloud.ops import ready
from keyin.cloud.request import Request, decoded
from keyin.domain.errors import InvalidDocument, StoreUnavailable
from keyin.domain.secret import GpiiKey
from keyin.oauth.bearer import Bearer, Denial
from keyin.oauth.errors import UNREADABLE, Refusal
from keyin.settings.errors import Rejected

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    from keyin.cloud.access_log import AccessLog
    from keyin.cloud.edge import Edge, Visitor
    from keyin.cloud.metrics import Metrics
    from keyin.cloud.oauth_routes import Authorization
    from keyin.cloud.routes import Route
    from keyin.domain.environment import Clock, Entropy, Millis
    from keyin.domain.grant import Grant
    from keyin.oauth.grants.password import Issued
    from keyin.oauth.ports import Tokens
    from keyin.oauth.token_endpoint import TokenEndpoint
    from keyin.settings.service import SettingsService

    Message = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]
    Handler = Callable[["Exchange"], Awaitable[Answer]]

_log: Final = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much one process takes on (P82, P84)."""

    in_flight: int = 512


@dataclass(slots=True, kw_only=True)
class Exchange:
    """One request on its way through a handler."""

    request: Request
    route: Route
    visitor: Visitor
    receive: Receive
    now: Millis


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """What the routes call."""

    token_endpoint: TokenEndpoint
    bearer: Bearer
    settings: SettingsService
    tokens: Tokens
    clock: Clock
    entropy: Entropy
    metrics: Metrics
    access_log: AccessLog
    authorization: Authorization | None = None
    """None: no issuer is named, so there is no `/oauth2`."""


class CloudApp:
    """The public listener's application."""

    def __init__(self, services: Services, *, edge: Edge, limits: Limits | None = None) -> None:
        self._services = services
        self._edge = edge
        self._limits = limits or Limits()
        more = routes.OAUTH if services.authorization else ()
        self._routes = routes.RouteTable((*routes.PUBLIC, *more))
        self._in_flight = 0
        self._handlers: dict[Route, Handler] = {
            routes.TOKEN: self._token,
            routes.TOKEN_OPTIONS: _token_options,
            routes.QUERY: self._query,
            routes.SAVE: self._save,
            routes.HEALTH: _health,
            routes.READY: self._ready,
            **dict.fromkeys(routes.OAUTH, self._oauth),
        }

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one ASGI scope; only HTTP is known."""
        if scope["type"] != "http":
            return
        services = self._services
        began, now = services.clock.monotonic(), services.clock.now()
        request = Request(scope)
        request_id = request.id_given() or services.entropy.token_bytes(8).hex()
        self._in_flight += 1
        try:
            route, answer = await self._guarded(request, receive, now)
        except Gone:
            return
        except Exception as error:  # noqa: BLE001 - the last resort: nobody gets a stack (P27)
            route, answer = None, _unexpected(error)
        finally:
            self._in_flight -= 1
        services.metrics.count(route.template if route else "*", answer.status)
        ms = (services.clock.monotonic() - began) * 1000
        services.access_log.request(route, answer, request_id=request_id, now=now, ms=ms)
        await _send(send, answer, request_id)

    async def _guarded(
        self, request: Request, receive: Receive, now: Millis
    ) -> tuple[Route | None, Answer]:
        """Let in, find the route, answer."""
        visitor = self._edge.admit(request, now)
        if isinstance(visitor, Answer):
            return None, visitor
        route = self._routes.find(request.method, request.segments)
        if route is None:
            return None, errors.NOT_FOUND
        exchange = Exchange(request=request, route=route, visitor=visitor, receive=receive, now=now)
        return route, await self._answered(exchange)

    async def _answered(self, exchange: Exchange) -> Answer:
        """Run the handler; whatever goes wrong becomes an answer of the closed set."""
        route = exchange.route
        if self._in_flight > self._limits.in_flight and route is not routes.HEALTH:
            return _in_family(route, errors.OVERLOADED)
        try:
            return await self._handlers[route](exchange)
        except Unacceptable as unacceptable:
            return _in_family(route, unacceptable.answer)
        except StoreUnavailable as error:
            _log.error("store_unavailable", error=error.message)
            return _in_family(route, errors.UNAVAILABLE)
        except Gone:
            raise
        except Exception as error:  # noqa: BLE001 - as above, in the route's own family
            return _in_family(route, _unexpected(error))

    async def _token(self, exchange: Exchange) -> Answer:
        media = content_type(exchange.request)
        body = await _body(exchange)
        try:
            given = parameters(media, body)
        except InvalidDocument:
            return errors.oauth_error(UNREADABLE)
        outcome = await self._services.token_endpoint.answer(
            given, address=exchange.visitor.address, now=exchange.now
        )
        return errors.oauth_error(outcome) if isinstance(outcome, Refusal) else _issued(outcome)

    async def _oauth(self, exchange: Exchange) -> Answer:
        authorization = self._services.authorization
        if authorization is None:
            return errors.NOT_FOUND
        return await authorization.answer(
            exchange.route,
            exchange.request,
            exchange.receive,
            address=exchange.visitor.address,
            now=exchange.now,
        )

    async def _query(self, exchange: Exchange) -> Answer:
        return await self._with_grant(exchange, self._queried)

    async def _save(self, exchange: Exchange) -> Answer:
        return await self._with_grant(exchange, self._saved)

    async def _with_grant(
        self, exchange: Exchange, act: Callable[[Exchange, Grant], Awaitable[bytes]]
    ) -> Answer:
        """Authenticate and authorise, then act (P81)."""
        name = decoded(exchange.request.segments[0])
        if name is None:
            return errors.BAD_ESCAPE
        key = GpiiKey(name)
        authorization = self._services.authorization
        grant = await self._services.bearer.identify(
            exchange.request.authorization(),
            key,
            address=exchange.visitor.address,
            now=exchange.now,
            sent=authorization.sent(exchange.request) if authorization else None,
            scope=exchange.route.scope,
        )
        if isinstance(grant, Denial):
            return denied(grant, authorization, exchange.now)
        try:
            body = await act(exchange, grant)
        except Rejected as rejected:
            return errors.settings_error(rejected, key)
        return Answer(200, body, (answers.JSON_UTF8, answers.NO_STORE))

    async def _queried(self, exchange: Exchange, grant: Grant) -> bytes:
        device = _device(exchange.request.segments[2])
        if device is None:
            raise Unacceptable(errors.BAD_ESCAPE)
        return await self._services.settings.query(grant, device)

    async def _saved(self, exchange: Exchange, grant: Grant) -> bytes:
        is_json = content_type(exchange.request) == JSON
        body = await _body(exchange) if is_json else b"{}"
        return await self._services.settings.save(grant, body, exchange.now)

    async def _ready(self, _exchange: Exchange) -> Answer:
        return await ready(self._services.tokens)


async def _health(_exchange: Exchange) -> Answer:
    return answers.HEALTHY


async def _token_options(_exchange: Exchange) -> Answer:
    return answers.TOKEN_OPTIONS


def _issued(issued: Issued) -> Answer:
    """RFC 6749 §5.1, with the member that the original's clients read beside it."""
    lifetime = b"%d" % issued.lifetime_s
    body = (
        b'{"access_token":"'
        + issued.token.reveal().encode()
        + b'","expiresIn":'
        + lifetime
        + b',"expires_in":'
        + lifetime
        + b',"token_type":"Bearer"}'
    )
    return Answer(200, body, (answers.JSON_BARE, answers.NO_STORE, answers.NO_CACHE))


async def _body(exchange: Exchange) -> bytes:
    return await read_body(exchange.request, exchange.receive, limit=exchange.route.body_limit)


@lru_cache(maxsize=256)
def _device(segment: bytes) -> str | None:
    """Decode a device; a computer says the same each time, and nothing personal."""
    return decoded(segment)


def _unexpected(error: Exception) -> Answer:
    _log.error("internal_error", error=type(error).__name__)
    return errors.INTERNAL


def _in_family(route: Route, answer: Answer) -> Answer:
    return errors.in_oauth_family(answer) if route in routes.OAUTH_FAMILY else answer


async def _send(send: Send, answer: Answer, request_id: str) -> None:
    headers = [
        *answer.headers,
        (b"content-length", b"%d" % len(answer.body)),
        (b"x-request-id", request_id.encode()),
        (b"x-content-type-options", b"nosniff"),
    ]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})
