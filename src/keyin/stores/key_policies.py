"""A key's policy as text in its row: JSON with a closed set of members."""

from __future__ import annotations

from functools import lru_cache

import msgspec

from keyin.domain.key_policy import KeyPolicy
from keyin.domain.records import UNRESTRICTED, Digest, Unrestricted


class _Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    pin: str | None = None
    sites: tuple[str, ...] | None = None
    machines: int | None = None
    read_only: bool = False


@lru_cache(maxsize=1024)
def read(text: str) -> KeyPolicy:
    """Return the policy that `text` wrote."""
    row = msgspec.json.decode(text, type=_Row)
    return KeyPolicy(
        pin=None if row.pin is None else Digest(row.pin),
        sites=UNRESTRICTED if row.sites is None else row.sites,
        machines=row.machines,
        read_only=row.read_only,
    )


def text(policy: KeyPolicy) -> str:
    """Return the policy as JSON."""
    sites = None if isinstance(policy.sites, Unrestricted) else policy.sites
    row = _Row(policy.pin, sites, policy.machines, policy.read_only)
    return msgspec.json.encode(row).decode()
