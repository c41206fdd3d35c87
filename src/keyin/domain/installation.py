"""What one installation proves itself with, and the credentials that everybody knows.

Those stand in the original's public test data; one was its fallback (O13). They open nothing
outside a loopback test.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from keyin.domain.secret import ClientSecret, equal

_SUFFIXES: Final = ("", "-schemaV0.1", "-failInIpVerification", "-failInAllowedPrefsToWrite")
_COMPUTERS: Final = ("pilot-computer", "nova-computer")

PUBLISHED_CLIENT_IDS: Final = frozenset(
    computer + suffix for computer in _COMPUTERS for suffix in _SUFFIXES
)
_PUBLISHED_SECRETS: Final = tuple(
    f"{computer}-secret{suffix}" for computer in _COMPUTERS for suffix in _SUFFIXES
)


@dataclass(frozen=True, slots=True)
class InstallationCredential:
    """An installation's `client_id` and secret."""

    client_id: str
    secret: ClientSecret


def is_published(credential: InstallationCredential) -> bool:
    """Tell whether the id or the secret is one that everybody knows."""
    known = [equal(credential.secret.reveal(), published) for published in _PUBLISHED_SECRETS]
    return credential.client_id in PUBLISHED_CLIENT_IDS or any(known)
