"""What an application may ask a person for (RFC 6749 §4.1.1 as OAuth 2.1 has it).

The address for the answer is looked at first. While it is not known to be the application's, a
mistake is told to who is there and never sent anywhere (RFC 6749 §4.1.2.1).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import msgspec

from keyin.domain.applications import ACCOUNT_READ, AUTHORIZATION_CODE
from keyin.domain.authorization import AuthorizationRequest
from keyin.domain.enrolment import REGISTER_SCOPE
from keyin.oauth.computer_wishes import read_computer, resources
from keyin.oauth.errors import Code, Reason, Refusal
from keyin.oauth.pkce import is_challenge
from keyin.oauth.redirects import fits

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keyin.domain.applications import Application
    from keyin.oauth.computer_wishes import Bringing

SCOPES: Final = (ACCOUNT_READ, REGISTER_SCOPE)
"""What a person can give: to an application, or to the enrolment client, which has the last."""
_STATE: Final = re.compile(r"[\x20-\x7e]{1,1024}")
_THUMBPRINT: Final = re.compile("[A-Za-z0-9_-]{43}")


class Unfit(msgspec.Struct, frozen=True, kw_only=True):
    """A request that is not put to anybody."""

    code: Code
    description: str
    reason: Reason = Reason.PARAMETERS
    redirect_uri: str | None = None
    """Where to say so; None: nowhere but to who is there."""
    state: str | None = None


def read_request(
    named: Mapping[str, str],
    application: Application,
    *,
    issuer: str,
    bringing: Bringing | None = None,
) -> AuthorizationRequest | Unfit:
    """Check a request against the application's record; `bringing`: it came without a browser."""
    uri = named.get("redirect_uri", "")
    if not fits(uri, application):
        return Unfit(
            code=Code.INVALID_REQUEST,
            description="This redirect_uri is not registered",
            reason=Reason.REDIRECT_URI,
        )
    state = named.get("state") or None
    if state is not None and not _STATE.fullmatch(state):
        return Unfit(code=Code.INVALID_REQUEST, description="Improper state", redirect_uri=uri)
    mistake = _mistake(named, application, issuer)
    if mistake is not None:
        return _unfit(*mistake, uri=uri, state=state)
    scope = scope_of(named, application) or ""
    computer = read_computer(named, scope, bringing)
    if isinstance(computer, Refusal):
        code = computer.code or Code.INVALID_REQUEST
        return _unfit(code, computer.description, computer.reason, uri=uri, state=state)
    return AuthorizationRequest(
        credential_id=application.credential_id,
        redirect_uri=uri,
        scope=scope,
        state=state,
        code_challenge=named["code_challenge"],
        jkt=(bringing.jkt if bringing else None) or named.get("dpop_jkt") or None,
        computer=computer,
    )


def _unfit(code: Code, description: str, reason: Reason, *, uri: str, state: str | None) -> Unfit:
    return Unfit(code=code, description=description, reason=reason, redirect_uri=uri, state=state)


def scope_of(named: Mapping[str, str], application: Application) -> str | None:
    """Return the scope asked for, in our order; all if none was; None: not for this one."""
    open_to = [scope for scope in SCOPES if scope in application.scopes]
    asked = (named.get("scope") or " ".join(open_to)).split(" ")
    if not open_to or not set(asked) <= set(open_to):
        return None
    return " ".join(scope for scope in open_to if scope in asked)


def _mistake(
    named: Mapping[str, str], application: Application, issuer: str
) -> tuple[Code, str, Reason] | None:
    """Return the first thing that is wrong with what is asked."""
    given = named.get("response_type")
    jkt = named.get("dpop_jkt") or None
    scope = scope_of(named, application)
    asked = {named.get(name) or issuer for name in ("resource", "audience")}
    must_be = (
        ("request" not in named, Code.REQUEST_NOT_SUPPORTED, "No request objects", None),
        (bool(given), Code.INVALID_REQUEST, "Missing required parameter: response_type", None),
        (given == "code", Code.UNSUPPORTED_RESPONSE_TYPE, "No such response_type", None),
        (
            named.get("response_mode") in {None, "", "query"},
            *(Code.INVALID_REQUEST, "No such response_mode", None),
        ),
        (
            AUTHORIZATION_CODE in application.grant_types,
            *(Code.UNAUTHORIZED_CLIENT, "Not for this client", Reason.GRANT_NOT_ALLOWED),
        ),
        (
            is_challenge(named),
            *(Code.INVALID_REQUEST, "A code_challenge of S256 is required", Reason.CHALLENGE),
        ),
        (scope is not None, Code.INVALID_SCOPE, "No such scope", Reason.SCOPE),
        (
            asked <= resources(scope or "", issuer),
            *(Code.INVALID_TARGET, "No such resource", Reason.TARGET),
        ),
        (
            jkt is None or _THUMBPRINT.fullmatch(jkt) is not None,
            *(Code.INVALID_REQUEST, "Improper dpop_jkt", Reason.WRONG_PROOF),
        ),
    )
    for holds, code, description, reason in must_be:
        if not holds:
            return code, description, reason or Reason.PARAMETERS
    return None
