"""`/access_token`: the notes' grant on the wire that the original's clients speak.

Each token comes with the word that this way is deprecated (RFC 9745) and the date on which it ends
for the client that asked (RFC 8594).
"""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import msgspec

from keyin.cloud import answers, errors, routes
from keyin.cloud.answers import Answer, Header
from keyin.cloud.bodies import content_type, parameters
from keyin.domain.errors import InvalidDocument
from keyin.oauth.auditing import Visit
from keyin.oauth.errors import TWO_METHODS, UNREADABLE, Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keyin.cloud.exchange import Exchange, Handler
    from keyin.cloud.request import Request
    from keyin.cloud.routes import Route
    from keyin.domain.environment import Millis
    from keyin.oauth.grants.password import Issued
    from keyin.oauth.token_endpoint import TokenEndpoint

_ASSERTION: Final = frozenset({"client_assertion", "client_assertion_type"})
DEPRECATED: Final[Header] = (b"deprecation", b"@1735689600")
"""Since the month in which RFC 9700 forbade the grant, 2025-01."""


class LegacyTokenRoutes(msgspec.Struct, frozen=True):
    """Reads the form or JSON, calls, renders."""

    endpoint: TokenEndpoint

    def handlers(self) -> Mapping[Route, Handler]:
        """Return a handler for each route."""
        return {routes.TOKEN: self.token, routes.TOKEN_OPTIONS: _token_options}

    async def token(self, exchange: Exchange) -> Answer:
        """Answer a token request (cloud-wire §3)."""
        media = content_type(exchange.request)
        body = await exchange.body()
        try:
            given = parameters(media, body)
        except InvalidDocument:
            return errors.oauth_error(UNREADABLE)
        if given.get("client_secret") and _other_way(exchange.request, given):
            return errors.oauth_error(TWO_METHODS)
        on = Visit(
            now=exchange.now, address=exchange.visitor.address, request_id=exchange.request_id
        )
        outcome = await self.endpoint.answer(given, on)
        return errors.oauth_error(outcome) if isinstance(outcome, Refusal) else _issued(outcome)


def _other_way(request: Request, given: Mapping[str, object]) -> bool:
    """Tell whether a client comes in another way too (RFC 6749 §2.3)."""
    return request.has(b"authorization") or not _ASSERTION.isdisjoint(given)


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
    ends = _sunset(issued.until)
    return Answer(
        200, body, (answers.JSON_BARE, answers.NO_STORE, answers.NO_CACHE, DEPRECATED, ends)
    )


@lru_cache(maxsize=256)
def _sunset(until: Millis) -> Header:
    """Return the date from which this client gets no token here (RFC 8594 §3)."""
    date = format_datetime(datetime.fromtimestamp(until // 1000, UTC), usegmt=True)
    return (b"sunset", date.encode())
