"""The flow manager's process: what comes first, what is served, and how it ends.

First everything that a crash left is put back; only then a door opens. At the end the doors close,
and whoever is keyed in is keyed out.
"""

from __future__ import annotations

import os
from http import HTTPStatus
from typing import TYPE_CHECKING

import msgspec
import structlog

from keyin.flow_manager.control import Control
from keyin.flow_manager.http_listener import HttpListener
from keyin.flow_manager.user_routes import Answer, UserRoutes, malformed
from keyin.remote.ipc import IpcServer, Limits, serve_unix
from keyin.wire.session import SERVICE

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from pathlib import Path

    from keyin.flow_manager.desk import Desk
    from keyin.session.queue import KeyEventQueue
    from keyin.session.service import SessionService
    from keyin.session.world import Restored

GRACE_SECONDS = 0.5
_log = structlog.get_logger()


class FlowManager(msgspec.Struct, kw_only=True):
    """One person's flow manager; `start` and `close` once each."""

    sessions: SessionService
    queue: KeyEventQueue
    desk: Desk
    cloud: str
    socket: Path
    listen: tuple[str, int] | None
    release: Sequence[Callable[[], Awaitable[None] | None]]
    """What lets go of connections, threads and locks."""
    listeners: list[str] = msgspec.field(default_factory=list)
    _ipc: IpcServer | None = None
    _http: HttpListener | None = None

    @property
    def control(self) -> Control:
        """What answers on the control socket."""
        return Control(self.desk)

    async def start(self) -> None:
        """Put back what a crash left, then serve. Raises ConfigurationError, StoreUnavailable."""
        await self.begin()
        await self.open_doors()

    async def begin(self) -> None:
        """Put back what a crash left; from now on key events are served. Opens no door."""
        _report("recovered", await self.sessions.recover())
        await self.sessions.forget_all(request_id=self.desk.new_request_id())
        self.queue.start()

    async def open_doors(self) -> None:
        """Listen. Raises ConfigurationError."""
        self.socket.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._ipc = await serve_unix(
            self.socket,
            service=SERVICE,
            allow=lambda peer: peer.uid == os.geteuid(),
            handle=self.control.handle,
            limits=Limits(grace_seconds=GRACE_SECONDS),
        )
        self.listeners.append(f"unix:{self.socket}")
        if self.listen is not None:
            self._http = HttpListener(self._respond)
            await self._http.listen(*self.listen)
            self.listeners.append(self._http.url)

    async def close(self) -> None:
        """Key out whoever is keyed in, answer who still waits, and let go of everything."""
        restored = await self.queue.close(request_id=self.desk.new_request_id())
        _report("keyed_out_at_the_end", restored)
        if self._http is not None:
            await self._http.close()
        if self._ipc is not None:
            await self._ipc.close()
        for let_go in self.release:
            waiting = let_go()
            if waiting is not None:
                await waiting

    async def _respond(self, method: str, target: str) -> Answer:
        request_id = self.desk.new_request_id()
        routes = UserRoutes(self.desk, cloud=self.cloud)
        try:
            answer = await routes.answer(method, target, request_id=request_id)
        except Exception as exc:  # noqa: BLE001 - the last resort: an answer, and no text of its own
            _log.error("http_request_failed", request_id=request_id, error=type(exc).__name__)
            answer = malformed(HTTPStatus.INTERNAL_SERVER_ERROR)
        _log.info("http_request", request_id=request_id, status=answer.status)
        return answer


def _report(event: str, restored: Restored) -> None:
    if restored.solutions or restored.stuck:
        _log.info(event, count=len(restored.solutions))
    for item in restored.stuck:
        _log.error("not_restored", solution=item.solution)
