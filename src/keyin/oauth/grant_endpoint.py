"""`/oauth2/token`: prove the client, prove the sender, then hand over to the grant."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from keyin.oauth.errors import Code, Reason, Refusal, refused
from keyin.oauth.granting import Given, Grant, GrantRequest
from keyin.oauth.grants.token_exchange import TokenExchange

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keyin.oauth.asked import Asked
    from keyin.oauth.proven_sender import ProvenSenders, Sender


class GrantEndpoint(msgspec.Struct, frozen=True, kw_only=True):
    """Answers a token request whose form was already read."""

    senders: ProvenSenders
    grants: Mapping[str, Grant]
    """By grant type; a grant that is switched off is not here."""

    async def answer(self, asked: Asked) -> Given | Refusal:
        """Run the named steps; the client comes before everything else. Raises StoreUnavailable."""
        sender = await self.senders.prove(asked)
        if isinstance(sender, Refusal):
            return sender
        grant = self._grant(asked)
        together = isinstance(grant, TokenExchange)
        check = self.senders.check_unused if together else self.senders.spend
        replay = await check(sender, asked)
        if replay:
            return replay
        outcome = grant if isinstance(grant, Refusal) else await grant.answer(_of(sender, asked))
        if not isinstance(outcome, Refusal):
            return outcome
        unspent = together and outcome.reason is not Reason.REPLAYED
        refuse = self.senders.refuse_and_spend if unspent else self.senders.refuse
        return await refuse(outcome, sender, asked)

    def _grant(self, asked: Asked) -> Grant | Refusal:
        """Find the grant (RFC 6749 §5.2)."""
        given = asked.parameters.get("grant_type")
        if not given:
            return refused(Code.INVALID_REQUEST, "Missing required parameter: grant_type")
        return self.grants.get(given) or refused(
            Code.UNSUPPORTED_GRANT_TYPE, "No such grant type", Reason.GRANT_TYPE
        )


def _of(sender: Sender, asked: Asked) -> GrantRequest:
    return GrantRequest(
        asked=asked,
        by=sender.proven.by,
        jkt=sender.jkt,
        application=sender.proven.application,
        uses=sender.uses,
    )
