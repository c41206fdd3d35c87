"""Starts the flow manager as the person's account, with one end of a socket pair (local-flow §8.5).

The pair takes the place of a socket that anyone could find: its other end is in the child and
nowhere else. A child that ends is started again, ever more slowly, and after six short lives no
more.
"""

from __future__ import annotations

import asyncio
import os
import pwd
import socket
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Self

import msgspec
import structlog

from keyin.domain.errors import ConfigurationError
from keyin.remote.ipc import Peer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keyin.domain.environment import Clock
    from keyin.remote.ipc import IpcServer

# the original's numbers
_SHORT_LIFE_SECONDS: Final = 20.0
_MAX_SHORT_LIVES: Final = 5
_PAUSE_SECONDS: Final = 10.0
_END_SECONDS: Final = 5.0
_log = structlog.get_logger()


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """Who the flow manager runs as."""

    uid: int
    gid: int
    groups: tuple[int, ...]
    name: str
    home: str

    @classmethod
    def find(cls, name: str | None) -> Self:
        """Return the account; without a name, ours. Raises ConfigurationError."""
        try:
            entry = pwd.getpwuid(os.geteuid()) if name is None else pwd.getpwnam(name)
        except KeyError as exc:
            raise ConfigurationError(
                "[flow_manager] user: there is no account of that name",
                next_step="name an account of this computer",
            ) from exc
        if entry.pw_uid != os.geteuid() and os.geteuid() != 0:
            raise ConfigurationError(
                "only root can start the flow manager as another account",
                next_step="start the access requester as root, or use the transport `unix`",
            )
        groups = os.getgrouplist(entry.pw_name, entry.pw_gid)
        return cls(
            uid=entry.pw_uid,
            gid=entry.pw_gid,
            groups=tuple(groups),
            name=entry.pw_name,
            home=entry.pw_dir,
        )

    @property
    def environment(self) -> dict[str, str]:
        """What the child is told; nothing of our own environment but the language and the path."""
        ours = ("PATH", "LANG", "LANGUAGE", "LC_ALL", "TZ")
        return {
            **{name: os.environ[name] for name in ours if name in os.environ},
            "HOME": self.home,
            "USER": self.name,
            "LOGNAME": self.name,
            "XDG_RUNTIME_DIR": f"/run/user/{self.uid}",
        }


class Supervisor:
    """Keeps one flow manager running and answers it."""

    def __init__(
        self, *, command: Sequence[str], account: Account, server: IpcServer, clock: Clock
    ) -> None:
        self._command = command
        self._account = account
        self._server = server
        self._clock = clock
        self.pid: int | None = None

    async def run(self) -> None:
        """Run until cancelled, or until the flow manager has ended shortly six times running."""
        if self._account.uid == os.geteuid():
            _log.warning("no_boundary", reason="the flow manager runs as the requester's account")
        short_lives = 0
        while short_lives <= _MAX_SHORT_LIVES:
            began = self._clock.monotonic()
            await self._live()
            lived = self._clock.monotonic() - began
            short_lives = short_lives + 1 if lived <= _SHORT_LIFE_SECONDS else 0
            _log.warning("flow_manager_ended", count=short_lives)
            await self._clock.sleep(short_lives * _PAUSE_SECONDS)
        _log.error("flow_manager_given_up", count=short_lives)

    async def _live(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                child = await self._start(theirs.fileno())
            except OSError as exc:
                ours.close()
                raise ConfigurationError(
                    "[flow_manager] command: the program cannot be started: %(reason)s",
                    next_step="name an executable file with its whole path",
                    reason=exc.strerror,
                ) from exc
        self.pid = child.pid
        peer = Peer(child.pid, self._account.uid, self._account.gid)
        serving = await self._server.adopt(ours, peer)
        try:
            await child.wait()
        finally:
            serving.cancel()
            await _end(child)

    async def _start(self, descriptor: int) -> asyncio.subprocess.Process:
        root = os.geteuid() == 0
        return await asyncio.create_subprocess_exec(
            *(word.replace("{fd}", str(descriptor)) for word in self._command),
            stdin=asyncio.subprocess.DEVNULL,
            pass_fds=(descriptor,),
            env=self._account.environment,
            cwd="/",
            umask=0o077,
            user=self._account.uid if root else None,
            group=self._account.gid if root else None,
            extra_groups=self._account.groups if root else None,
        )


async def _end(child: asyncio.subprocess.Process) -> None:
    if child.returncode is not None:
        return
    with suppress(ProcessLookupError):
        child.terminate()
    try:
        await asyncio.wait_for(asyncio.shield(child.wait()), _END_SECONDS)
    except TimeoutError:
        with suppress(ProcessLookupError):
            child.kill()
        await child.wait()
