"""A computer that people come to: boots, is asked, dies, boots again, and is looked at."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from keyin.access_requester.config import Config as RequesterConfig
from keyin.access_requester.config import LimitsSection
from keyin.access_requester.wiring import build as build_requester
from keyin.domain.absent import ABSENT
from keyin.domain.errors import RequesterUnreachable
from keyin.domain.installation import InstallationCredential
from keyin.domain.secret import PrivateKey
from keyin.flow_manager.config import Config as FlowManagerConfig
from keyin.flow_manager.wiring import build as build_flow_manager
from keyin.remote.access_requester import RequesterClient
from keyin.remote.byte_ends import memory_pair
from keyin.remote.ipc import IpcClient, IpcServer, Peer
from keyin.wire.requester import SERVICE
from tests.simulation.computer import (
    OWN_FILE,
    Dead,
    Hardware,
    Life,
    MortalFileKeeper,
    MortalFiles,
    MortalGSettings,
    MortalJournal,
    MortalSystem,
)
from tests.simulation.network import Cloud, Network, Truth
from tests.simulation.world import DEVICE

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from random import Random

    from keyin.access_requester.wiring import Wired
    from keyin.domain.absent import Value
    from keyin.domain.environment import Entropy
    from keyin.flow_manager.app import FlowManager
    from keyin.wire.signing_key import SigningKey
    from tests.simulation.world import Person

UID = 1000
PERSON = Peer(pid=1, uid=UID, gid=UID)
CLOUD = "http://127.0.0.1:1"
OWN = {"note": OWN_FILE["note"], "mode": "as-it-was"}
LAST_POINT = 60


class ThisDevice:
    """See `session.ports.DeviceReporter`."""

    async def report(self) -> Mapping[str, Value]:
        return DEVICE


class KeptRegistries:
    """See `remote.cloud_settings.Registries`: what the computer's disk keeps."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    async def find(self, digest: str) -> bytes | None:
        return self._kept.get(digest)

    async def keep(self, digest: str, content: bytes) -> None:
        self._kept[digest] = content


class Nobody:
    """See `access_requester.peer.Sessions`."""

    def active_uids(self) -> frozenset[int]:
        return frozenset()


class Desk:
    """One computer with its two processes."""

    def __init__(
        self,
        number: int,
        *,
        client_id: str,
        key: SigningKey,
        cloud: Cloud,
        truth: Truth,
        random: Random,
        entropy: Entropy,
        ca: Path,
        people: Mapping[str, Person],
    ) -> None:
        self.client, self.client_id = f"computer-{number}", client_id
        self.private = key.private_jwk()
        self.registries = KeptRegistries()
        self.hardware = Hardware(written=self._written)
        self.mortal = True
        self._cloud, self._truth, self._random, self._entropy = cloud, truth, random, entropy
        self._ca, self._people = ca, people
        self._owners = {value: key for key, one in people.items() for value in one.wants.values()}
        self._dead: list[FlowManager] = []
        self._requester: Wired
        self._server: IpcServer
        self._life: Life
        self._died: asyncio.Future[None]
        self._flow_manager: FlowManager

    async def start(self) -> None:
        self._start_requester()
        await self._boot()

    async def restart_requester(self) -> None:
        """End the access requester, and with it every token that it remembers."""
        await self._server.close()
        await self._requester.close()
        self._start_requester()

    def _start_requester(self) -> None:
        credential = InstallationCredential(self.client_id, PrivateKey(json.dumps(self.private)))
        self._requester = build_requester(
            RequesterConfig(
                cloud=CLOUD,
                credential="-",
                ca=str(self._ca),
                allow=[UID],
                limits=LimitsSection(requests_per_minute=100_000, burst=100_000),
            ),
            clock=self._truth.clock,
            entropy=self._entropy,
            credential=lambda: credential,
            sessions=Nobody(),
            network=Network(self.client, self._cloud, self._truth, self._random),
        )
        self._server = self._requester.server()

    async def _boot(self) -> None:
        """Start the flow manager; it may die again before it is up."""
        while True:
            mortal = self.mortal and self._random.random() < 0.5
            self._died = asyncio.get_running_loop().create_future()
            ends_at = self._random.randint(1, LAST_POINT) if mortal else None
            self._life = Life(random=self._random, ends_at=ends_at, died=self._note_death)
            self._flow_manager = self._build()
            try:
                await self._flow_manager.begin()
            except Dead:
                await self._bury()
                continue
            self._truth.note("booted", self.client)
            self._claim_restored("after a start")
            return

    def _note_death(self) -> None:
        self._truth.note("died", self.client)
        self._died.set_result(None)

    def _build(self) -> FlowManager:
        life, hardware, clock = self._life, self.hardware, self._truth.clock
        return build_flow_manager(
            FlowManagerConfig(cloud=CLOUD, requester="-", ca=str(self._ca)),
            clock=clock,
            entropy=self._entropy,
            system=MortalSystem(
                files=MortalFiles(hardware, life),
                gsettings=MortalGSettings(hardware, life),
                clock=clock,
                life=life,
            ),
            files=MortalFileKeeper(hardware, life),
            journal=MortalJournal(hardware, life),
            tokens=RequesterClient(lambda: self._connect(life), issuer=CLOUD),
            registries=self.registries,
            device=ThisDevice(),
            environment={},
            network=Network(self.client, self._cloud, self._truth, self._random, life),
        )

    async def _connect(self, life: Life) -> IpcClient:
        if life.dead:
            life.point()
        if self._random.random() < 0.02:
            self._truth.note("requester away", self.client)
            raise RequesterUnreachable("the access requester is away for a moment")
        ours, theirs = memory_pair()
        self._server.attach(theirs, PERSON)
        return await IpcClient.over(ours, service=SERVICE)

    async def ask(self, op: str, **fields: Any) -> str:
        """Ask the flow manager; return `ok`, an error code, or `died`."""
        request = {"v": 1, "id": "1", "op": op, **fields}
        manager, died = self._flow_manager, self._died
        task = asyncio.create_task(manager.control.handle(PERSON, request))
        either: set[asyncio.Future[Any]] = {task, died}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if died.done():
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            return "died"
        reply = task.result()
        return "ok" if reply["ok"] else str(reply["error"])

    async def after(self) -> None:
        """Boot if the flow manager died; look whether all is as it must be."""
        if self._died.done():
            await self._bury()
            await self._boot()
            return
        active = self._people.get(self._flow_manager.desk.active().reveal())
        if active is None:
            self._claim_restored("with nobody keyed in")
        else:
            same = self.hardware.settings() == {**OWN, **active.wants}
            self._truth.claim(same, "somebody is keyed in and has not all of their settings")

    def spare(self) -> None:
        """Let nothing die from now on."""
        self.mortal = False
        self._life.ends_at = None

    async def end(self) -> None:
        """Key out and end both processes in order."""
        await self._flow_manager.close()
        self._claim_restored("at the end")
        await self._server.close()
        await self._requester.close()

    async def _bury(self) -> None:
        """Free what a process leaves to the kernel."""
        worker = self._flow_manager.queue._worker
        if worker is not None:
            worker.cancel()
            await asyncio.gather(worker, return_exceptions=True)
        for let_go in self._flow_manager.release:
            waiting = let_go()
            if waiting is not None:
                await waiting

    def _claim_restored(self, when: str) -> None:
        same = self.hardware.state() == self.hardware.before
        self._truth.claim(same, f"not as it was {when}")
        self._truth.claim(not self.hardware.journal.sessions, f"a journal is open {when}")
        self._truth.told.pop(self.client, None)

    def _written(self, setting: str, value: Any) -> None:
        owner = None if value is ABSENT else self._owners.get(value)
        if owner is not None:
            told = self._truth.told.get(self.client) == owner
            self._truth.claim(told, f"{setting} of somebody whose settings nobody asked for")
        owners = {self._owners.get(now) for now in self.hardware.settings().values()} - {None}
        self._truth.claim(len(owners) <= 1, "settings of two people at once")
