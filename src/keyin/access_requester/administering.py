"""The administrators' door: root's and our own account's, beside the flow managers' (P60, P67).

The kernel says who calls; nobody else gets a byte. The dispatch below is the closed list of ops.
"""

from __future__ import annotations

import os
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec
import structlog

from keyin.access_requester.own_identity import seen
from keyin.access_requester.progress import told_fields
from keyin.access_requester.registering import end_registration
from keyin.domain.errors import ConfigurationError, KeyinError, Refused
from keyin.domain.identity import is_copy
from keyin.remote.ipc import IpcServer, Limits
from keyin.wire.enrolment_code import EnrolmentCode
from keyin.wire.key_fingerprint import key_fingerprint
from keyin.wire.requester_admin import (
    SERVICE,
    SOCKET,
    CancelRequest,
    CodeRequest,
    DeviceRequest,
    DoneAnswer,
    EnrolRequest,
    FileRequest,
    LeaveRequest,
    RotateRequest,
    SealRequest,
    Stage,
    StandingAnswer,
    StandingRequest,
    read_admin_request,
)
from keyin.wire.requester_trouble import Trouble, trouble

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from keyin.access_requester.config import Config
    from keyin.access_requester.keeper import Keeper
    from keyin.access_requester.ways import Ways
    from keyin.remote.ipc import Message, Peer
    from keyin.stores.credential_file import CredentialFile
    from keyin.wire.requester_admin import AdminRequest

LIMITS: Final = Limits(
    connections=8, connections_per_uid=8, requests_per_connection=1, idle_seconds=120.0
)
_log = structlog.get_logger()


class Administering:
    """What `remote.ipc.IpcServer` calls behind that door."""

    def __init__(self, ways: Ways, keeper: Keeper) -> None:
        self._reach = ways.reach
        self._identity = ways.identity
        self._registering = ways.registering
        self._rotation = ways.rotation
        self._enrolment = ways.enrolment
        self._site_files = ways.site_files
        self._keeper = keeper

    def server(self) -> IpcServer:
        """Return the door; nothing listens yet."""
        return IpcServer(service=SERVICE, allow=may_administer, handle=self, limits=LIMITS)

    async def close(self) -> None:
        """End what is at work with the process."""
        await self._enrolment.close()

    async def __call__(self, peer: Peer, message: Message) -> Message:
        """Return the reply's body. Raises Refused."""
        request = read_admin_request(message)
        _log.info("administration", uid=peer.uid, op=message["op"])
        try:
            answer = await self._answer(request)
        except Refused:
            raise
        except KeyinError as exc:
            raise Refused(exc.code, exc.message, next_step=exc.next_step, **exc.fields) from exc
        told: Message = msgspec.to_builtins(answer)
        return {"ok": True, **told}

    async def _answer(self, request: AdminRequest) -> msgspec.Struct:
        match request:
            case EnrolRequest():
                return await self._enrolment.browser()
            case DeviceRequest():
                return await self._enrolment.device()
            case CodeRequest():
                await self._enrolment.code(EnrolmentCode(request.code))
            case FileRequest():
                await self._enrolment.file(request.file.encode())
            case CancelRequest():
                await self._enrolment.cancel()
            case RotateRequest():
                return await self._rotate()
            case LeaveRequest():
                return await self._leave(request)
            case SealRequest():
                return await self._seal(request)
            case StandingRequest():
                pass
        return self._standing()

    def _standing(self) -> StandingAnswer:
        progress, problem = self._enrolment.progress, self._keeper.problem
        held, unusable = self._held()
        stage = progress.stage
        if stage in {Stage.NONE, Stage.FAILED, Stage.ENROLLED} and self._is_awaiting():
            stage = Stage.AWAITING
        error = unusable or problem
        code, fields = progress.problem, progress.fields
        if code is None and error is not None:
            code, fields = error.code, told_fields(error)
        said = self._registering.answer
        mine = held is not None and said is not None and said.client_id == held.client_id
        waiting = stage in {Stage.WAITING, Stage.REGISTERING, Stage.PROVING}
        public = None if held is None else key_fingerprint(held.public.thumbprint)
        return StandingAnswer(
            stage=stage,
            enrolled=held is not None and unusable is None,
            cloud=self._reach.issuer,
            client_id=None if held is None else held.client_id,
            installation_id=self._identity.installation_id,
            fingerprint=progress.fingerprint if waiting else public,
            name=said.client_name if mine and said else None,
            site=said.gpii_site if mine and said else None,
            problem=code,
            fields=fields,
        )

    def _held(self) -> tuple[CredentialFile | None, KeyinError | None]:
        """Return the identity in use, and why it cannot be used, if so."""
        try:
            usable = self._identity.credential()
            return (self._identity.files.held() if usable else None), None
        except (ConfigurationError, Refused) as exc:
            return None, exc

    def _is_awaiting(self) -> bool:
        try:
            coming = self._identity.files.coming()
        except ConfigurationError:
            return False
        return coming is not None and seen(coming).awaiting

    async def _rotate(self) -> DoneAnswer:
        self._not_now()
        try:
            thumbprint = await self._rotation.rotate()
        except BaseException:
            self._keeper.wake()  # which goes on with it, also if the caller has gone away
            raise
        return DoneAnswer(fingerprint=key_fingerprint(thumbprint))

    async def _leave(self, request: LeaveRequest) -> DoneAnswer:
        self._not_now()
        held = self._identity.files.held()
        if held is None:
            raise trouble(Trouble.NOT_ENROLLED)
        if held.registered is None and not request.offline:
            raise trouble(Trouble.BY_HAND)
        self._site_files.remove()  # else it would be back in a minute
        told = await self._told(held, insist=not request.offline)
        self._identity.files.drop_held()
        self._identity.files.drop_coming()
        self._enrolment.settled()
        return DoneAnswer(told_cloud=told)

    def _not_now(self) -> None:
        """Refuse while another identity is on its way. Raises Refused (`busy`)."""
        if self._enrolment.busy:
            raise trouble(Trouble.BUSY)

    async def _seal(self, request: SealRequest) -> DoneAnswer:
        await self._enrolment.cancel()
        async with self._laid_file(request):
            # at once: the keeper takes the file away from whoever has an identity and no mark
            held = self._identity.files.held()
            self._identity.files.seal(self._identity.machine.boot())
        told = held is not None and await self._told(held, insist=False)
        self._enrolment.settled()
        return DoneAnswer(told_cloud=told or held is None)

    @asynccontextmanager
    async def _laid_file(self, request: SealRequest) -> AsyncIterator[None]:
        """See that copies have something to enrol with, by the configuration as it is now."""
        if request.without_file:
            yield
            return
        await self._reach.aim()
        try:
            if request.file is not None:
                await self._site_files.put(request.file.encode(), self._registering.cloud())
            if not self._site_files.is_there():
                raise trouble(Trouble.NO_FILE)
            yield
        finally:
            await self._reach.miss()

    async def _told(self, held: CredentialFile, *, insist: bool) -> bool:
        """End the registration at the cloud; never the one that this identity was copied from."""
        if held.registered is None or is_copy(seen(held), self._identity.installation_id):
            return False
        try:
            await end_registration(self._registering.cloud(), held)
        except Refused as exc:
            # the cloud does not know it any more: what is wanted is so already
            return exc.code == Trouble.NOT_TAKEN or _unless(exc, insist=insist)
        except KeyinError as exc:
            return _unless(exc, insist=insist)
        return True


def _unless(error: KeyinError, *, insist: bool) -> bool:
    if insist:
        raise error
    return False


def may_administer(peer: Peer) -> bool:
    """Let in the account of this process, and root."""
    return peer.uid in {0, os.geteuid()}


def place_of(config: Config) -> Path | None:
    """Return where the door is; None where the configuration makes none."""
    if config.admin_socket is not None:
        return Path(config.admin_socket)
    return Path(config.socket).with_name(SOCKET) if config.transport == "unix" else None
