"""`/oauth2/par`, and where a device begins: read the form, call, render."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from keyin.cloud import routes
from keyin.cloud.answers import JSON_BARE, NO_CACHE, NO_STORE, Answer, Header
from keyin.cloud.oauth_routes import rendered, wants_nonce
from keyin.oauth.errors import Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keyin.cloud.exchange import Handler
    from keyin.cloud.oauth_routes import Authorization
    from keyin.cloud.routes import Route
    from keyin.domain.absent import Value
    from keyin.oauth.asked import Asked
    from keyin.oauth.device import DeviceAuthorization
    from keyin.oauth.pushed_requests import PushedRequests


class FlowRoutes(msgspec.Struct, frozen=True, kw_only=True):
    """Where a wish comes in without a browser."""

    authorization: Authorization
    pushed: PushedRequests | None
    """None: there are no pages on which a person could say yes."""
    devices: DeviceAuthorization | None
    """None: the device grant is switched off."""

    def handlers(self) -> Mapping[Route, Handler]:
        """Return a handler for each route that is there."""
        of_form = self.authorization.of_form
        there: dict[Route, Handler] = {}
        if self.pushed is not None:
            there[routes.PAR] = of_form(self._push)
        if self.devices is not None:
            there[routes.DEVICE_AUTHORIZATION] = of_form(self._device)
        return there

    async def _push(self, asked: Asked) -> Answer:
        """Remember an application's wish (RFC 9126 §2.2)."""
        if self.pushed is None:
            raise LookupError("this route is not there")
        outcome = await self.pushed.push(asked)
        nonce = self._nonce(asked, outcome)
        if isinstance(outcome, Refusal):
            return rendered(outcome, *nonce)
        content: dict[str, Value] = {
            "request_uri": outcome.request_uri,
            "expires_in": outcome.lifetime_s,
        }
        return _told(201, content, *nonce)

    async def _device(self, asked: Asked) -> Answer:
        """Give a device its two codes (RFC 8628 §3.2)."""
        if self.devices is None:
            raise LookupError("this route is not there")
        outcome = await self.devices.begin(asked)
        nonce = self._nonce(asked, outcome)
        if isinstance(outcome, Refusal):
            return rendered(outcome, *nonce)
        return _told(200, outcome.told(), *nonce)

    def _nonce(self, asked: Asked, outcome: object) -> tuple[Header, ...]:
        due = asked.sent.proofs or wants_nonce(outcome)
        return self.authorization.nonce(asked.now) if due else ()


def _told(status: int, content: Mapping[str, Value], *more: Header) -> Answer:
    return Answer(status, msgspec.json.encode(content), (JSON_BARE, NO_STORE, NO_CACHE, *more))
