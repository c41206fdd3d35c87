"""`/oauth2/register` and what is under it, and the cloud's public keys: read, call, render."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from keyin.cloud import routes
from keyin.cloud.answers import JSON_BARE, NO_CACHE, NO_STORE, Answer
from keyin.cloud.bodies import JSON, content_type
from keyin.cloud.discovery import AN_HOUR
from keyin.cloud.oauth_routes import rendered, wants_nonce
from keyin.oauth.asked import Asked
from keyin.oauth.errors import Code, Reason, Refusal
from keyin.oauth.registering import presented
from keyin.oauth.registration_refusals import unusable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from keyin.cloud.answers import Header
    from keyin.cloud.exchange import Exchange, Handler
    from keyin.cloud.oauth_routes import Authorization
    from keyin.cloud.routes import Route
    from keyin.oauth.registering import Body, Presented, Registrar
    from keyin.oauth.registration_care import RegistrationCare
    from keyin.oauth.returning import Returning
    from keyin.wire.enrolment import RegistrationAnswer
    from keyin.wire.jose import PublicKey

ENDED: Final = Answer(204, b"", (NO_STORE, NO_CACHE))
_UNAUTHORIZED: Final = 401


class RegistrationRoutes(msgspec.Struct, frozen=True, kw_only=True):
    """Where computers register themselves (RFC 7591, RFC 7592)."""

    authorization: Authorization
    registrar: Registrar
    care: RegistrationCare
    returning: Returning
    keys: Sequence[PublicKey]

    def handlers(self) -> Mapping[Route, Handler]:
        """Return a handler for each route."""
        return {
            routes.JWKS: self.jwks,
            routes.REGISTER: self._handler(self._create, 201),
            routes.REGISTERED: self._handler(self._read, 200),
            routes.REPLACE_REGISTRATION: self._handler(self._replace, 200),
            routes.END_REGISTRATION: self._handler(self._end, 204),
        }

    async def jwks(self, _exchange: Exchange) -> Answer:
        """Show the public keys that enrolment files and certificates verify with (RFC 7517)."""
        keys = [
            {**msgspec.json.decode(key.jwk), "use": "sig", "alg": key.algorithm, "kid": kid}
            for key in self.keys
            for kid in [key.thumbprint]
        ]
        return Answer(200, msgspec.json.encode({"keys": keys}), (JSON_BARE, AN_HOUR))

    def _handler(
        self,
        act: Callable[[Exchange, Presented | None, Asked], Awaitable[Any]],
        status: int,
    ) -> Handler:
        async def handle(exchange: Exchange) -> Answer:
            asked = self._asked(exchange)
            if len(exchange.request.headers(b"authorization")) > 1:
                return self._told(unusable(Reason.TWO_METHODS), asked, status)
            shown = presented(asked.authorization)
            return self._told(await act(exchange, shown, asked), asked, status)

        return handle

    async def _create(
        self, exchange: Exchange, shown: Presented | None, asked: Asked
    ) -> RegistrationAnswer | Refusal:
        """Register; a certificate in the place of a token brings somebody back."""
        if shown is not None and "." in shown.token.reveal():
            return await self.returning.come_back(shown, asked)
        if shown is None and self.registrar.manners.unsafe_open:
            return await self.registrar.create_open(asked, _reading(exchange))
        return await self.registrar.create(shown, asked, _reading(exchange))

    async def _read(
        self, exchange: Exchange, shown: Presented | None, asked: Asked
    ) -> RegistrationAnswer | Refusal:
        return await self.care.read(_client_id(exchange), shown, asked)

    async def _replace(
        self, exchange: Exchange, shown: Presented | None, asked: Asked
    ) -> RegistrationAnswer | Refusal:
        return await self.care.replace(_client_id(exchange), shown, asked, _reading(exchange))

    async def _end(
        self, exchange: Exchange, shown: Presented | None, asked: Asked
    ) -> Refusal | None:
        return await self.care.end(_client_id(exchange), shown, asked)

    def _asked(self, exchange: Exchange) -> Asked:
        return Asked(
            parameters={},
            authorization=exchange.request.authorization(),
            sent=self.authorization.sent(exchange.request),
            address=exchange.visitor.address,
            now=exchange.now,
            request_id=exchange.request_id,
        )

    def _told(
        self, outcome: RegistrationAnswer | Refusal | None, asked: Asked, status: int
    ) -> Answer:
        if outcome is None:
            return ENDED
        nonce = self.authorization.nonce(asked.now)
        if not isinstance(outcome, Refusal):
            headers = (JSON_BARE, NO_STORE, NO_CACHE, *nonce)
            return Answer(status, msgspec.json.encode(outcome), headers)
        due = asked.sent.proofs or wants_nonce(outcome)
        return rendered(outcome, *_challenge(outcome), *(nonce if due else ()))


def _challenge(refusal: Refusal) -> tuple[Header, ...]:
    """Say with what a right request would come (RFC 9449 §7.1)."""
    if refusal.status != _UNAUTHORIZED:
        return ()
    code = refusal.code or Code.INVALID_TOKEN
    text = f'DPoP error="{code.value}", algs="ES256 EdDSA"'
    return ((b"www-authenticate", text.encode()),)


def _reading(exchange: Exchange) -> Body:
    """Return what reads the body; what is no JSON by its own word reads as nothing."""

    async def read() -> bytes:
        media = content_type(exchange.request)
        body = await exchange.body()
        return body if media == JSON else b""

    return read


def _client_id(exchange: Exchange) -> str:
    """Return the last part of the address as it stands: our own ids need no escapes."""
    return exchange.request.segments[-1].decode("latin-1")
