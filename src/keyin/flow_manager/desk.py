"""What both doors, the control socket and HTTP, hand their requests to."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING

from keyin.domain.keyin import NO_USER, RESET, Kind
from keyin.wire import session as wire

if TYPE_CHECKING:
    from keyin.domain.environment import Entropy
    from keyin.domain.secret import GpiiKey, Pin
    from keyin.session.lifecycle import Lifecycle
    from keyin.session.queue import Done, KeyEventQueue
    from keyin.session.service import SessionService
    from keyin.session.world import Difference, Passed


class Desk:
    """One per process."""

    def __init__(
        self,
        *,
        queue: KeyEventQueue,
        sessions: SessionService,
        lifecycle: Lifecycle,
        entropy: Entropy,
    ) -> None:
        self._queue = queue
        self._sessions = sessions
        self._lifecycle = lifecycle
        self._entropy = entropy

    def new_request_id(self) -> str:
        """Name a request; the name goes with it to the requester and the cloud."""
        return self._entropy.token_bytes(12).hex()

    async def submit(
        self, kind: Kind, key: GpiiKey | None, *, pin: Pin | None = None, request_id: str
    ) -> Done:
        """Stand in line. Raises KeyinError."""
        return await self._queue.submit(kind, key, pin=pin, request_id=request_id)

    async def preview(
        self, key: GpiiKey, *, pin: Pin | None = None, request_id: str
    ) -> tuple[list[Difference], list[Passed]]:
        """Say what a login would change; needs no place in line. Raises KeyinError."""
        if key in (NO_USER, RESET):
            return await self._sessions.preview_key_out(), []
        return await self._sessions.preview(key, pin=pin, request_id=request_id)

    def active(self) -> GpiiKey:
        """Return who is keyed in."""
        return self._queue.state.active or NO_USER

    def state(self) -> wire.State:
        """Say how things are."""
        state = self._queue.state
        change = state.change
        return wire.State(
            keyed_in=self.active() != NO_USER,
            busy=change is not None and change.in_progress,
            waiting=self._queue.waiting,
            since=None if change is None else change.at,
            not_restored=self._lifecycle.open_journals,
            version=version("keyin"),
        )
