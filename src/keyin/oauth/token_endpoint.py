"""The token endpoint (RFC 6749 §3.2): authenticate the client, then hand over to its grant."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from keyin.oauth.auditing import record_refusal
from keyin.oauth.client_auth import authenticate
from keyin.oauth.errors import Refusal, unsupported_grant_type
from keyin.oauth.grants.password import GRANT_TYPE, Issued, PasswordGrant
from keyin.oauth.parameters import Parameters, shown, text

if TYPE_CHECKING:
    from keyin.oauth.audit_ports import Trail
    from keyin.oauth.auditing import Occasion
    from keyin.oauth.ports import Credentials, Peppers
    from keyin.oauth.throttle import Throttle


class TokenEndpoint(msgspec.Struct, frozen=True, kw_only=True):
    """Answers a token request that was already decoded."""

    credentials: Credentials
    peppers: Peppers
    grant: PasswordGrant
    throttle: Throttle
    trail: Trail

    async def answer(self, parameters: Parameters, on: Occasion) -> Issued | Refusal:
        """Run the named steps; the client comes before everything else. Raises StoreUnavailable."""
        by = await authenticate(parameters, credentials=self.credentials, peppers=self.peppers)
        if isinstance(by, Refusal):
            claimed = text(parameters.get("client_id")) or ""
            return await self.throttle.after_failed_proof(claimed, on.address, by, now=on.now)
        outcome = check_grant_type(parameters) or await self.grant.answer(parameters, by, on)
        if isinstance(outcome, Refusal):
            await record_refusal(outcome, by, on, trail=self.trail)
        return outcome


def check_grant_type(parameters: Parameters) -> Refusal | None:
    """Refuse every grant type but the one."""
    if parameters.get("grant_type") != GRANT_TYPE:
        return unsupported_grant_type(shown(parameters, "grant_type"))
    return None
