"""The words of the routes where computers register themselves: see `cloud.api_words`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from keyin.cloud.words import ANY, JSON, SECONDS, STRING, STRINGS, Words, an_object, text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keyin.cloud.words import Schema

_KEYS: Final[Schema] = {"type": "object", "required": ["keys"]}
_ASKED: Final[dict[str, Schema]] = {
    "client_name": STRING,
    "scope": STRING,
    "software_id": STRING,
    "software_version": STRING,
    "software_statement": STRING,
    "gpii_computer_type": STRING,
    "gpii_installation_id": STRING,
}
_TOLD: Final = an_object(
    {
        "client_id": STRING,
        "client_id_issued_at": SECONDS,
        "registration_access_token": STRING,
        "registration_client_uri": STRING,
        "jwks": _KEYS,
        "scope": STRING,
        "gpii_status": text("pending", "active"),
        "gpii_policy": ANY,
    },
    gpii_flags=STRINGS,
    gpii_activate_by=SECONDS,
    gpii_site=STRING,
    keyin_registration_certificate=STRING,
)

REGISTRATION_WORDS: Final[Mapping[str, Words]] = {
    "GET /oauth2/jwks": Words(
        summary="The public keys that enrolment files and certificates verify with", gives=_KEYS
    ),
    "POST /oauth2/register": Words(
        summary="A computer registers its public key (RFC 7591)",
        takes=an_object({"jwks": _KEYS}, **_ASKED),
        media=(JSON,),
        gives=_TOLD,
        ok=(201,),
        refusals=(400,),
    ),
    "GET /oauth2/register/{client_id}": Words(
        summary="What a computer is registered as (RFC 7592)", gives=_TOLD
    ),
    "PUT /oauth2/register/{client_id}": Words(
        summary="A computer replaces what it is registered as: its name, its key",
        takes=an_object({"client_id": STRING, "jwks": _KEYS}, keyin_key_proofs=STRINGS, **_ASKED),
        media=(JSON,),
        gives=_TOLD,
        refusals=(400,),
    ),
    "DELETE /oauth2/register/{client_id}": Words(
        summary="A computer ends its registration", as_=None, ok=(204,)
    ),
}
