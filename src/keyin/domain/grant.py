"""What an authenticated request may do: what services are given in place of a token.

Deny first: a `Grant` is built in one place (`oauth.bearer`); everything else is a denial.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from keyin.domain.records import CredentialPolicy, Digest, Lineage, RecordId, Safe
    from keyin.domain.secret import GpiiKey

SETTINGS_AUDIENCE: Final = "settings"
"""The audience of tokens that open the settings endpoints."""

ACCOUNT_AUDIENCE: Final = "account"
"""Of tokens that open a person's account (RFC 6749 §4.1)."""

OPERATIONS_AUDIENCE: Final = "operations"
"""Of tokens that a machine job gets for itself (RFC 6749 §4.4)."""

SETTINGS_SCOPE: Final = "settings:read settings:write"
"""Every token of the GPII-key grant may read and write, as the original's (cloud-wire §4.2)."""


class Grant(msgspec.Struct, frozen=True, kw_only=True):
    """One key, opened by one client, within that client's policy as it is now."""

    key: GpiiKey | None
    """None: the request named none, and the cloud knows the token's own by its digest only."""
    key_digests: tuple[Digest, ...]
    """Of the key, newest pepper first; the first is what new records are stored under."""
    client_id: RecordId
    credential_id: RecordId
    policy: CredentialPolicy
    lineage: Lineage
    safe: Safe | None = None
    """The key's safe as it was when the grant was found; None: it is to be looked for."""
