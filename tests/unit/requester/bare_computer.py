"""A computer without an identity, in this process: a folder, a cloud that is a fake, a clock."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx
import msgspec

from keyin.access_requester.config import Config, EnrolmentSection
from keyin.access_requester.wiring import Wired, build
from keyin.domain.environment import Millis
from keyin.remote.ipc import Peer
from keyin.stores.host import SystemEntropy
from keyin.stores.identity_files import IdentityFiles
from tests.fakes.enrolling_cloud import EnrollingCloud

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path


MINE = Peer(1, 0, 0)


class PatientClock:
    """The wall's time as one says; seconds that are waited for are as short as one likes."""

    def __init__(self) -> None:
        self.wall, self.waited, self.times_faster = 1_700_000_000_000, 0.0, 50.0

    def now(self) -> Millis:
        return Millis(self.wall)

    def monotonic(self) -> float:
        return self.waited

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / self.times_faster)
        self.waited += seconds


@dataclass
class Computer:
    """One folder; `start` is the process's start, as often as one likes."""

    folder: Path
    cloud: EnrollingCloud
    clock: PatientClock = field(default_factory=PatientClock)
    failing: Callable[[str, str], Exception | None] = lambda _method, _path: None
    more: dict[str, str] = field(default_factory=dict)
    """Further keys of `[enrolment]`."""
    wired: Wired = field(init=False)

    def __post_init__(self) -> None:
        self.machine("a" * 32)
        self.boot(1)
        self.start()

    def machine(self, machine_id: str) -> None:
        (self.folder / "machine-id").write_text(machine_id + "\n")

    def boot(self, number: int) -> None:
        (self.folder / "boot-id").write_text(f"{number}\n")

    def config(self) -> Config:
        return Config(
            cloud=self.cloud.url,
            credential=str(self.folder / "credential.json"),
            socket=str(self.folder / "s.sock"),
            enrolment=EnrolmentSection(
                machine_id=str(self.folder / "machine-id"),
                boot_id=str(self.folder / "boot-id"),
                name="Desk 3",
                **self.more,
            ),
        )

    def start(self) -> None:
        self.wired = build(
            self.config(),
            again=self.config,
            clock=self.clock,
            entropy=SystemEntropy(),
            network=httpx.MockTransport(self._answer),
        )

    @property
    def files(self) -> IdentityFiles:
        return IdentityFiles(self.folder / "credential.json")

    @property
    def client_id(self) -> str | None:
        held = self.files.held()
        return None if held is None else held.client_id

    async def ask(self, op: str, **fields: object) -> dict[str, Any]:
        """Ask behind the administrators' door."""
        message = {"v": 1, "id": "1", "op": op, **fields}
        return await self.wired.administering(MINE, message)

    async def settle(self, *, steps: int = 12) -> None:
        """Let the keeper do what there is to do, without its pauses."""
        for _ in range(steps):
            if await self.wired.keeper.once() is None:
                return

    async def until(self, *stages: str) -> dict[str, Any]:
        """Wait until the enrolment is there."""
        async with asyncio.timeout(20):
            while True:
                standing = await self.ask("enrol_status")
                if standing["stage"] in stages:
                    return standing
                await asyncio.sleep(0.005)

    async def enrolled(self) -> str:
        """Enrol with a code; return the client id."""
        await self.ask("enrol_code", code=self.cloud.new_code())
        assert self.client_id
        return self.client_id

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        failure = self.failing(request.method, request.url.path)
        headers = dict(request.headers)
        if failure is not None and not isinstance(failure, LostAnswer):
            raise failure
        status, more, body = self.cloud.handle(
            request.method, request.url.path, headers, request.content
        )
        if failure is not None:
            raise failure
        stream = httpx.ByteStream(json.dumps(body).encode())
        date = {"Date": _http_date(self.cloud.now())}
        return httpx.Response(status, headers={**date, **more}, stream=stream)


class LostAnswer(httpx.ReadError):
    """The cloud has done what was asked, and nobody here knows."""

    def __init__(self) -> None:
        super().__init__("lost")


def _http_date(now: Millis) -> str:
    from email.utils import formatdate  # noqa: PLC0415 - of this function only

    return formatdate(now / 1000, usegmt=True)


def new_computer(folder: Path, **more: str) -> Computer:
    folder.mkdir(mode=0o700, exist_ok=True)
    clock = PatientClock()
    cloud = EnrollingCloud(url="https://cloud.example", time=lambda: clock.wall / 1000)
    return Computer(folder, cloud, clock=clock, more=more)


@asynccontextmanager
async def browsing(url: str) -> AsyncIterator[httpx.Response]:
    """Go where a browser is sent, to a listener of this computer."""
    async with httpx.AsyncClient(trust_env=False) as browser:
        yield await browser.get(url)


def standing_of(answer: dict[str, Any]) -> tuple[str, bool]:
    return answer["stage"], answer["enrolled"]


def shown(answer: Any) -> str:
    return msgspec.json.encode(answer).decode()
