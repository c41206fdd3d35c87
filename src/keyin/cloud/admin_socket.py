"""The serving process's door for its administrator: a Unix socket in the data directory.

The kernel says who calls: the account of this process, or root; nobody else gets a byte.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

import msgspec

from keyin.domain.errors import KeyinError, Refused
from keyin.oauth.administration import Acting
from keyin.remote.ipc import IpcServer, Limits, Message, Peer
from keyin.wire.admin import SERVICE, SOCKET

if TYPE_CHECKING:
    from pathlib import Path

    from keyin.domain.environment import Clock
    from keyin.oauth.administration import Administration

LIMITS: Final = Limits(
    connections=8, connections_per_uid=8, requests_per_connection=1, idle_seconds=60.0
)
_ENVELOPE: Final = frozenset({"v", "id", "request_id"})


async def listen(data: Path, administration: Administration, clock: Clock) -> IpcServer:
    """Open the door. Raises ConfigurationError: the place is not safe."""

    async def handle(peer: Peer, message: Message) -> Message:
        op = administration.read({n: v for n, v in message.items() if n not in _ENVELOPE})
        try:
            answer = await administration.answer(op, Acting(at=clock.now(), uid=peer.uid))
        except Refused:
            raise
        except KeyinError as error:
            raise Refused(
                error.code, error.message, next_step=error.next_step, **error.fields
            ) from error
        told: Message = msgspec.to_builtins(answer)
        return {"ok": True, "answer": told}

    server = IpcServer(service=SERVICE, allow=may_administer, handle=handle, limits=LIMITS)
    await server.listen_unix(data / SOCKET, mode=0o600)
    return server


def may_administer(peer: Peer) -> bool:
    """Let in the account that serves, and root."""
    return peer.uid in {0, os.geteuid()}
