"""The preferences server's routes, on a listener of their own (cloud-wire §7).

Every request carries the server's secret, and nothing else opens anything here: no address, and no
token of whatever class (P4, P97).

GET /preferences/{key}    POST /preferences    PUT /preferences/{key}    GET /health    GET /ready
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from keyin.cloud import answers, errors, routes
from keyin.cloud.answers import Answer
from keyin.cloud.bodies import form_text
from keyin.cloud.ops import ready
from keyin.cloud.request import decoded
from keyin.cloud.settings_routes import json_body
from keyin.domain.ontologies import FLAT
from keyin.domain.secret import GpiiKey, equal
from keyin.oauth.bearer import presented
from keyin.settings.errors import Rejected

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from keyin.cloud.exchange import Exchange, Handler
    from keyin.cloud.routes import Route
    from keyin.domain.secret import Secret
    from keyin.oauth.ports import Tokens
    from keyin.settings.preferences import PreferencesService

    Act = Callable[[Exchange], Awaitable[Answer]]
    OfKey = Callable[[Exchange, GpiiKey], Awaitable[bytes]]

UNPROVEN: Final = Answer(
    errors.UNAUTHORIZED.status,
    errors.UNAUTHORIZED.body,
    errors.UNAUTHORIZED.headers,
    "not_the_secret",
)


class PreferencesRoutes(msgspec.Struct, frozen=True, kw_only=True):
    """Authenticate, parse, act, render."""

    service: PreferencesService
    secrets: Sequence[Secret]
    tokens: Tokens

    def handlers(self) -> Mapping[Route, Handler]:
        """Return a handler for each route."""
        acts: dict[Route, Act] = {
            routes.PREFERENCES_READ: self._of_key(self._read),
            routes.PREFERENCES_PUT: self._of_key(self._put),
            routes.PREFERENCES_CREATE: self._create,
            routes.HEALTH: self._health,
            routes.READY: self._ready,
        }
        return {route: self._proven(act) for route, act in acts.items()}

    def _proven(self, act: Act) -> Handler:
        async def handle(exchange: Exchange) -> Answer:
            if not self._has_secret(exchange):
                return UNPROVEN
            return await act(exchange)

        return handle

    def _has_secret(self, exchange: Exchange) -> bool:
        """Compare with every secret, whatever comes out."""
        shown = presented(exchange.request.authorization())
        if shown is None or shown.dpop:
            return False
        text = shown.token.reveal()
        return sum([equal(text, secret.reveal()) for secret in self.secrets]) > 0

    def _of_key(self, act: OfKey) -> Act:
        async def handle(exchange: Exchange) -> Answer:
            name = decoded(exchange.request.segments[1])
            if name is None:
                return errors.BAD_ESCAPE
            key = GpiiKey(name)
            try:
                return _shown(await act(exchange, key))
            except Rejected as rejected:
                return errors.preferences_error(rejected, key)

        return handle

    async def _read(self, exchange: Exchange, key: GpiiKey) -> bytes:
        """Answer the sets in one ontology (cloud-wire §7.3)."""
        return await self.service.read(key, _view(exchange))

    async def _put(self, exchange: Exchange, key: GpiiKey) -> bytes:
        """Replace or merge what is in one ontology (cloud-wire §7.5)."""
        return await self.service.put(
            key,
            await json_body(exchange),
            _view(exchange),
            merge=_parameter(exchange.request.query, "merge") == ["true"],
            now=exchange.now,
            request_id=exchange.request_id,
        )

    async def _create(self, exchange: Exchange) -> Answer:
        """Make a key (cloud-wire §7.4)."""
        body = await json_body(exchange)
        try:
            made = await self.service.create(
                body, _view(exchange), exchange.now, exchange.request_id
            )
        except Rejected as rejected:
            return errors.preferences_error(rejected, None)
        return _shown(made)

    async def _health(self, _exchange: Exchange) -> Answer:
        return answers.HEALTHY

    async def _ready(self, _exchange: Exchange) -> Answer:
        return await ready(self.tokens)


def _shown(body: bytes) -> Answer:
    return Answer(200, body, (answers.JSON_UTF8, answers.NO_STORE))


def _view(exchange: Exchange) -> str:
    """Return the ontology that is asked for; one that comes twice is none that there is."""
    return ",".join(_parameter(exchange.request.query, "view")) or FLAT


def _parameter(query: bytes, name: str) -> list[str]:
    """Return every value of a parameter of a query, decoded."""
    pairs = (pair.partition(b"=") for pair in query.split(b"&"))
    return [form_text(value) for found, _, value in pairs if form_text(found) == name]
