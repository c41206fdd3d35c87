"""The routes under `/oauth2`, and what tells of them: read the form, call, render."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from keyin.cloud import discovery, routes
from keyin.cloud.answers import JSON_BARE, NO_CACHE, NO_STORE, Answer, Header
from keyin.cloud.bodies import FORM, content_type, form
from keyin.cloud.errors import retry_after
from keyin.oauth.asked import Asked, Sent
from keyin.oauth.errors import Code, Reason, Refusal, refused

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from keyin.cloud.exchange import Exchange, Handler
    from keyin.cloud.request import Request
    from keyin.cloud.routes import Route
    from keyin.domain.absent import Value
    from keyin.domain.environment import Millis
    from keyin.oauth.dpop import Dpop
    from keyin.oauth.grant_endpoint import GrantEndpoint
    from keyin.oauth.granting import Given
    from keyin.oauth.token_status import TokenStatus

CHALLENGE: Final[Header] = (b"www-authenticate", b'Basic realm="keyin", charset="UTF-8"')
REVOKED: Final = Answer(200, b"", (NO_STORE, NO_CACHE))
_NO_FORM: Final = refused(Code.INVALID_REQUEST, "The request body must be a form")
_TWICE: Final = refused(
    Code.INVALID_REQUEST, "A parameter comes twice, or has brackets", Reason.PARAMETERS
)
_TWO_HEADERS: Final = refused(Code.INVALID_REQUEST, "A header comes twice", Reason.TWO_METHODS)


class Authorization(msgspec.Struct, frozen=True, kw_only=True):
    """The authorization server of one issuer."""

    issuer: str
    """Without a slash at its end: what stands before every path of ours."""
    endpoint: GrantEndpoint
    status: TokenStatus
    dpop: Dpop

    def handlers(self) -> Mapping[Route, Handler]:
        """Return a handler for each route."""
        return {
            routes.SERVER_METADATA: self.server_metadata,
            routes.RESOURCE_METADATA: self.resource_metadata,
            routes.OAUTH_TOKEN: self.of_form(self._token),
            routes.REVOKE: self.of_form(self._revoke),
            routes.INTROSPECT: self.of_form(self._introspect),
        }

    async def server_metadata(self, _exchange: Exchange) -> Answer:
        """Say what this server speaks (RFC 8414)."""
        return discovery.server(self.issuer, self.endpoint.grants)

    async def resource_metadata(self, _exchange: Exchange) -> Answer:
        """Say whose tokens open the settings (RFC 9728)."""
        return discovery.resource(self.issuer, self.endpoint.grants)

    def of_form(self, act: Callable[[Asked], Awaitable[Answer]]) -> Handler:
        """Return a handler that reads a form, then acts."""

        async def handle(exchange: Exchange) -> Answer:
            asked = await self._asked(exchange)
            return rendered(asked) if isinstance(asked, Refusal) else await act(asked)

        return handle

    async def _revoke(self, asked: Asked) -> Answer:
        refusal = await self.status.revoke(asked)
        return rendered(refusal) if refusal else REVOKED

    async def _introspect(self, asked: Asked) -> Answer:
        return _told(await self.status.introspect(asked))

    async def _token(self, asked: Asked) -> Answer:
        outcome = await self.endpoint.answer(asked)
        nonce = self.nonce(asked.now) if asked.sent.proofs or wants_nonce(outcome) else ()
        if isinstance(outcome, Refusal):
            return rendered(outcome, *nonce)
        return _given(outcome, *nonce)

    def nonce(self, now: Millis) -> tuple[Header]:
        """Return the header that gives the nonce of now (RFC 9449 §8)."""
        return ((b"dpop-nonce", self.dpop.nonce(now).encode()),)

    def sent(self, request: Request) -> Sent:
        """Return what a proof of this request must say; the address is the issuer's (ADR 14)."""
        path = b"/".join([b"", *request.segments]).decode("latin-1")
        proofs = tuple(value.decode("latin-1") for value in request.headers(b"dpop"))
        return Sent(proofs=proofs, method=request.method, url=self.issuer + path)

    async def _asked(self, exchange: Exchange) -> Asked | Refusal:
        request = exchange.request
        media = content_type(request)
        body = await exchange.body()
        if media != FORM:
            return _NO_FORM
        given = form(body)
        named = {name: value for name, value in given.items() if isinstance(value, str)}
        if len(named) != len(given):
            return _TWICE
        if len(request.headers(b"authorization")) > 1:
            return _TWO_HEADERS
        return Asked(
            parameters=named,
            authorization=request.authorization(),
            sent=self.sent(request),
            address=exchange.visitor.address,
            now=exchange.now,
            request_id=exchange.request_id,
        )


def _told(content: Mapping[str, Value] | Refusal) -> Answer:
    if isinstance(content, Refusal):
        return rendered(content)
    return Answer(200, msgspec.json.encode(content), (JSON_BARE, NO_STORE, NO_CACHE))


def rendered(refusal: Refusal, *more: Header) -> Answer:
    """Render a refusal (RFC 6749 §5.2)."""
    code = refusal.code.value if refusal.code else "server_error"
    challenge = (CHALLENGE,) if refusal.code is Code.INVALID_CLIENT else ()
    return Answer(
        refusal.status,
        msgspec.json.encode({"error": code, "error_description": refusal.description}),
        (JSON_BARE, NO_STORE, NO_CACHE, *challenge, *retry_after(refusal), *more),
        refusal.reason,
    )


def _given(given: Given, *more: Header) -> Answer:
    body: dict[str, Value] = {
        "access_token": given.token.reveal(),
        "token_type": given.token_type,
        "expires_in": given.lifetime_s,
        "scope": given.scope,
    }
    if given.issued_token_type:
        body["issued_token_type"] = given.issued_token_type
    if given.details:
        body["authorization_details"] = msgspec.to_builtins(given.details)
    return Answer(200, msgspec.json.encode(body), (JSON_BARE, NO_STORE, NO_CACHE, *more))


def wants_nonce(outcome: object) -> bool:
    """Tell whether a refusal is no use without a nonce (RFC 9449 §8)."""
    codes = {Code.USE_DPOP_NONCE, Code.INVALID_DPOP_PROOF}
    return isinstance(outcome, Refusal) and outcome.code in codes
