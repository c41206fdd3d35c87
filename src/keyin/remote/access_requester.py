"""The access requester, seen from the person's side: a key goes in, a token comes out.

The token is bound to the key of the key-in, so that a proof goes along; where the cloud wants its
nonce in it, it is asked once more. Connects for each request and checks whose process answers
before it says a word (P64). Over an inherited pair there is one connection, made by whoever started
both. Keeps no token.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final, Self, TypeVar

import msgspec

from keyin.domain.errors import CloudUnreachable, KeyinError, Refused, RequesterUnreachable
from keyin.domain.secret import AccessToken
from keyin.remote.byte_ends import ByteEnd, StreamEnd
from keyin.remote.ipc_client import IpcClient
from keyin.wire.requester import (
    ERROR_TEXTS,
    SERVICE,
    ErrorCode,
    ForgetAnswer,
    StatusAnswer,
    TokenAnswer,
)

if TYPE_CHECKING:
    import socket
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    from keyin.domain.secret import GpiiKey, Pin
    from keyin.remote.conversation import Message
    from keyin.session.sender import Sender

_TIMEOUT: Final = 45.0  # seconds; the requester itself gives the cloud 20 for a question, twice
_WRITABLE_BY_OTHERS: Final = 0o022
_NEXT_STEP: Final = "see that the access requester runs, and that its socket is the one named"


_TOKEN_ENDPOINT: Final = "/oauth2/token"  # noqa: S105 - a path
_Shape = TypeVar("_Shape")


class RequesterClient:
    """Implements `session.ports.TokenSource`."""

    def __init__(
        self,
        connect: Callable[[], Awaitable[IpcClient]],
        *,
        issuer: str = "",
        keep: bool = False,
    ) -> None:
        """`issuer`: the cloud for which proofs are made, without a slash at the end.

        `keep`: one connection for ever, as an inherited pair is.
        """
        self._connect = connect
        self._issuer = issuer
        self._token_endpoint = issuer + _TOKEN_ENDPOINT  # until we are told otherwise
        self._keep = keep
        self._kept: IpcClient | None = None
        self._connecting = asyncio.Lock()

    @classmethod
    def at(
        cls,
        path: Path,
        *,
        issuer: str = "",
        expect_uid: int | None = None,
        timeout: float = _TIMEOUT,
    ) -> Self:
        """Use a socket. `expect_uid`: the requester's account; None: the directory's owner."""

        async def connect() -> IpcClient:
            uid = owner_of_place(path) if expect_uid is None else expect_uid
            return await IpcClient.connect(path, service=SERVICE, expect_uid=uid, timeout=timeout)

        return cls(connect, issuer=issuer)

    @classmethod
    def over(cls, end: ByteEnd, *, issuer: str = "", timeout: float = _TIMEOUT) -> Self:
        """Use an end that is connected already, such as one of a pair in memory."""

        async def connect() -> IpcClient:
            return await IpcClient.over(end, service=SERVICE, timeout=timeout)

        return cls(connect, issuer=issuer, keep=True)

    @classmethod
    def inherited(cls, sock: socket.socket, *, issuer: str = "", timeout: float = _TIMEOUT) -> Self:
        """Use one end of a socket pair that the parent process handed over."""

        async def connect() -> IpcClient:
            streams = await asyncio.open_unix_connection(sock=sock)
            return await IpcClient.over(StreamEnd(*streams), service=SERVICE, timeout=timeout)

        return cls(connect, issuer=issuer, keep=True)

    async def token(
        self, key: GpiiKey, sender: Sender, *, pin: Pin | None = None, request_id: str
    ) -> AccessToken:
        """Return a token for this key. Raises Refused, CloudUnreachable, RequesterUnreachable."""
        try:
            return await self._token(key, pin, sender, request_id)
        except Refused as refused:
            if refused.code != ErrorCode.USE_DPOP_NONCE:
                raise
            self._listen(refused, sender)
        return await self._token(key, pin, sender, request_id)

    async def _token(
        self, key: GpiiKey, pin: Pin | None, sender: Sender, request_id: str
    ) -> AccessToken:
        answer = await self._ask(
            "token",
            gpii_key=key.reveal(),
            pin=pin.reveal() if pin else None,
            dpop_jkt=sender.jkt,
            dpop_proof=sender.proof("POST", self._token_endpoint),
            request_id=request_id,
        )
        return AccessToken(_shaped(answer, TokenAnswer).access_token)

    def _listen(self, refused: Refused, sender: Sender) -> None:
        """Take the nonce, and the cloud's own word for where tokens are given out."""
        nonce, place = (refused.fields.get(name) for name in ("nonce", "token_endpoint"))
        if isinstance(nonce, str):
            sender.take_nonce(nonce)
        if isinstance(place, str) and place.startswith(self._issuer + "/"):
            self._token_endpoint = place

    async def forget(self, key: GpiiKey | None, *, request_id: str) -> None:
        """Drop the token of this key; without a key, every token of ours. Raises as `token`."""
        await self.drop(key, request_id=request_id)

    async def drop(self, key: GpiiKey | None, *, request_id: str) -> int:
        """Drop the token of this key, or all of the caller's account; return how many."""
        text = None if key is None else key.reveal()
        answer = await self._ask("forget", gpii_key=text, request_id=request_id)
        return _shaped(answer, ForgetAnswer).forgotten

    async def status(self) -> StatusAnswer:
        """Return how the requester stands. Raises as `token`."""
        return _shaped(await self._ask("status"), StatusAnswer)

    async def close(self) -> None:
        """Close the connection that is kept, if there is one."""
        if self._kept is not None:
            await self._kept.close()
            self._kept = None

    async def _ask(self, op: str, **fields: object) -> Message:
        async with self._connection() as client:
            try:
                return await client.request(op, **fields)
            except Refused as exc:
                raise _known(exc) from None

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[IpcClient]:
        if self._keep:
            async with self._connecting:
                self._kept = self._kept or await self._connect()
            yield self._kept
            return
        client = await self._connect()
        try:
            yield client
        finally:
            await client.close()


def owner_of_place(path: Path) -> int:
    """Return the uid that a socket's server must have: its directory's owner.

    Nobody else could have put a socket there. Raises RequesterUnreachable.
    """
    try:
        status = path.parent.stat()
    except OSError as exc:
        raise RequesterUnreachable(
            "cannot reach %(path)s: %(reason)s",
            next_step=_NEXT_STEP,
            path=str(path),
            reason=exc.strerror,
        ) from exc
    if status.st_mode & _WRITABLE_BY_OTHERS:
        raise RequesterUnreachable(
            "other accounts can write the directory of %(path)s, so anyone could serve it",
            next_step=_NEXT_STEP,
            path=str(path),
        )
    return status.st_uid


def _known(error: Refused) -> KeyinError:
    """Say it in our own words: the code and the fields are all that is taken from the wire."""
    try:
        code = ErrorCode(error.code)
        text = ERROR_TEXTS[code]
        _ = text.message % error.fields, text.next_step % error.fields
    except (ValueError, KeyError, TypeError):
        text = ERROR_TEXTS[ErrorCode.INTERNAL]
        return Refused(ErrorCode.INTERNAL, text.message, next_step=text.next_step)
    if code is ErrorCode.CLOUD_UNREACHABLE:
        return CloudUnreachable(text.message, next_step=text.next_step, **error.fields)
    return Refused(code, text.message, next_step=text.next_step, **error.fields)


def _shaped(answer: Message, shape: type[_Shape]) -> _Shape:
    try:
        return msgspec.convert(answer, shape)
    except msgspec.ValidationError:
        raise RequesterUnreachable(
            "the access requester's answer has an unknown form", next_step=_NEXT_STEP
        ) from None
