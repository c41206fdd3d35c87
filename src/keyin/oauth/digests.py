"""Comparing a presented value with a stored digest, with the same work whatever comes out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keyin.domain.secret import equal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keyin.domain.records import Digest


def matches(presented: Sequence[Digest], stored: Digest) -> bool:
    """Tell whether any of the presented value's digests is the stored one; looks at all."""
    return sum([equal(digest, stored) for digest in presented]) > 0
