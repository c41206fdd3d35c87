"""Client credentials (RFC 6749 §4.4): a machine job asks for itself, and for no person.

Its token opens what belongs to operations, never preferences (P4).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from keyin.domain.applications import CLIENT_CREDENTIALS, INSTALLATIONS_READ, AuthMethod
from keyin.domain.grant import OPERATIONS_AUDIENCE
from keyin.oauth.errors import Code, Reason, Refusal, refused
from keyin.oauth.grants.application_grants import application_for, given, wanted
from keyin.oauth.issuing import issue

if TYPE_CHECKING:
    from keyin.domain.applications import Application
    from keyin.domain.environment import Entropy
    from keyin.oauth.granting import Given, GrantRequest
    from keyin.oauth.ports import Peppers, Tokens

SCOPES: Final = (INSTALLATIONS_READ,)


class ClientCredentials(msgspec.Struct, frozen=True, kw_only=True):
    """Answers a client that is authenticated."""

    store: Tokens
    peppers: Peppers
    entropy: Entropy
    issuer: str

    async def answer(self, request: GrantRequest) -> Given | Refusal:
        """Issue a token for the client itself, or refuse. Raises StoreUnavailable."""
        application = application_for(request, CLIENT_CREDENTIALS)
        if isinstance(application, Refusal):
            return application
        if application.auth_method is AuthMethod.NONE:  # RFC 6749 §4.4: confidential clients only
            return refused(
                Code.UNAUTHORIZED_CLIENT, "Not for this client", Reason.GRANT_NOT_ALLOWED
            )
        if {request.named(name) or self.issuer for name in ("resource", "audience")} != {
            self.issuer
        }:
            return refused(Code.INVALID_TARGET, "No such resource", Reason.TARGET)
        scope = scope_of(request.named("scope"), application)
        if scope is None:
            return refused(Code.INVALID_SCOPE, "No such scope", Reason.SCOPE)
        token = await issue(
            wanted(request, scope=scope, audience=OPERATIONS_AUDIENCE),
            request.by,
            tokens=self.store,
            peppers=self.peppers,
            entropy=self.entropy,
            on=request.asked,
        )
        return given(request, token, scope)


def scope_of(asked: str, application: Application) -> str | None:
    """Return the scope asked for; all there is if none was; None: not for this one."""
    open_to = [scope for scope in SCOPES if scope in application.scopes]
    named = (asked or " ".join(open_to)).split(" ")
    if not open_to or not set(named) <= set(open_to):
        return None
    return " ".join(scope for scope in open_to if scope in named)
