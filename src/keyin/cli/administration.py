"""The administrator's seam: the same ops, whether a cloud has the store open or nobody has.

    async with administration(data, secrets) as admin:
        answer = await admin.ask(SuspendClient(client="gai_..."))

Where nobody has the store, it is opened here, under its lock; else the process that has it is
asked over its socket. Decides nothing: both ways end in `oauth.administration`.
"""

from __future__ import annotations

import os
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

import msgspec

from keyin.cloud.administering import administration as service
from keyin.domain.errors import ConfigurationError, Refused, StoreUnavailable
from keyin.oauth.administration import Acting
from keyin.remote.ipc_client import IpcClient
from keyin.stores.host import SystemClock, SystemEntropy
from keyin.stores.opening import STORE, Database, InUse, OpenedStore, open_data, opened, owner_of
from keyin.wire.admin import SERVICE, SOCKET, Op, answer_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from keyin.oauth.administration import Administration
    from keyin.stores.opening import Place

PATIENCE_S: Final = 5.0
"""For a cloud that is just starting or just ending."""
_AGAIN_S: Final = 0.05
_ANSWER_S: Final = 60.0

Answer = TypeVar("Answer", bound=msgspec.Struct)


class Administrator(Protocol):
    """Whoever does what is asked."""

    async def ask(self, op: Op[Answer]) -> Answer:
        """Do it, durably. Raises Refused, StoreUnavailable, ConfigurationError."""
        ...


class _Here:
    def __init__(self, administration: Administration) -> None:
        self._administration = administration

    async def ask(self, op: Op[Answer]) -> Answer:
        acting = Acting(at=SystemClock().now(), uid=os.getuid())
        return await self._administration.answer(op, acting)


class _There:
    def __init__(self, client: IpcClient) -> None:
        self._client = client

    async def ask(self, op: Op[Answer]) -> Answer:
        fields = msgspec.to_builtins(op)
        try:
            reply = await self._client.request(fields.pop("op"), **fields)
        except Refused as refusal:
            if refusal.code == StoreUnavailable.code:
                raise StoreUnavailable(
                    refusal.message, next_step=refusal.next_step, **refusal.fields
                ) from refusal
            raise
        return msgspec.convert(reply["answer"], answer_of(type(op)))


@asynccontextmanager
async def administration(
    data: Place, secrets: Path | None = None, *, make: bool = False, issuer: str | None = None
) -> AsyncIterator[Administrator]:
    """Yield who does what is asked of the store in `data`; `make` one where there is none.

    `issuer`: the cloud's address, for what is signed here; a process that serves knows its own.
    A database is shared: it is opened here, whoever else has it. Raises ConfigurationError,
    StoreUnavailable.
    """
    if isinstance(data, Database):
        async with opened(data, secrets, exclusive=make) as shared:
            yield _Here(service(shared.store, shared.secrets, SystemEntropy(), issuer=issuer))
        return
    if not make and not (data / STORE).exists():
        raise ConfigurationError(
            "there is no store in %(path)s",
            next_step="Check --data; `keyin cloud import` or `keyin cloud serve` makes a store.",
            path=data,
        )
    found = await _opened_or_connected(data, secrets)
    if isinstance(found, OpenedStore):
        try:
            yield _Here(service(found.store, found.secrets, SystemEntropy(), issuer=issuer))
        finally:
            found.close()
    else:
        try:
            yield _There(found)
        finally:
            await found.close()


async def _opened_or_connected(data: Path, secrets: Path | None) -> OpenedStore | IpcClient:
    """Take the store, or reach who has it. Raises ConfigurationError: neither is possible."""
    clock = SystemClock()
    deadline = clock.monotonic() + PATIENCE_S
    while True:
        try:
            return open_data(data, secrets, exclusive=True)
        except InUse:
            client = await _connected(data, owner_of(data))
            if client is not None:
                return client
            if clock.monotonic() > deadline:
                raise
        await clock.sleep(_AGAIN_S)


async def _connected(data: Path, owner: int) -> IpcClient | None:
    """Return a connection to the process that serves this store; None where nobody answers.

    Nothing is said to anybody but the account that the data belong to.
    """
    try:
        return await IpcClient.connect(
            data / SOCKET,
            service=SERVICE,
            expect_uid=owner,
            timeout=_ANSWER_S,
            unreachable=StoreUnavailable,
        )
    except StoreUnavailable:
        return None
