"""Credentials that everybody knows, since they stand in the original's public test data.

O13: one of them was the original's fallback. They open nothing outside a loopback test.
"""

from __future__ import annotations

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


def is_published(client_id: str, secret: ClientSecret) -> bool:
    """Tell whether the id or the secret is one that everybody knows."""
    known = [equal(secret.reveal(), published) for published in _PUBLISHED_SECRETS]
    return client_id in PUBLISHED_CLIENT_IDS or any(known)
