"""What a cloud says of itself (RFC 8414, RFC 9728): what is there and nothing else.

The password grant is never named (P102): who may use it knows it already.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from keyin.cloud import routes
from keyin.cloud.answers import JSON_BARE, Answer
from keyin.oauth.grants.token_exchange import GRANT_TYPE, SCOPES
from keyin.wire.jose import ALGORITHMS

if TYPE_CHECKING:
    from keyin.domain.absent import Value

AN_HOUR: Final = (b"cache-control", b"max-age=3600")
METHODS: Final = ("private_key_jwt", "client_secret_basic", "client_secret_post")
_ENDPOINTS: Final = {
    "token_endpoint": routes.OAUTH_TOKEN,
    "revocation_endpoint": routes.REVOKE,
    "introspection_endpoint": routes.INTROSPECT,
}


def server(issuer: str) -> Answer:
    """Make RFC 8414's document; no response type, since nothing here is authorized in a browser."""
    content: dict[str, Value] = {
        "issuer": issuer,
        "response_types_supported": [],
        "grant_types_supported": [GRANT_TYPE],
        "scopes_supported": list(SCOPES),
        "dpop_signing_alg_values_supported": list(ALGORITHMS),
    }
    for name, route in _ENDPOINTS.items():
        content[name] = issuer + route.template
        content[f"{name}_auth_methods_supported"] = list(METHODS)
        content[f"{name}_auth_signing_alg_values_supported"] = list(ALGORITHMS)
    return Answer(200, msgspec.json.encode(content), (JSON_BARE, AN_HOUR))


def resource(issuer: str) -> Answer:
    """Make RFC 9728's document. Bound tokens are not required: legacy clients get bearer tokens."""
    content: dict[str, Value] = {
        "resource": issuer,
        "authorization_servers": [issuer],
        "scopes_supported": list(SCOPES),
        "bearer_methods_supported": ["header"],
        "dpop_signing_alg_values_supported": list(ALGORITHMS),
        "dpop_bound_access_tokens_required": False,
    }
    return Answer(200, msgspec.json.encode(content), (JSON_BARE, AN_HOUR))
