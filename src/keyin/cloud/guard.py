"""Who may go on at a route that asks for a settings token: authenticate, authorise (P81).

It looks at nothing but the head of the request. What a token may do there is `oauth.bearer`'s to
say; here its words become an answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from keyin.cloud.denials import denied
from keyin.oauth.bearer import Bearer, Denial

if TYPE_CHECKING:
    from keyin.cloud.answers import Answer
    from keyin.cloud.exchange import Exchange
    from keyin.cloud.oauth_routes import Authorization
    from keyin.domain.grant import Grant
    from keyin.domain.records import StoredGrant
    from keyin.domain.secret import GpiiKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """Lets in by token."""

    bearer: Bearer
    authorization: Authorization | None = None
    """None: there is no issuer, and so no token that is bound to a key."""

    async def admit(self, exchange: Exchange, key: GpiiKey | None) -> Grant | Answer:
        """Return what this request may do to the key, or to the token's own where it names none.

        Raises StoreUnavailable.
        """
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
        return grant

    async def admit_other(self, exchange: Exchange, audience: str) -> StoredGrant | Answer:
        """Return what a token of another class than settings opens. Raises StoreUnavailable."""
        authorization = self.authorization
        found = await self.bearer.identify_other(
            exchange.request.authorization(),
            audience=audience,
            scope=exchange.route.scope or "",
            address=exchange.visitor.address,
            now=exchange.now,
            sent=authorization.sent(exchange.request) if authorization else None,
        )
        if isinstance(found, Denial):
            return denied(found, authorization, exchange.now)
        return found
