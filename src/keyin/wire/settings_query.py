"""`POST /settings/query`: what a computer asks the cloud for, and what it is told.

No key stands in either: the token says whose settings are meant. Nor do the registry's entries;
their digest does, and `GET /solutions/{digest}` gives the whole registry to who has not got it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keyin.domain.absent import Value


class Query(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of the question."""

    device: dict[str, Any]
    """`{"OS": {"id"}, "solutions": [{"id", "version"?}]}`, as `domain.device` reads it."""


class Answered(msgspec.Struct, frozen=True, rename="camel"):
    """The body of the answer."""

    preferences: dict[str, Any]
    match_maker_output: dict[str, Any]
    solutions: str | None = None
    """The SHA-256 of the operating system's registry, in hexadecimal; None: there is none."""


def question(device: Mapping[str, Value]) -> bytes:
    """Write a question."""
    return msgspec.json.encode(Query(device=dict(device)))
