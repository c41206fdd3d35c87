"""One run: some people, some computers, a cloud, some days; everything by one seed."""

from __future__ import annotations

import asyncio
import io
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING

import httpx
import structlog
from msgspec.structs import replace

from keyin.cloud.access_log import AccessLog
from keyin.cloud.config import CloudConfig
from keyin.cloud.wiring import build as build_cloud
from keyin.domain.records import Status
from keyin.oauth.ports import Enrolment
from keyin.remote.log import configure_logging
from keyin.stores.memory import MemoryStore
from keyin.stores.secrets_directory import SecretsDirectory
from tests.fakes.records import event
from tests.simulation.computer import Dead
from tests.simulation.desk import CLOUD, Desk
from tests.simulation.network import Cloud, Truth
from tests.simulation.virtual_time import VirtualClock, run
from tests.simulation.world import Person, bring_in, new_computer, person_papers

if TYPE_CHECKING:
    from pathlib import Path

    from keyin.domain.records import Credential

PAUSES = (0.01, 2.0, 45.0, 130.0, 885.0, 1000.0)
"""Seconds between what people do; a token lives 900."""
OPS = (
    "login",
    "login",
    "login",
    "other",
    "logout",
    "wrong logout",
    "preview",
    "at once",
    "stranger",
)
EVENTS = ("outage", "outage", "requester restarts", "key revoked", "computer revoked")


class SeededEntropy:
    """Chance by seed."""

    def __init__(self, random: Random) -> None:
        self._random = random

    def token_bytes(self, count: int) -> bytes:
        return self._random.randbytes(count)


@dataclass
class Days:
    """One run. `violations` is empty if every invariant held."""

    seed: int
    ca: Path
    log: io.StringIO = field(default_factory=io.StringIO)

    def __post_init__(self) -> None:
        self.random = Random(self.seed)  # noqa: S311 - a schedule, and to be repeated
        self.truth = Truth(clock=VirtualClock())
        self.people = [
            Person.make(number, self.random) for number in range(self.random.randint(2, 4))
        ]

    @property
    def violations(self) -> list[str]:
        return self.truth.violations

    async def live(self) -> None:
        """Play everything, then bring all in order and look once more."""
        asyncio.get_running_loop().set_exception_handler(self._unhandled)
        await self._prepare()
        await asyncio.gather(self._world(), *(self._use(desk) for desk in self.desks))
        self.cloud.down = False
        for desk in self.desks:
            desk.spare()
            await desk.after()
            await self._out(desk)
            await desk.end()
        await asyncio.sleep(1)  # the cloud's log lines wait so long
        for text in [
            *(person.key for person in self.people),
            *(desk.private["d"] for desk in self.desks),
        ]:
            self.truth.claim(text not in self.log.getvalue(), "a key or a secret in a log")

    async def _prepare(self) -> None:
        entropy = SeededEntropy(self.random)
        self.store = MemoryStore()
        self.secrets = SecretsDirectory.in_memory(entropy=entropy)
        papers = [paper for person in self.people for paper in person_papers(person)]
        await self._import(papers)
        built = await build_cloud(
            CloudConfig(issuer=CLOUD),
            store=self.store,
            secrets=self.secrets,
            clock=self.truth.clock,
            entropy=entropy,
            access_log=AccessLog(self.log),
        )
        self.cloud = Cloud(httpx.ASGITransport(built.app))
        by_key = {person.key: person for person in self.people}
        self.desks: list[Desk] = []
        self.credentials: list[Credential] = []
        for number in range(self.random.randint(1, 3)):
            client_id, key, records = new_computer(number, entropy, self.truth.clock.now())
            await self.store.enrol(records, event=event())
            self.credentials += records.credentials
            desk = Desk(
                number,
                client_id=client_id,
                key=key,
                cloud=self.cloud,
                truth=self.truth,
                random=self.random,
                entropy=entropy,
                ca=self.ca,
                people=by_key,
            )
            self.desks.append(desk)
            await desk.start()

    async def _import(self, papers: list[dict[str, object]]) -> None:
        await bring_in(self.store, self.secrets, papers, self.truth.clock.now())

    async def _use(self, desk: Desk) -> None:
        """Let people come and go."""
        for _ in range(self.random.randint(4, 9)):
            await asyncio.sleep(self.random.choice(PAUSES))
            op = self.random.choice(OPS)
            results = await asyncio.gather(*self._op(desk, op))
            self.truth.note(f"{op}: {' '.join(results)}", desk.client)
            await desk.after()

    def _op(self, desk: Desk, op: str) -> list[asyncio.Task[str]]:
        """Begin what somebody does; `at once` is several things, not waiting for each other."""
        key = self.random.choice(self.people).key
        match op:
            case "logout":
                asked = [desk.ask("logout")]
            case "wrong logout":
                asked = [desk.ask("logout", gpii_key=key)]
            case "preview":
                asked = [desk.ask("login", gpii_key=key, dry_run=True)]
            case "stranger":
                asked = [desk.ask("login", gpii_key="nobody-has-this-key")]
            case "at once":
                other = self.random.choice(self.people).key
                asked = [desk.ask("login", gpii_key=name) for name in (key, other)]
                asked.append(desk.ask("logout"))
            case _:
                asked = [desk.ask("login", gpii_key=key)]
        return [asyncio.create_task(one) for one in asked]

    async def _out(self, desk: Desk) -> None:
        answer = await desk.ask("logout")
        self.truth.claim(answer in {"ok", "nobody_active"}, f"the last logout: {answer}")

    async def _world(self) -> None:
        """Let things happen that nobody at a computer does."""
        for _ in range(self.random.randint(1, 5)):
            await asyncio.sleep(self.random.choice(PAUSES))
            happens = self.random.choice(EVENTS)
            self.truth.note(happens)
            match happens:
                case "outage":
                    self.cloud.down = True
                    await asyncio.sleep(self.random.choice(PAUSES))
                    self.cloud.down = False
                case "requester restarts":
                    await self.random.choice(self.desks).restart_requester()
                case "key revoked":
                    person = self.random.choice(self.people)
                    await self._import(person_papers(person, revoked=True))
                    self.truth.revoked_keys.add(person.key)
                case "computer revoked":
                    number = self.random.randrange(len(self.desks))
                    revoked = replace(self.credentials[number], status=Status.REVOKED)
                    await self.store.enrol(Enrolment(credentials=[revoked]), event=event())
                    self.truth.revoked_clients.add(self.desks[number].client)

    def _unhandled(self, _loop: object, context: dict[str, object]) -> None:
        if not isinstance(context.get("exception"), Dead):
            self.truth.claim(False, f"unhandled: {context.get('message')}")  # noqa: FBT003 - says so


def simulate(seed: int, ca: Path) -> Days:
    """Play one seed; return it with what happened."""
    days = Days(seed, ca)
    configure_logging("simulation", stream=days.log)
    try:
        run(days.live())
    except AssertionError as error:
        days.violations.append(f"{type(error).__name__}: {error}")
    finally:
        structlog.reset_defaults()
    return days
