"""Clients that are no installations: web and native applications, and machine jobs.

What one of them may ask for stands in its record, which an administrator made; no request widens it
(P2). What an installation may ask for, key tokens, no application ever gets.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from keyin.domain.records import RecordId

AUTHORIZATION_CODE: Final = "authorization_code"
CLIENT_CREDENTIALS: Final = "client_credentials"
DEVICE_CODE: Final = "urn:ietf:params:oauth:grant-type:device_code"
GRANT_TYPES: Final = (AUTHORIZATION_CODE, CLIENT_CREDENTIALS, DEVICE_CODE)

ACCOUNT_READ: Final = "account:read"
INSTALLATIONS_READ: Final = "installations:read"
SCOPES: Final = (ACCOUNT_READ, INSTALLATIONS_READ)


class AuthMethod(StrEnum):
    """How a client proves itself at `/oauth2`: one way a client (P59)."""

    NONE = "none"
    """It cannot: a public client, which only names itself. No new one but `keyin-enrol`."""
    PRIVATE_KEY_JWT = "private_key_jwt"
    CLIENT_SECRET_BASIC = "client_secret_basic"  # noqa: S105 - a name of RFC 7591
    CLIENT_SECRET_POST = "client_secret_post"  # noqa: S105 - a name of RFC 7591

    @property
    def by_secret(self) -> bool:
        """Tell whether it is a shared secret, wherever it stands in the request."""
        return self in {AuthMethod.CLIENT_SECRET_BASIC, AuthMethod.CLIENT_SECRET_POST}


class Application(msgspec.Struct, frozen=True, kw_only=True):
    """What the record of an application says beside its client and credential."""

    credential_id: RecordId
    auth_method: AuthMethod
    native: bool
    """It runs on a person's computer: loopback addresses with any port are its (RFC 8252 §7.3)."""
    redirect_uris: tuple[str, ...]
    grant_types: tuple[str, ...]
    scopes: tuple[str, ...]
    par_required: bool
    """Its authorization requests come through `/oauth2/par` (RFC 9126 §6)."""
    typ_required: bool
    """Its assertions say `client-authentication+jwt`; else `JWT`, or nothing, is taken too."""
