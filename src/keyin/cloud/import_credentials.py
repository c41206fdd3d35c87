"""Credentials of an import, looked at together: secrets from elsewhere, limits nobody meets.

Decides what is told of a credential that is taken in; whether it is taken is decided elsewhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from keyin.domain.errors import InvalidDocument
from keyin.domain.networks import parse_network

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from keyin.cloud.import_sources import Place
    from keyin.wire.documents import CredentialDocument


def with_secrets(
    credentials: Sequence[tuple[Place, CredentialDocument]],
) -> list[tuple[Place, CredentialDocument]]:
    """Give a credential without a secret that of another document of the same credential.

    An export holds no secret; who still has the original's document may give both. What was
    exported comes first, for it is newer; a revocation in either counts (`oauth.ports.Enrolments`).
    """
    secrets = {
        _name(one): one.oauth2_client_secret for _, one in credentials if one.oauth2_client_secret
    }
    completed, others = [], []
    for place, one in credentials:
        secret = secrets.get(_name(one))
        if secret and not one.oauth2_client_secret:
            completed.append((place, replace(one, oauth2_client_secret=secret)))
        else:
            others.append((place, one))
    return [*completed, *others]


def doubts(document: CredentialDocument) -> Iterator[InvalidDocument]:
    """Tell what in its limits can never be met, without quoting it."""
    networks, writable = document.allowed_ip_blocks, document.allowed_prefs_to_write
    if isinstance(networks, str):
        networks = [networks]
    if not _is_list_or_null(networks):
        yield InvalidDocument("its allowedIPBlocks is no list of texts: it may ask from nowhere")
    elif networks is not None:
        odd = [number for number, one in enumerate(networks, 1) if parse_network(one) is None]
        if odd:
            yield InvalidDocument(
                "%(count)s of %(of)s entries in its allowedIPBlocks match no address, "
                "the first is number %(first)s",
                count=len(odd),
                of=len(networks),
                first=odd[0],
            )
    if not _is_list_or_null(writable):
        yield InvalidDocument("its allowedPrefsToWrite is no list of texts: it may write nothing")


def _name(document: CredentialDocument) -> tuple[str, str]:
    return document.id, document.oauth2_client_id


def _is_list_or_null(value: object) -> bool:
    """Tell whether the value is what the original allows (cloud-wire §6.5)."""
    return value is None or (isinstance(value, list) and all(isinstance(one, str) for one in value))
