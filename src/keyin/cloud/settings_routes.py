"""Settings: of the key in the path, as the original's clients ask, or of the token's own key.

GET /{key}/settings/{device}    POST /settings/query
PUT /{key}/settings             PUT /settings
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import msgspec

from keyin.cloud import answers, errors, routes
from keyin.cloud.answers import Answer
from keyin.cloud.bodies import JSON, Unacceptable, content_type
from keyin.cloud.request import decoded
from keyin.domain.secret import GpiiKey
from keyin.settings.errors import Rejected

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from keyin.cloud.exchange import Exchange, Handler
    from keyin.cloud.guard import Guard
    from keyin.cloud.routes import Route
    from keyin.domain.grant import Grant
    from keyin.settings.service import SettingsService

    Act = Callable[[Exchange, Grant], Awaitable[bytes]]


class SettingsRoutes(msgspec.Struct, frozen=True, kw_only=True):
    """Authenticate, authorise, parse, act, render."""

    guard: Guard
    settings: SettingsService

    def handlers(self) -> Mapping[Route, Handler]:
        """Return a handler for each route."""
        return {
            routes.QUERY: self._of_key_in_path(self._queried),
            routes.SAVE: self._of_key_in_path(self._saved),
            routes.QUERY_OWN: self._of_own_key(self._queried_own),
            routes.SAVE_OWN: self._of_own_key(self._saved),
        }

    def _of_key_in_path(self, act: Act) -> Handler:
        async def handle(exchange: Exchange) -> Answer:
            name = decoded(exchange.request.segments[0])
            if name is None:
                return errors.BAD_ESCAPE
            return await self._guarded(exchange, GpiiKey(name), act)

        return handle

    def _of_own_key(self, act: Act) -> Handler:
        async def handle(exchange: Exchange) -> Answer:
            return await self._guarded(exchange, None, act)

        return handle

    async def _guarded(self, exchange: Exchange, key: GpiiKey | None, act: Act) -> Answer:
        """Authenticate and authorise, then act (P81)."""
        grant = await self.guard.admit(exchange, key)
        if isinstance(grant, Answer):
            return grant
        try:
            body = await act(exchange, grant)
        except Rejected as rejected:
            return errors.settings_error(rejected, key)
        return Answer(200, body, (answers.JSON_UTF8, answers.NO_STORE))

    async def _queried(self, exchange: Exchange, grant: Grant) -> bytes:
        """Answer what this computer should become (cloud-wire §4)."""
        device = _device(exchange.request.segments[2])
        if device is None:
            raise Unacceptable(errors.BAD_ESCAPE)
        return await self.settings.query(grant, device, request_id=exchange.request_id)

    async def _queried_own(self, exchange: Exchange, grant: Grant) -> bytes:
        """Answer the same, without what the computer has already."""
        body = await json_body(exchange)
        return await self.settings.query_own(grant, body, request_id=exchange.request_id)

    async def _saved(self, exchange: Exchange, grant: Grant) -> bytes:
        """Change a safe (cloud-wire §4.5)."""
        return await self.settings.save(
            grant,
            await json_body(exchange),
            exchange.now,
            address=exchange.visitor.address,
            request_id=exchange.request_id,
        )


async def json_body(exchange: Exchange) -> bytes:
    """Read the body; another media type is an empty object (cloud-wire §2.3)."""
    is_json = content_type(exchange.request) == JSON
    return await exchange.body() if is_json else b"{}"


@lru_cache(maxsize=256)
def _device(segment: bytes) -> str | None:
    """Decode a device; a computer says the same each time, and nothing personal."""
    return decoded(segment)
