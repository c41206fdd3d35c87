"""A flow manager built as the real one is, with neighbours in memory and time that is told."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from keyin.domain.errors import Refused
from keyin.domain.secret import AccessToken, GpiiKey, Pin
from keyin.flow_manager.config import Config
from keyin.flow_manager.wiring import build
from keyin.session.world import Pretended
from tests.fakes.session import FakeClock, MemoryJournal, NoFiles, Stores

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

    from keyin.domain.absent import Value
    from keyin.flow_manager.app import FlowManager
    from keyin.session.sender import Sender

SOLUTION = "net.example.sound"
CLOUD = "http://127.0.0.1:9"


@dataclass
class Neighbours:
    """The access requester, the cloud and the device reporter."""

    clock: FakeClock = field(default_factory=FakeClock)
    asked: list[tuple[str, str]] = field(default_factory=list)
    """Every question with its request id; no key is kept."""
    tokens: dict[str, int] = field(default_factory=dict)
    """How many tokens each key has had, as long as it is not forgotten."""
    issued: int = 0
    slow: dict[str, int] = field(default_factory=dict)
    """Milliseconds that a key's token takes."""
    refused: dict[str, Refused] = field(default_factory=dict)
    stale: set[str] = field(default_factory=set)
    """Tokens that the cloud does not accept."""
    document: dict[str, Any] | None = None
    senders: list[str] = field(default_factory=list)
    """Of whom each question was, by thumbprint: of the token's and of the settings'."""

    async def token(
        self,
        key: GpiiKey,
        sender: Sender,
        *,
        pin: Pin | None = None,  # noqa: ARG002 - the port's shape
        request_id: str,
    ) -> AccessToken:
        self.senders.append(sender.jkt)
        self.asked.append(("token", request_id))
        name = key.reveal()
        until = self.clock.time + self.slow.get(name, 0)
        while self.clock.time < until:  # noqa: ASYNC110 - until the test tells the time
            await asyncio.sleep(0.002)
        if name in self.refused:
            raise self.refused[name]
        if name not in self.tokens:
            self.issued += 1
            self.tokens[name] = self.issued
        return AccessToken(f"token-{self.tokens[name]}")

    async def forget(self, key: GpiiKey | None, *, request_id: str) -> None:
        self.asked.append(("forget", request_id))
        if key is None:
            self.tokens.clear()
        else:
            self.tokens.pop(key.reveal(), None)

    async def settings(
        self,
        token: AccessToken,
        sender: Sender,
        device: Mapping[str, Value],  # noqa: ARG002 - the port's shape
        *,
        request_id: str,
    ) -> Mapping[str, Value]:
        self.asked.append(("settings", request_id))
        self.senders.append(sender.jkt)
        if token.reveal() in self.stale:
            raise Refused("unauthorized", "no")
        return document({"loud": 7}) if self.document is None else self.document

    async def report(self) -> Mapping[str, Value]:
        return {"OS": {"id": "linux", "version": "1"}, "solutions": [{"id": SOLUTION}]}


def document(settings: Mapping[str, Any], *, type_: str = "test.values") -> dict[str, Any]:
    """Return the cloud's answer that sets these of the solution."""
    uri = f"http://registry.gpii.net/applications/{SOLUTION}"
    application = {"active": True, "settings": {uri: dict(settings)}}
    return {
        "matchMakerOutput": {
            "inferredConfiguration": {"gpii-default": {"applications": {SOLUTION: application}}}
        },
        "solutionsRegistryEntries": {
            SOLUTION: {"settingsHandlers": {"all": {"type": type_, "liveness": "live"}}}
        },
        "preferences": {},
        "gpiiKey": "",
    }


@dataclass
class Played:
    """A flow manager that runs, and what it stands among."""

    manager: FlowManager
    neighbours: Neighbours
    stores: Stores
    journal: MemoryJournal
    clock: FakeClock

    @property
    def settings(self) -> dict[str, Any]:
        """What the solution's store holds."""
        return self.stores.state.get(("test.values", SOLUTION), {})


@asynccontextmanager
async def running(
    folder: Path, neighbours: Neighbours | None = None, *, doors: bool = True, listen: bool = True
) -> AsyncIterator[Played]:
    """Start a flow manager in this process; with `doors` it listens for real."""
    neighbours = neighbours or Neighbours()
    stores, journal = Stores(), MemoryJournal()
    stores.state["test.values", SOLUTION] = {"loud": 3}
    config = Config(
        cloud=CLOUD,
        requester=str(folder / "requester"),
        socket=str(folder / "run" / "control.sock"),
        listen="127.0.0.1:0" if listen else None,
    )
    manager = build(
        config,
        clock=neighbours.clock,
        handlers=stores,
        pretend=lambda: Pretended(handlers=stores.pretended(), files=NoFiles()),
        journal=journal,
        tokens=neighbours,
        cloud=neighbours,
        device=neighbours,
    )
    await manager.begin()
    neighbours.asked.clear()  # what a start asks is not what a key-in asks
    if doors:
        await manager.open_doors()
    try:
        yield Played(manager, neighbours, stores, journal, neighbours.clock)
    finally:
        await manager.close()
