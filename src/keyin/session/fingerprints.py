"""Recognises a value without keeping it: what the journal holds of what key-in wrote."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from keyin.domain.absent import Absent

if TYPE_CHECKING:
    from keyin.domain.absent import Value
    from keyin.session.records import SessionId


def fingerprint(session: SessionId, value: Value | Absent) -> str:
    """Digest a value; equal JSON values have equal fingerprints within one session."""
    text = "" if isinstance(value, Absent) else json.dumps(_plain(value), sort_keys=True)
    return hashlib.sha256(f"{session}\0{text}".encode()).hexdigest()[:32]


def _plain(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    # 2 and 2.0 are one JSON number; a mechanism may hand back either.
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {str(name): _plain(member) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(member) for member in value]
    return value
