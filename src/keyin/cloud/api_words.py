"""What each route is for, takes and gives, in words and JSON Schema: `cloud.openapi` reads this.

Beside the table of routes, so that a route without words fails a test, and words without a route.
What every route of a kind has in common (refusals, who may come) is not repeated here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from keyin.cloud.page_words import PAGE_WORDS
from keyin.cloud.registration_words import REGISTRATION_WORDS
from keyin.cloud.words import (
    ANY,
    ASKED_OF_A_PERSON,
    FORM,
    JSON,
    SECONDS,
    STRING,
    STRINGS,
    TEXT,
    YES_OR_NO,
    Words,
    an_object,
    text,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keyin.cloud.words import Schema

CLIENT: Final[dict[str, Schema]] = {
    "client_id": STRING,
    "client_secret": STRING,
    "client_assertion": STRING,
    "client_assertion_type": text("urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
}
TOKEN: Final = an_object(
    {"access_token": STRING, "token_type": text("DPoP", "Bearer"), "expires_in": SECONDS},
    scope=STRING,
    issued_token_type=STRING,
    authorization_details={"type": "array"},
)
SETTINGS: Final[dict[str, Schema]] = {"preferences": ANY, "matchMakerOutput": ANY}
PREFERENCES: Final = an_object(
    {
        "contexts": {
            "type": "object",
            "additionalProperties": an_object({"preferences": ANY}, name=STRING),
        }
    }
)
METADATA: Final = an_object(
    {"issuer": STRING, "token_endpoint": STRING, "grant_types_supported": STRINGS}
)

WORDS: Final[Mapping[str, Words]] = {
    "POST /access_token": Words(
        summary="A token for a GPII key, as the original's clients ask for it (deprecated)",
        takes=an_object(
            {
                "grant_type": text("password"),
                "client_id": STRING,
                "client_secret": STRING,
                "username": STRING,
                "password": STRING,
            }
        ),
        media=(FORM, JSON),
        gives=an_object(
            {
                "access_token": STRING,
                "token_type": text("Bearer"),
                "expires_in": SECONDS,
                "expiresIn": SECONDS,
            }
        ),
        refusals=(501,),
    ),
    "OPTIONS /access_token": Words(summary="Which methods there are", as_=TEXT),
    "GET /{key}/settings/{device}": Words(
        summary="What a computer should become for a key, as the original's clients ask for it",
        gives=an_object(
            {"gpiiKey": STRING, "solutionsRegistryEntries": ANY, **SETTINGS},
        ),
    ),
    "PUT /{key}/settings": Words(
        summary="Save preferences of a key, as the original's clients do",
        takes=PREFERENCES,
        media=(JSON,),
        gives=an_object({"gpiiKey": STRING, "message": STRING}),
        refusals=(409,),
    ),
    "POST /settings/query": Words(
        summary="What this computer should become for the token's own key",
        takes=an_object({"device": ANY}),
        media=(JSON,),
        gives=an_object({"solutions": {"type": ["string", "null"]}, **SETTINGS}),
    ),
    "PUT /settings": Words(
        summary="Save preferences of the token's own key",
        takes=PREFERENCES,
        media=(JSON,),
        gives=an_object({"message": STRING}),
        refusals=(409,),
    ),
    "GET /solutions/{digest}": Words(
        summary="A whole solutions registry, by the SHA-256 of its text", gives=ANY
    ),
    "GET /health": Words(
        summary="Whether the process answers", gives=an_object({"isHealthy": YES_OR_NO})
    ),
    "GET /ready": Words(
        summary="Whether the store answers too", gives=an_object({"isReady": YES_OR_NO})
    ),
    "GET /preferences/{key}": Words(
        summary="A key's preference sets, in one ontology",
        query={"view": False},
        gives=an_object({"contexts": ANY}),
        refusals=(404,),
    ),
    "POST /preferences": Words(
        summary="Keep preference sets under a new key",
        takes=PREFERENCES,
        media=(JSON,),
        query={"view": False},
        gives=an_object({"gpiiKey": STRING, "preferences": PREFERENCES}),
        refusals=(400,),
    ),
    "PUT /preferences/{key}": Words(
        summary="Replace what a key has in one ontology, or merge over it; make the key",
        takes=PREFERENCES,
        media=(JSON,),
        query={"view": False, "merge": False},
        gives=an_object({"gpiiKey": STRING}, preferences=PREFERENCES),
        refusals=(400, 404, 409),
    ),
    "GET /revision": Words(
        summary="Which revision runs", gives=an_object({"sha256": STRING}), refusals=(404,)
    ),
    "GET /metrics": Words(summary="Counts of answers, in Prometheus' text format", as_=TEXT),
    "GET /openapi.json": Words(
        summary="This description", gives=an_object({"openapi": STRING, "paths": ANY})
    ),
    "POST /oauth2/token": Words(
        summary="A token for a GPII key, for what a person gave, or for a machine job",
        takes=an_object(
            {"grant_type": STRING},
            **CLIENT,
            subject_token=STRING,
            subject_token_type=text("urn:gpii:params:oauth:token-type:gpii-key"),
            scope=STRING,
            code=STRING,
            code_verifier=STRING,
            redirect_uri=STRING,
            device_code=STRING,
        ),
        gives=TOKEN,
    ),
    "POST /oauth2/revoke": Words(
        summary="End a token (RFC 7009)",
        takes=an_object({"token": STRING}, token_type_hint=STRING, **CLIENT),
        as_=None,
    ),
    "POST /oauth2/introspect": Words(
        summary="What a client may know of its own token (RFC 7662)",
        takes=an_object({"token": STRING}, token_type_hint=STRING, **CLIENT),
        gives=an_object({"active": YES_OR_NO}),
    ),
    **REGISTRATION_WORDS,
    "POST /oauth2/par": Words(
        summary="Bring a wish before a browser sees any of it (RFC 9126)",
        takes=an_object(dict.fromkeys(ASKED_OF_A_PERSON[:3], STRING), **CLIENT)
        | {"additionalProperties": STRING},
        gives=an_object({"request_uri": STRING, "expires_in": SECONDS}),
        ok=(201,),
    ),
    "POST /oauth2/device_authorization": Words(
        summary="A code for a person to type in elsewhere (RFC 8628); off until switched on",
        takes=an_object({"scope": STRING}, authorization_details=STRING, **CLIENT),
        gives=an_object({"device_code": STRING, "user_code": STRING, "verification_uri": STRING}),
    ),
    "GET /.well-known/oauth-authorization-server": Words(
        summary="What this server speaks (RFC 8414)", gives=METADATA
    ),
    "GET /.well-known/oauth-protected-resource": Words(
        summary="Whose tokens open the settings (RFC 9728)",
        gives=an_object({"resource": STRING, "authorization_servers": STRINGS}),
    ),
    "GET /api/v1/account": Words(
        summary="Whose account the token is for", gives=an_object({"sub": STRING, "name": STRING})
    ),
    "GET /api/v1/installations": Words(
        summary="The computers of the client's own site",
        query={"after": False},
        gives=an_object({"installations": {"type": "array"}}),
        refusals=(400,),
    ),
    **PAGE_WORDS,
}
