"""Who may go on at a route that asks for a settings token: authenticate, authorise (P81).

It looks at nothing but the head of the request. What a token may do there is `oauth.bearer`'s to
say; here its words become an answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from keyin.cloud.denials import denied
from keyin.oauth.bearer import Bearer, Denial

if TYPE_CHECKING:
    from keyin.cloud.answers import Answer
    from keyin.cloud.exchange import Exchange
    from keyin.cloud.oauth_routes import Authorization
    from keyin.cloud.request import Request
    from keyin.domain.grant import Grant
    from keyin.domain.records import StoredGrant
    from keyin.domain.secret import GpiiKey
    from keyin.oauth.asked import Sent


class Guard(msgspec.Struct, frozen=True, kw_only=True):
    """Lets in by token."""

    bearer: Bearer
    authorization: Authorization | None = None
    """None: there is no issuer, and so no token that is bound to a key."""

    async def admit(self, exchange: Exchange, key: GpiiKey | None) -> Grant | Answer:
        """Return what this request may do to the key, or to the token's own where it names none.

        Raises StoreUnavailable.
        """
        grant = await self.bearer.identify(
            exchange.request.authorization(),
            key,
            address=exchange.visitor.address,
            now=exchange.now,
            sent=self._sent(exchange.request),
            scope=exchange.route.scope,
        )
        if isinstance(grant, Denial):
            return denied(grant, self.authorization, exchange.now)
        return grant

    async def admit_other(self, exchange: Exchange, audience: str) -> StoredGrant | Answer:
        """Return what a token of another class than settings opens. Raises StoreUnavailable."""
        found = await self.bearer.identify_other(
            exchange.request.authorization(),
            audience=audience,
            scope=exchange.route.scope or "",
            address=exchange.visitor.address,
            now=exchange.now,
            sent=self._sent(exchange.request),
        )
        if isinstance(found, Denial):
            return denied(found, self.authorization, exchange.now)
        return found

    def _sent(self, request: Request) -> Sent | None:
        """Return what a proof must say; None where there is none to look at."""
        if self.authorization is None or not request.has(b"dpop"):
            return None
        return self.authorization.sent(request)
