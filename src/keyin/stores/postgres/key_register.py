"""GPII keys as an administrator changes them; each change with its event."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from keyin.stores import key_policies, rows
from keyin.stores.postgres.part import PostgresPart
from keyin.stores.postgres.statements import insert

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keyin.domain.environment import Millis
    from keyin.domain.events import Event
    from keyin.domain.key_policy import KeyPolicy
    from keyin.domain.records import Digest, Key

_ADD: Final = f"{insert('keys', rows.KEY)} ON CONFLICT DO NOTHING"
_SET_POLICY: Final = (
    "UPDATE keys SET policy = $2, epoch = epoch + 1, updated = $3 WHERE digest = any($1::text[])"
)


class PostgresKeyRegister(PostgresPart):
    """What a method does stands with its port, oauth.admin_keys."""

    async def add_key(self, key: Key, *, event: Event) -> bool:
        """See Store."""
        return await self._told(event, _ADD, *rows.key_row(key))

    async def set_key_policy(
        self, digests: Sequence[Digest], policy: KeyPolicy | None, *, now: Millis, event: Event
    ) -> bool:
        """See Store."""
        text = None if policy is None else key_policies.text(policy)
        return await self._told(event, _SET_POLICY, list(digests), text, now)
