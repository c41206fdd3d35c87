"""The tables whose rows end by themselves: what every store in SQL sweeps.

tests/conformance/test_sweeping.py compares the list with the schemas.
"""

from __future__ import annotations

from typing import Final

import msgspec


class Expiring(msgspec.Struct, frozen=True):
    """A table, the column that says when a row ends, and its primary key."""

    table: str
    end: str
    key: tuple[str, ...] = ("digest",)


TOKENS: Final = "tokens"
PROOFS: Final = "jti_seen"
EXPIRING: Final = {
    one.table: one
    for one in (
        Expiring("sessions", "expires"),
        Expiring("pushed_requests", "expires"),
        Expiring("questions", "expires"),
        Expiring("codes", "kept_until"),
        Expiring("device_requests", "expires"),
        Expiring("quota_buckets", "full_at", ("name",)),
        Expiring("quota_members", "until", ("name", "member")),
        Expiring("key_places", "until", ("key_digest", "client_id")),
    )
}
