"""The part of the forgetful store that keeps solutions registries."""

from __future__ import annotations


class MemoryRegistries:
    """What a method does stands with its port, settings.ports.Registries."""

    def __init__(self) -> None:
        super().__init__()
        self._registries: dict[str, bytes] = {}
        self._registries_version = 0

    async def put_registry(self, os_id: str, canonical_json: bytes) -> None:
        """See Registries."""
        self._registries[os_id] = canonical_json
        self._registries_version += 1

    async def registries_version(self, *, at_grant: bool = False) -> int:  # noqa: ARG002 - the port's
        """See Registries."""
        return self._registries_version

    async def registries(self) -> dict[str, bytes]:
        """See Registries."""
        return dict(self._registries)
