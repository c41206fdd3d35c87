"""The settings of the key in the path: `GET /{key}/settings/{device}`, `PUT /{key}/settings`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from keyin.cloud import answers, errors, routes
from keyin.cloud.answers import Answer
from keyin.cloud.bodies import JSON, Unacceptable, content_type
from keyin.cloud.denials import denied
from keyin.cloud.request import decoded
from keyin.domain.secret import GpiiKey
from keyin.oauth.bearer import Bearer, Denial
from keyin.settings.errors import Rejected

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from keyin.cloud.exchange import Exchange, Handler
    from keyin.cloud.oauth_routes import Authorization
    from keyin.cloud.routes import Route
    from keyin.domain.grant import Grant
    from keyin.settings.service import SettingsService


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsRoutes:
    """Authenticate, authorise, parse, act, render."""

    bearer: Bearer
    settings: SettingsService
    authorization: Authorization | None = None

    def handlers(self) -> Mapping[Route, Handler]:
        """Return a handler for each route."""
        return {routes.QUERY: self.query, routes.SAVE: self.save}

    async def query(self, exchange: Exchange) -> Answer:
        """Answer what this computer should become (cloud-wire §4)."""
        return await self._with_grant(exchange, self._queried)

    async def save(self, exchange: Exchange) -> Answer:
        """Change a safe (cloud-wire §4.5)."""
        return await self._with_grant(exchange, self._saved)

    async def _with_grant(
        self, exchange: Exchange, act: Callable[[Exchange, Grant], Awaitable[bytes]]
    ) -> Answer:
        """Authenticate and authorise, then act (P81)."""
        name = decoded(exchange.request.segments[0])
        if name is None:
            return errors.BAD_ESCAPE
        key = GpiiKey(name)
        authorization = self.authorization
        grant = await self.bearer.identify(
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
        return await self.settings.query(grant, device)

    async def _saved(self, exchange: Exchange, grant: Grant) -> bytes:
        is_json = content_type(exchange.request) == JSON
        body = await exchange.body() if is_json else b"{}"
        return await self.settings.save(grant, body, exchange.now)


@lru_cache(maxsize=256)
def _device(segment: bytes) -> str | None:
    """Decode a device; a computer says the same each time, and nothing personal."""
    return decoded(segment)
