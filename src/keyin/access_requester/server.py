"""From a request to the service and back: decode, count, act, render. The same for every transport.

The dispatch below is the closed list of ops; who the caller is comes from the transport.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import structlog

from keyin.wire.requester import ForgetRequest, StatusRequest, TokenRequest, read_request

if TYPE_CHECKING:
    from keyin.access_requester.service import AccessRequester
    from keyin.remote.ipc import Message, Peer

_log = structlog.get_logger()


class RequestHandler:
    """What `remote.ipc.IpcServer` calls."""

    def __init__(self, service: AccessRequester) -> None:
        self._service = service

    async def __call__(self, peer: Peer, message: Message) -> Message:
        """Return the reply's body. Raises Refused."""
        self._service.admit(peer.uid)
        request = read_request(message)
        _log.info("request", uid=peer.uid, op=message["op"], request_id=request.request_id)
        answer: msgspec.Struct
        match request:
            case TokenRequest():
                answer = await self._service.token(peer.uid, request)
            case ForgetRequest():
                answer = self._service.forget(peer.uid, request)
            case StatusRequest():
                answer = self._service.status(peer.uid)
        return {"ok": True, **msgspec.structs.asdict(answer)}
