"""One key-in from key to settings: token, the cloud's answer, the active set, the lifecycle.

The order of things, and nothing else: how each is done is behind a port. A key and a token live
here only as long as the call.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from keyin.domain.errors import InvalidDocument, KeyinError, Refused
from keyin.domain.instructions import lifecycle_instructions

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from keyin.domain.absent import Value
    from keyin.domain.secret import GpiiKey
    from keyin.session.lifecycle import Lifecycle
    from keyin.session.ports import DeviceReporter, SettingsSource, TokenSource
    from keyin.session.world import Applied, Difference, Passed, Restored

DEFAULT_SET: Final = "gpii-default"


class SessionService:
    """Keys in and out; the caller sees to it that only one of these runs at a time."""

    def __init__(
        self,
        *,
        tokens: TokenSource,
        cloud: SettingsSource,
        device: DeviceReporter,
        lifecycle: Lifecycle,
        registry: Mapping[str, Any],
        trust_cloud_registry: bool,
        worry: Callable[[str, KeyinError], None],
    ) -> None:
        """`registry` is this computer's own; `worry` is told what failed without consequence."""
        self._tokens = tokens
        self._cloud = cloud
        self._device = device
        self._lifecycle = lifecycle
        self._registry = registry
        self._trust_cloud_registry = trust_cloud_registry
        self._worry = worry

    async def recover(self) -> Restored:
        """Put back what a crash left; comes before everything else."""
        return await self._lifecycle.recover()

    async def key_in(self, key: GpiiKey, *, request_id: str) -> Applied:
        """Make the computer what this person needs. Raises KeyinError; then nothing is changed."""
        try:
            instructions = await self._instructions(key, request_id)
            return await self._lifecycle.begin(instructions)
        except BaseException:
            await self._forget(key, request_id)
            raise

    async def key_out(self, key: GpiiKey, *, request_id: str) -> Restored:
        """Make the computer what it was, and let nobody keep the token (P68)."""
        try:
            return await self._lifecycle.end()
        finally:
            await self._forget(key, request_id)

    async def preview(
        self, key: GpiiKey, *, request_id: str
    ) -> tuple[list[Difference], list[Passed]]:
        """Tell what `key_in` would change. Raises KeyinError."""
        try:
            instructions = await self._instructions(key, request_id)
            return await self._lifecycle.preview(instructions)
        finally:
            await self._forget(key, request_id)

    async def _instructions(self, key: GpiiKey, request_id: str) -> Mapping[str, Any]:
        device = await self._device.report()
        document = await self._ask(key, device, request_id)
        inferred = _member(document, "matchMakerOutput", "inferredConfiguration")
        active = inferred.get(DEFAULT_SET, {})
        entries = _member(document, "solutionsRegistryEntries")
        if not self._trust_cloud_registry:
            entries = {name: self._registry[name] for name in entries if name in self._registry}
        return lifecycle_instructions(active, entries)

    async def _ask(
        self, key: GpiiKey, device: Mapping[str, Value], request_id: str
    ) -> Mapping[str, Any]:
        token = await self._tokens.token(key, request_id=request_id)
        try:
            return await self._cloud.settings(key, token, device, request_id=request_id)
        except Refused as refused:
            if refused.code != "unauthorized":
                raise
        # The cached token may have been revoked since: once more with a fresh one.
        await self._tokens.forget(key, request_id=request_id)
        token = await self._tokens.token(key, request_id=request_id)
        return await self._cloud.settings(key, token, device, request_id=request_id)

    async def _forget(self, key: GpiiKey, request_id: str) -> None:
        try:
            await self._tokens.forget(key, request_id=request_id)
        except KeyinError as error:
            self._worry("token_not_forgotten", error)


def _member(document: Mapping[str, Any], *path: str) -> dict[str, Any]:
    found: Any = document
    for name in path:
        found = found.get(name) if isinstance(found, dict) else None
    if not isinstance(found, dict):
        raise InvalidDocument("the cloud's answer has no %(member)s", member=".".join(path))
    return found
