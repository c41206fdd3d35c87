"""Used proofs: of two workers that are given the same, one comes first: a unique index knows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from keyin.stores.postgres.lookups import Lookup
from keyin.stores.postgres.part import PostgresPart

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keyin.domain.environment import Millis
    from keyin.domain.events import Event
    from keyin.domain.records import ProofUse

_CAME: Final = Lookup("SELECT digest, namespace, digest FROM jti_seen WHERE digest = any($1)")


class PostgresReplays(PostgresPart):
    """What a method does stands with its port in `oauth.ports`."""

    async def remember(self, uses: Sequence[ProofUse], *, now: Millis) -> bool:  # noqa: ARG002 - the port's
        """See Replays."""
        return await self._writer.tell(None, None, uses) is None

    async def spend(
        self, uses: Sequence[ProofUse], *, event: Event | None = None
    ) -> ProofUse | None:
        """See Replays."""
        return await self._writer.tell(event, None, uses)

    async def came_before(self, uses: Sequence[ProofUse]) -> ProofUse | None:
        """See Replays."""
        found = await self._lookups.rows(_CAME, [use.digest for use in uses])
        return next((use for use in uses if (use.namespace, use.digest) in found), None)
