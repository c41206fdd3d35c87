"""One key event at a time: the line in which logins and logouts wait.

What an event does is decided when its turn comes (`domain.keyin.plan`). An event whose asker has
gone is carried out all the same: half a login helps nobody.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

import msgspec

from keyin.domain import keyin as machine
from keyin.domain.errors import HandlerFailed, Refused
from keyin.domain.keyin import NO_USER, RESET, KeyEvent, KeyInState, Kind, Step
from keyin.session.world import Applied, Restored

if TYPE_CHECKING:
    from keyin.domain.environment import Clock
    from keyin.domain.secret import GpiiKey, Pin


class Sessions(Protocol):
    """What carries a decision out."""

    async def key_in(self, key: GpiiKey, *, pin: Pin | None, request_id: str) -> Applied:
        """Make the computer what this person needs. Raises KeyinError; then nothing is changed."""
        ...

    async def key_out(self, key: GpiiKey, *, request_id: str) -> Restored:
        """Make the computer what it was."""
        ...


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """What an event did. `answer` is None for the reset key."""

    answer: Kind | None
    applied: Applied
    restored: Restored


class _Waiting(msgspec.Struct, frozen=True, kw_only=True):
    event: KeyEvent
    pin: Pin | None
    request_id: str
    done: asyncio.Future[Done]


class KeyEventQueue:
    """Holds the key-in state and the line before it."""

    def __init__(self, sessions: Sessions, clock: Clock) -> None:
        self._sessions = sessions
        self._clock = clock
        self._line: asyncio.Queue[_Waiting] = asyncio.Queue()
        self._worker: asyncio.Task[None] | None = None
        self._closed = False
        self.state = KeyInState()

    @property
    def waiting(self) -> int:
        """How many events stand in line."""
        return self._line.qsize()

    def start(self) -> None:
        """Begin to serve the line; nobody is keyed in."""
        self._nobody()
        self._worker = asyncio.get_running_loop().create_task(self._serve())

    async def submit(
        self, kind: Kind, key: GpiiKey | None, *, pin: Pin | None = None, request_id: str
    ) -> Done:
        """Wait in line and be served. Raises KeyinError."""
        if self._closed:
            raise _ending()
        event = KeyEvent(kind=kind, key=key, arrived=self._clock.now())
        machine.admit(self.state, event)
        done: asyncio.Future[Done] = asyncio.get_running_loop().create_future()
        self._line.put_nowait(_Waiting(event=event, pin=pin, request_id=request_id, done=done))
        return await asyncio.shield(done)

    async def close(self, *, request_id: str) -> Restored:
        """Finish what is under way, send the rest of the line away, key out whoever is in."""
        self._closed = True
        while not self._line.empty():
            _settle(self._line.get_nowait().done, _ending())
            self._line.task_done()
        await self._line.join()
        if self._worker is not None:
            self._worker.cancel()
            await asyncio.gather(self._worker, return_exceptions=True)
        active = self.state.active
        if active is None or active == NO_USER:
            return Restored()
        return await self._key_out(active, request_id)

    async def _serve(self) -> None:
        while True:
            await self._serve_one(await self._line.get())  # nothing of it stays here meanwhile

    async def _serve_one(self, item: _Waiting) -> None:
        try:
            result = await self._carry_out(item.event, item.pin, item.request_id)
        except Exception as exc:  # noqa: BLE001 - belongs to the asker; the line goes on
            _settle(item.done, exc)
        else:
            _settle(item.done, result)
        finally:
            self._line.task_done()

    async def _carry_out(self, event: KeyEvent, pin: Pin | None, request_id: str) -> Done:
        plan = machine.plan(self.state, event)
        applied, restored = Applied(), Restored()
        try:
            for step in plan.steps:
                if step is Step.KEY_OUT and self.state.active is not None:
                    restored = await self._key_out(self.state.active, request_id)
                elif step is Step.KEY_IN:
                    applied = await self._key_in(plan.key, pin, request_id)
        finally:
            if self.state.active is None:
                self._nobody()
        if restored.stuck and Step.KEY_IN not in plan.steps:
            raise HandlerFailed(
                "%(count)s settings could not be put back yet",
                next_step="key in and out again; the journal keeps what is missing",
                count=len(restored.stuck),
            )
        answer = None if plan.key == RESET else plan.answer
        return Done(answer=answer, applied=applied, restored=restored)

    async def _key_in(self, key: GpiiKey, pin: Pin | None, request_id: str) -> Applied:
        self.state = machine.begun(self.state, Kind.LOGIN, key, self._clock.now())
        try:
            applied = Applied()
            if key != NO_USER:
                applied = await self._sessions.key_in(key, pin=pin, request_id=request_id)
        except BaseException:
            self.state = machine.failed(self.state, self._clock.now(), active=None)
            raise
        self.state = machine.ended(self.state, Kind.LOGIN, key, self._clock.now())
        return applied

    async def _key_out(self, key: GpiiKey, request_id: str) -> Restored:
        self.state = machine.begun(self.state, Kind.LOGOUT, key, self._clock.now())
        try:
            restored = await self._sessions.key_out(key, request_id=request_id)
        except BaseException:
            self.state = machine.failed(self.state, self._clock.now(), active=None)
            raise
        self.state = machine.ended(self.state, Kind.LOGOUT, key, self._clock.now())
        return restored

    def _nobody(self) -> None:
        """Key `noUser` in: nothing is asked and nothing changed, so it is done at once."""
        now = self._clock.now()
        self.state = machine.begun(self.state, Kind.LOGIN, NO_USER, now)
        self.state = machine.ended(self.state, Kind.LOGIN, NO_USER, now)


def _ending() -> Refused:
    return Refused(
        "shutting_down",
        "the flow manager is ending",
        next_step="start it again, then key in",
    )


def _settle(done: asyncio.Future[Done], result: Done | Exception) -> None:
    if done.cancelled():
        return
    if isinstance(result, Exception):
        done.set_exception(result)
        done.exception()  # looked at: the asker may have gone
    else:
        done.set_result(result)
