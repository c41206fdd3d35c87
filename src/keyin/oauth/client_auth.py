"""Client authentication at the token endpoint (RFC 6749 §2.3.1, in the body only).

An unknown client and a wrong secret cost the same: one lookup, one keyed digest of what was
presented, one comparison per pepper.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from keyin.domain.records import NO_SECRET, Client, Credential, Status, StoppedBy
from keyin.oauth.digests import matches
from keyin.oauth.errors import Reason, Refusal, no_credentials, unauthorized
from keyin.oauth.parameters import Parameters, present, text

if TYPE_CHECKING:
    from keyin.oauth.ports import Credentials, Peppers


class Authenticated(msgspec.Struct, frozen=True, kw_only=True):
    """A client that proved its secret."""

    client: Client
    credential: Credential


async def authenticate(
    parameters: Parameters, *, credentials: Credentials, peppers: Peppers
) -> Authenticated | Refusal:
    """Find the client and check its secret. Raises StoreUnavailable."""
    client_id, secret = parameters.get("client_id"), parameters.get("client_secret")
    if not (present(client_id) and present(secret)):
        return no_credentials()
    named, shown = text(client_id), text(secret)
    found = await credentials.find_credential(named or "")
    presented = peppers.digests("secret", shown or "")
    proven = matches(presented, found[0].secret_digest if found else NO_SECRET)
    if found is None or named is None:
        return unauthorized(Reason.UNKNOWN_CLIENT)
    if not proven or shown is None:
        return unauthorized(Reason.WRONG_SECRET)
    credential, client = found
    if credential.status is not Status.ACTIVE:
        return unauthorized(Reason.CREDENTIAL_NOT_ACTIVE)
    if client is None or client.status is not Status.ACTIVE:
        return unauthorized(why_not_active(client))
    return Authenticated(client=client, credential=credential)


def why_not_active(client: Client | None) -> Reason:
    """Say what keeps a client out that is not active: itself, its site or its software."""
    by = client.stopped_by if client is not None else None
    if by is StoppedBy.SITE:
        return Reason.SITE_NOT_ACTIVE
    return Reason.SOFTWARE_NOT_ACTIVE if by else Reason.CLIENT_NOT_ACTIVE
