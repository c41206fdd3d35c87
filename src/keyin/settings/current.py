"""Registries and the codex made of them, as the store has them now.

Whoever is about to use them looks first. Where a registry was put since, by this process or by
another one, all are read anew, and whoever has these objects sees the new ones.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from keyin.domain.errors import InvalidDocument, StoreUnavailable
from keyin.settings.codex import Codex
from keyin.settings.registry import Registries

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from keyin.settings.ports import Registries as Stored


class Current:
    """What the settings services know of solutions."""

    def __init__(
        self,
        stored: Stored,
        own: Iterable[tuple[str, bytes]],
        terms: Mapping[str, Mapping[str, Any]],
    ) -> None:
        """`own` applies where the store has none; `terms` are the schemas of common terms."""
        self._stored = stored
        self._own = tuple(own)
        self._terms = terms
        self._version: int | None = None
        self.registries = Registries({})
        self.codex = Codex(terms, ())

    async def look(self) -> None:
        """Read what was put since the last look. Raises InvalidDocument at the first look only.

        Later ones raise StoreUnavailable: what stands in the store is not what was let in there.
        """
        version = await self._stored.registries_version()
        if version != self._version:
            await self._read(version)

    async def look_at_grant(self) -> None:
        """Do as `look`, in a request that has just found its grant. Raises StoreUnavailable."""
        version = await self._stored.registries_version(at_grant=True)
        if version != self._version:
            await self._read(version)

    async def _read(self, version: int) -> None:
        stored = await self._stored.registries()
        try:
            newer = Registries.read(stored.items() if stored else self._own)
        except InvalidDocument as error:
            if self._version is None:
                raise
            raise StoreUnavailable("a stored registry cannot be read") from error
        self.registries.become(newer)
        self.codex.become(Codex(self._terms, newer.all()))
        self._version = version
