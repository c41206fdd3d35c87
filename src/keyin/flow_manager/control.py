"""The control socket's ops: decode, hand to the line of key events, render.

Callers are the person's own account, which the socket server has checked. No reply names a key.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import structlog

from keyin.domain.absent import Absent
from keyin.domain.errors import InvalidDocument, KeyinError
from keyin.domain.keyin import Kind
from keyin.domain.secret import GpiiKey, Pin
from keyin.remote.ipc import Message, Peer, error_reply
from keyin.wire import session as wire

if TYPE_CHECKING:
    from collections.abc import Iterable

    from keyin.flow_manager.desk import Desk
    from keyin.session.queue import Done
    from keyin.session.world import Difference, Passed

_log = structlog.get_logger()


class Control:
    """Answers the requests of `wire.session`."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def handle(self, _peer: Peer, message: Message) -> Message:
        """Return the reply's body."""
        try:
            request = wire.request_of(message)
        except InvalidDocument as error:
            return error_reply("bad_request", error.message)
        request_id = request.request_id or self._desk.new_request_id()
        op = type(request).__name__.lower()
        try:
            answer = await self._answer(request, request_id)
        except KeyinError as error:
            code = code_of(error)
            _log.info("request_failed", request_id=request_id, op=op, code=code)
            return error_reply(code, error.message, next_step=error.next_step, **error.fields)
        _log.info("request", request_id=request_id, op=op)
        return answer

    async def _answer(self, request: wire.Request, request_id: str) -> Message:
        match request:
            case wire.Login(dry_run=True):
                differences, passed = await self._desk.preview(
                    GpiiKey(request.gpii_key), pin=_pin(request), request_id=request_id
                )
                return _body(_preview(differences, passed))
            case wire.Login():
                done = await self._desk.submit(
                    Kind.LOGIN,
                    GpiiKey(request.gpii_key),
                    pin=_pin(request),
                    request_id=request_id,
                )
                return _body(_outcome(done))
            case wire.Logout():
                key = None if request.gpii_key is None else GpiiKey(request.gpii_key)
                done = await self._desk.submit(Kind.LOGOUT, key, request_id=request_id)
                return _body(_outcome(done))
            case _:
                return _body(self._desk.state())


def _pin(request: wire.Login) -> Pin | None:
    return None if request.pin is None else Pin(request.pin)


def code_of(error: KeyinError) -> str:
    """Return the wire's code for an error."""
    return error.code if error.code in wire.ERRORS else "internal"


def _body(shape: msgspec.Struct) -> Message:
    return {"ok": True, **msgspec.to_builtins(shape)}


def _outcome(done: Done) -> wire.Outcome:
    answer = "reset" if done.answer is None else done.answer.value
    shape: dict[str, Any] = {
        "answer": answer,
        "solutions": tuple(done.applied.settings or done.restored.solutions),
        "settings": sum(done.applied.settings.values()),
        "skipped": _skipped(done.applied.passed),
    }
    return wire.Outcome(**shape)


def _preview(differences: Iterable[Difference], passed: Iterable[Passed]) -> wire.Preview:
    return wire.Preview(
        differences=tuple(
            wire.Difference(
                solution=item.solution,
                setting=item.setting,
                now=msgspec.UNSET if isinstance(item.now, Absent) else item.now,
                then=msgspec.UNSET if isinstance(item.then, Absent) else item.then,
            )
            for item in differences
        ),
        skipped=_skipped(passed),
    )


def _skipped(passed: Iterable[Passed]) -> tuple[wire.Skipped, ...]:
    return tuple(
        wire.Skipped(solution=item.solution, step=item.step, type=item.type) for item in passed
    )
