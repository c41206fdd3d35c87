"""What one installation proves itself with, and the credentials that everybody knows.

Secrets that everybody knows stand in the original's public test data; one was its fallback (O13).
Keys that everybody knows are the examples of the RFCs. They open nothing outside a loopback test.
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64encode
from typing import Final

import msgspec

from keyin.domain.secret import ClientSecret, PrivateKey, equal

_SUFFIXES: Final = ("", "-schemaV0.1", "-failInIpVerification", "-failInAllowedPrefsToWrite")
_COMPUTERS: Final = ("pilot-computer", "nova-computer")

PUBLISHED_CLIENT_IDS: Final = frozenset(
    computer + suffix for computer in _COMPUTERS for suffix in _SUFFIXES
)
_PUBLISHED_SECRETS: Final = tuple(
    f"{computer}-secret{suffix}" for computer in _COMPUTERS for suffix in _SUFFIXES
)
_PUBLISHED_KEYS: Final = (
    "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI",  # RFC 7515, A.3
    "870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE",  # RFC 7517, A.2
    "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",  # RFC 8037, A.1
)
_APPLICATION_KEY: Final = b"keyin installation id, version 1"
"""Known to everybody: it keeps the machine id itself at home, and ids of programs apart."""


def installation_id(machine_id: str) -> str:
    """Return by what the cloud knows copies of one system; an identifier, and no proof (P49).

    HMAC-SHA256, base64url without padding: 43 characters.
    """
    digest = hmac.digest(_APPLICATION_KEY, machine_id.strip().lower().encode(), "sha256")
    return urlsafe_b64encode(digest).rstrip(b"=").decode()


class InstallationCredential(msgspec.Struct, frozen=True):
    """An installation's `client_id` and the private key that goes with it."""

    client_id: str
    private_key: PrivateKey


def is_published(credential: InstallationCredential) -> bool:
    """Tell whether the id or the private key is one that everybody knows."""
    jwk = credential.private_key.reveal()
    return credential.client_id in PUBLISHED_CLIENT_IDS or any(
        key in jwk for key in _PUBLISHED_KEYS
    )


def is_published_secret(client_id: str, secret: ClientSecret) -> bool:
    """Tell whether the id or the secret of a legacy client is one that everybody knows."""
    known = [equal(secret.reveal(), published) for published in _PUBLISHED_SECRETS]
    return client_id in PUBLISHED_CLIENT_IDS or any(known)


def published_secrets() -> tuple[str, ...]:
    """Return the secrets that everybody knows, for who looks for them by their digests."""
    return _PUBLISHED_SECRETS
