"""One key-in from key to settings: token, the cloud's answer, the active set, the lifecycle.

The order of things, and nothing else: how each is done is behind a port. A person's key and a token
live here only as long as the call, the key of the proofs until key-out.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Final

import msgspec

from keyin.domain.errors import InvalidDocument, KeyinError, Refused
from keyin.domain.instructions import Instruction, instructions
from keyin.domain.lifecycle import with_steps
from keyin.domain.registry_trust import CloudRegistry, believed

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from keyin.domain.absent import Value
    from keyin.domain.secret import AccessToken, GpiiKey, Pin
    from keyin.session.lifecycle import Lifecycle
    from keyin.session.ports import DeviceReporter, SettingsSource, TokenSource
    from keyin.session.sender import Sender, Senders
    from keyin.session.world import Applied, Difference, Passed, Pretended, Restored

DEFAULT_SET: Final = "gpii-default"


class SessionService(msgspec.Struct, frozen=True, kw_only=True):
    """Keys in and out; the caller sees to it that only one of these runs at a time."""

    tokens: TokenSource
    senders: Senders
    cloud: SettingsSource
    device: DeviceReporter
    lifecycle: Lifecycle
    pretend: Callable[[], Pretended]
    """Makes a computer that is as this one is now, and only pretends from then on."""
    registry: Mapping[str, Any]
    """This computer's own solutions, by id."""
    cloud_registry: CloudRegistry
    """What counts of what the cloud says of a solution; the rest is `registry`'s word."""
    worry: Callable[[str, str], None]
    """Told an event and its subject that have no consequence for the person."""

    async def recover(self) -> Restored:
        """Put back what a crash left; comes before everything else."""
        return await self.lifecycle.recover()

    async def forget_all(self, *, request_id: str) -> None:
        """Let nobody keep a token that an earlier life of this process asked for (P68)."""
        await self._forget(None, request_id)

    async def key_in(self, key: GpiiKey, *, pin: Pin | None = None, request_id: str) -> Applied:
        """Make the computer what this person needs. Raises KeyinError; then nothing is changed."""
        try:
            instructions = await self._instructions(key, pin, self.senders.begin(), request_id)
            return await self.lifecycle.begin(instructions)
        except BaseException:
            self.senders.end()
            await self._forget(key, request_id)
            raise

    async def key_out(self, key: GpiiKey, *, request_id: str) -> Restored:
        """Make the computer what it was, and let nobody keep the token or its key (P68)."""
        self.senders.end()
        try:
            return await self.lifecycle.end()
        finally:
            await self._forget(key, request_id)

    async def preview(
        self, key: GpiiKey, *, pin: Pin | None = None, request_id: str
    ) -> tuple[list[Difference], list[Passed]]:
        """Tell what the key-out of whoever is in, and a key-in, would change. Raises KeyinError."""
        sender = self.senders.passing()
        try:
            instructions = await self._instructions(key, pin, sender, request_id)
            return await self.lifecycle.preview(instructions, self.pretend())
        finally:
            sender.destroy()
            await self._forget(key, request_id)

    async def preview_key_out(self) -> list[Difference]:
        """Tell what the key-out of whoever is in would change; nobody is asked."""
        differences, _ = await self.lifecycle.preview(None, self.pretend())
        return differences

    async def _instructions(
        self, key: GpiiKey, pin: Pin | None, sender: Sender, request_id: str
    ) -> dict[str, Instruction]:
        device = await self.device.report()
        asked = functools.partial(self.tokens.token, key, sender, pin=pin, request_id=request_id)
        document = await self._ask(key, asked, sender, device, request_id)
        inferred = _member(document, "matchMakerOutput", "inferredConfiguration")
        chosen = _member(inferred, DEFAULT_SET) if inferred.get(DEFAULT_SET) else {}
        sent = _member(document, "solutionsRegistryEntries")
        entries = believed(sent, self.registry, self.cloud_registry)
        made = instructions(chosen, entries, on_invalid=self._invalid)
        return {solution: with_steps(record) for solution, record in made.items()}

    def _invalid(self, solution: str, _block: str, _why: InvalidDocument) -> None:
        self.worry("rules_not_run", solution)

    async def _ask(
        self,
        key: GpiiKey,
        new_token: Callable[[], Awaitable[AccessToken]],
        sender: Sender,
        device: Mapping[str, Value],
        request_id: str,
    ) -> Mapping[str, Any]:
        token = await new_token()
        try:
            return await self.cloud.settings(token, sender, device, request_id=request_id)
        except Refused as refused:
            if refused.code != "unauthorized":
                raise
        # The cached token may have been revoked since: once more with a fresh one.
        await self.tokens.forget(key, request_id=request_id)
        token = await new_token()
        return await self.cloud.settings(token, sender, device, request_id=request_id)

    async def _forget(self, key: GpiiKey | None, request_id: str) -> None:
        try:
            await self.tokens.forget(key, request_id=request_id)
        except KeyinError:
            self.worry("token_not_forgotten", "")


def _member(document: Mapping[str, Any], *path: str) -> dict[str, Any]:
    found: Any = document
    for name in path:
        found = found.get(name) if isinstance(found, dict) else None
    if not isinstance(found, dict):
        raise InvalidDocument("the cloud's answer has no %(member)s", member=".".join(path))
    return found
