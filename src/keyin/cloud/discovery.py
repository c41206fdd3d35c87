"""What a cloud says of itself (RFC 8414, RFC 9728): what is there and nothing else.

The password grant is never named (P102): who may use it knows it already.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from keyin.cloud import routes
from keyin.cloud.answers import JSON_BARE, Answer
from keyin.domain.applications import AUTHORIZATION_CODE, CLIENT_CREDENTIALS, DEVICE_CODE
from keyin.domain.enrolment import REGISTER_SCOPE
from keyin.oauth.authorization_request import SCOPES as ACCOUNT_SCOPES
from keyin.oauth.grants import client_credentials, token_exchange
from keyin.oauth.pkce import METHOD
from keyin.wire.enrolment import DETAILS_TYPE
from keyin.wire.jose import ALGORITHMS

if TYPE_CHECKING:
    from collections.abc import Collection

    from keyin.domain.absent import Value

AN_HOUR: Final = (b"cache-control", b"max-age=3600")
METHODS: Final = ("private_key_jwt", "client_secret_basic", "client_secret_post")
_ENDPOINTS: Final = {
    "token_endpoint": routes.OAUTH_TOKEN,
    "revocation_endpoint": routes.REVOKE,
    "introspection_endpoint": routes.INTROSPECT,
}
_SCOPES: Final = {
    token_exchange.GRANT_TYPE: token_exchange.SCOPES,
    AUTHORIZATION_CODE: ACCOUNT_SCOPES,
    CLIENT_CREDENTIALS: client_credentials.SCOPES,
    DEVICE_CODE: ACCOUNT_SCOPES,
}


def server(issuer: str, grants: Collection[str]) -> Answer:
    """Make RFC 8414's document; `grants` names what is switched on."""
    browser = AUTHORIZATION_CODE in grants
    content: dict[str, Value] = {
        "issuer": issuer,
        "response_types_supported": ["code"] if browser else [],
        "grant_types_supported": list(grants),
        "scopes_supported": _scopes(grants),
        "dpop_signing_alg_values_supported": list(ALGORITHMS),
        "registration_endpoint": issuer + routes.REGISTER.template,
        "jwks_uri": issuer + routes.JWKS.template,
    }
    for name, route in _ENDPOINTS.items():
        # public applications have tokens, but prove nothing that would let them look at any
        public = browser and route is not routes.INTROSPECT
        content[name] = issuer + route.template
        content[f"{name}_auth_methods_supported"] = [*METHODS, *(["none"] if public else [])]
        content[f"{name}_auth_signing_alg_values_supported"] = list(ALGORITHMS)
    if DEVICE_CODE in grants:
        content["device_authorization_endpoint"] = issuer + routes.DEVICE_AUTHORIZATION.template
    return Answer(
        200,
        msgspec.json.encode(content | (_browser(issuer) if browser else {})),
        (JSON_BARE, AN_HOUR),
    )


def _browser(issuer: str) -> dict[str, Value]:
    """Return what tells of the way over a person's browser (RFC 9126 §5, RFC 9207 §3, RFC 9396).

    Pushing is required of each application whose record does not say otherwise, so not of all.
    """
    return {
        "authorization_endpoint": issuer + routes.AUTHORIZE.template,
        "pushed_authorization_request_endpoint": issuer + routes.PAR.template,
        "require_pushed_authorization_requests": False,
        "response_modes_supported": ["query"],
        "code_challenge_methods_supported": [METHOD],
        "authorization_response_iss_parameter_supported": True,
        "authorization_details_types_supported": [DETAILS_TYPE],
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
    }


def _scopes(grants: Collection[str]) -> list[Value]:
    """Return every scope that some grant gives, once."""
    return list(dict.fromkeys(scope for grant in grants for scope in _SCOPES[grant]))


def resource(issuer: str, grants: Collection[str]) -> Answer:
    """Make RFC 9728's document. Bound tokens are not required: legacy clients get bearer tokens.

    Who registers a computer opens nothing here.
    """
    content: dict[str, Value] = {
        "resource": issuer,
        "authorization_servers": [issuer],
        "scopes_supported": [one for one in _scopes(grants) if one != REGISTER_SCOPE],
        "bearer_methods_supported": ["header"],
        "dpop_signing_alg_values_supported": list(ALGORITHMS),
        "dpop_bound_access_tokens_required": False,
    }
    return Answer(200, msgspec.json.encode(content), (JSON_BARE, AN_HOUR))
