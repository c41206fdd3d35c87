"""Reads a document that somebody sends: JSON, its outline, the values of its terms (§8)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keyin.domain.errors import InvalidDocument
from keyin.settings.errors import Rejected, Why
from keyin.settings.payload import is_object, violations
from keyin.wire.strict_json import decode

if TYPE_CHECKING:
    from keyin.domain.ontologies import PreferenceSets
    from keyin.settings.codex import Codex


def read_sets(body: bytes, codex: Codex) -> PreferenceSets:
    """Return the document. Raises Rejected with the first thing that is wrong with it."""
    try:
        document = decode(body)
    except InvalidDocument as error:
        raise Rejected(Why.BODY_UNREADABLE) from error
    found = violations(document) or codex.violations(document)
    if found or not is_object(document):
        raise Rejected(Why.BODY_INVALID, found)
    return document
