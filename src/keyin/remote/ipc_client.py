"""The asking half of a local socket: connect, check who serves it, send, wait for the reply."""

from __future__ import annotations

import asyncio
import itertools
import socket
from typing import TYPE_CHECKING, Final, Self

from keyin.domain.errors import (
    InvalidDocument,
    KeyinError,
    Refused,
    RequesterUnreachable,
    msgid,
)
from keyin.remote.byte_ends import StreamEnd
from keyin.remote.conversation import Conversation, Message, peer_of
from keyin.remote.socket_place import short_name
from keyin.wire.frames import PROTOCOL_VERSION

if TYPE_CHECKING:
    from pathlib import Path

    from keyin.remote.byte_ends import ByteEnd

_NEXT_STEP: Final = "see that the process which serves this socket runs, and as which account"


class IpcClient:
    """One connection; any number of requests on it, also at once."""

    def __init__(
        self, conversation: Conversation, *, timeout: float, unreachable: type[KeyinError]
    ) -> None:
        """Use `connect` or `over`."""
        self._conversation = conversation
        self._timeout = timeout
        self._unreachable = unreachable
        self._waiting: dict[str, asyncio.Future[Message]] = {}
        self._ids = itertools.count(1)
        self._reading = asyncio.create_task(self._read())

    @classmethod
    async def connect(
        cls,
        path: Path,
        *,
        service: str,
        expect_uid: int | None,
        timeout: float = 30.0,  # noqa: ASYNC109 - one bound for the connection and each request
        unreachable: type[KeyinError] = RequesterUnreachable,
    ) -> Self:
        """Connect, and say nothing unless the server runs as `expect_uid` (None: anyone).

        Raises `unreachable`. `timeout` in seconds, for the connection and for each request.
        """
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        try:
            async with asyncio.timeout(timeout):
                with short_name(path) as name:
                    await asyncio.get_running_loop().sock_connect(sock, name)
                _check_server(sock, path, expect_uid, unreachable)
                streams = await asyncio.open_unix_connection(sock=sock)
        except (OSError, TimeoutError) as exc:
            sock.close()
            reason = getattr(exc, "strerror", None) or msgid("no answer in time")
            raise unreachable(
                "cannot reach %(path)s: %(reason)s",
                next_step=_NEXT_STEP,
                path=str(path),
                reason=reason,
            ) from exc
        except BaseException:
            sock.close()
            raise
        return await cls.over(
            StreamEnd(*streams), service=service, timeout=timeout, unreachable=unreachable
        )

    @classmethod
    async def over(
        cls,
        end: ByteEnd,
        *,
        service: str,
        timeout: float = 30.0,  # noqa: ASYNC109 - as connect
        unreachable: type[KeyinError] = RequesterUnreachable,
    ) -> Self:
        """Speak over an end that is connected already. Raises `unreachable`."""
        conversation = Conversation(end)
        try:
            async with asyncio.timeout(timeout):
                if await conversation.greet(service):
                    return cls(conversation, timeout=timeout, unreachable=unreachable)
            reason = "it closed the connection without a word, or speaks another protocol"
        except (ConnectionError, TimeoutError, InvalidDocument) as exc:
            await conversation.close()
            raise unreachable(
                "%(service)s did not answer as such", next_step=_NEXT_STEP, service=service
            ) from exc
        await conversation.close()
        raise unreachable(
            "%(service)s did not greet: %(reason)s",
            next_step="see whether this account may ask it (its setting `allow`)",
            service=service,
            reason=reason,
        )

    async def request(self, op: str, **fields: object) -> Message:
        """Return the reply of a request that was granted; a field that is None is not sent.

        Raises Refused with the reply's code; `unreachable` if no reply came.
        """
        number = str(next(self._ids))
        reply: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._waiting[number] = reply
        present = {name: value for name, value in fields.items() if value is not None}
        try:
            async with asyncio.timeout(self._timeout):
                if self._reading.done():
                    raise ConnectionResetError
                await self._conversation.send(
                    {"v": PROTOCOL_VERSION, "id": number, "op": op, **present}
                )
                answer = await reply
        except (ConnectionError, TimeoutError) as exc:
            raise self._unreachable(
                "the connection was lost, or no answer came in time", next_step=_NEXT_STEP
            ) from exc
        finally:
            self._waiting.pop(number, None)
        if answer.get("ok") is True:
            return answer
        raise _refusal(answer)

    async def close(self) -> None:
        """Close; requests that still wait end as unreachable."""
        self._reading.cancel()
        await asyncio.gather(self._reading, return_exceptions=True)
        await self._conversation.close()

    async def _read(self) -> None:
        try:
            while (message := await self._conversation.receive()) is not None:
                waiting = self._waiting.get(str(message.get("id")))
                if waiting is not None and not waiting.done():
                    waiting.set_result(message)
        except InvalidDocument:
            pass  # as if the connection had ended: nothing after it can be trusted
        finally:
            for waiting in self._waiting.values():
                if not waiting.done():
                    waiting.set_exception(ConnectionResetError())


def _check_server(
    sock: socket.socket, path: Path, expect_uid: int | None, unreachable: type[KeyinError]
) -> None:
    """Whoever squats on the path gets no key (P64)."""
    uid = peer_of(sock).uid
    if expect_uid is not None and uid != expect_uid:
        raise unreachable(
            "%(path)s is served by an unexpected account (uid %(uid)s)",
            next_step=_NEXT_STEP,
            path=str(path),
            uid=uid,
        )


def _refusal(answer: Message) -> Refused:
    """Make the other side's refusal ours, whatever it wrote."""
    code, message, next_step = (
        answer.get(name) if isinstance(answer.get(name), str) else ""
        for name in ("error", "message", "next_step")
    )
    fields = answer.get("fields")
    usable = {str(k): v for k, v in fields.items()} if isinstance(fields, dict) else {}
    for taken in ("code", "message", "next_step", "self"):
        usable.pop(taken, None)
    try:
        _ = (message or "") % usable, (next_step or "") % usable
        return Refused(code or "internal", message or "", next_step=next_step or "", **usable)
    except (TypeError, ValueError, KeyError):
        return Refused("internal", "the answer could not be understood")
