"""Every minute: what went on is signed, what was refused is written down, the anchor follows."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from keyin.cloud.audit_copying import Copier
from keyin.cloud.audit_keeping import Keeper
from keyin.cloud.gate import Gate
from keyin.cloud.metrics import Metrics
from keyin.domain.environment import Millis
from keyin.domain.errors import StoreUnavailable
from keyin.domain.refusal_counts import RefusalCount, RefusalCounter
from keyin.stores import key_files
from keyin.stores.audit_anchor import Anchor
from keyin.stores.audit_copy import AuditCopy
from keyin.stores.audit_keys import AuditKeys
from keyin.stores.host import SystemEntropy
from keyin.stores.memory import MemoryStore
from keyin.wire.audit_checkpoints import read
from tests.fakes.records import NOW, event

if TYPE_CHECKING:
    from pathlib import Path


class Clock:
    """Time that goes on by sleeping."""

    def __init__(self) -> None:
        self.slept = 0.0

    def now(self) -> Millis:
        return Millis(int(NOW + self.slept * 1000))

    def monotonic(self) -> float:
        return self.slept

    async def sleep(self, seconds: float) -> None:
        self.slept += seconds
        await asyncio.sleep(0)


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    folder = tmp_path / "secrets"
    key_files.make_directory(folder)
    return folder


def keeper_of(store: MemoryStore, secrets: Path, anchor: Path | None = None) -> Keeper:
    return Keeper(
        store=store,
        keys=AuditKeys.open(secrets, entropy=SystemEntropy(), create=True),
        anchor=Anchor(anchor or secrets),
        refusals=RefusalCounter(),
        clock=Clock(),
    )


async def test_only_what_went_on_is_signed(secrets: Path) -> None:
    store = MemoryStore()
    keeper = keeper_of(store, secrets)
    await keeper.start()
    await keeper.step()
    assert await store.audit_checkpoints() == []
    await store.record(event())
    for _ in range(2):
        await keeper.step()
    (checkpoint,) = await store.audit_checkpoints()
    assert [checkpoint.head] == await store.audit_heads()
    assert read(checkpoint.signature, keeper.keys.public) == checkpoint
    assert Anchor(secrets).read() == [checkpoint.signature]


async def test_another_process_goes_on_where_this_one_stopped(secrets: Path) -> None:
    store = MemoryStore()
    for _ in range(2):
        keeper = keeper_of(store, secrets)
        await keeper.start()
        await store.record(event())
        await keeper.step()
        await keeper.step()
    assert [one.head.seq for one in await store.audit_checkpoints()] == [1, 2]
    assert len(list(secrets.glob("audit-key-*"))) == 1


async def test_an_anchor_that_cannot_be_written_is_told_once(secrets: Path, tmp_path: Path) -> None:
    store = MemoryStore()
    keeper = keeper_of(store, secrets, tmp_path / "not there")
    await keeper.start()
    with capture_logs() as logs:
        for _ in range(2):
            await store.record(event())
            await keeper.step()
    assert [line["event"] for line in logs] == ["audit_anchor_not_written"]
    assert len(await store.audit_checkpoints()) == 2


async def test_a_store_of_before_is_not_signed_in_place_of_this_one(secrets: Path) -> None:
    keeper = keeper_of(MemoryStore(), secrets)
    await keeper.store.record(event())
    await keeper.step()
    old = Anchor(secrets).read()
    other = keeper_of(MemoryStore(), secrets)
    await other.store.record(event(actor="somebody else"))
    with capture_logs() as logs:
        await other.start()
        await other.step()
    assert [line["event"] for line in logs] == ["audit_broken"]
    assert Anchor(secrets).read() == old


async def test_refusals_are_written_down_every_minute_and_survive_a_store_that_is_away(
    secrets: Path,
) -> None:
    class Away(MemoryStore):
        away = True

        async def add_refusal_counts(self, counts: object) -> None:
            if self.away:
                self.away = False
                raise StoreUnavailable("away")
            await super().add_refusal_counts(counts)  # type: ignore[arg-type]  # as it came

    store = Away()
    keeper = keeper_of(store, secrets)
    keeper.refusals.count("wrong_secret", "192.0.2.0/24", NOW)
    running = asyncio.create_task(keeper.run())
    for _ in range(20):
        await asyncio.sleep(0)
    running.cancel()
    assert await store.refusal_counts(since=Millis(0)) == [
        RefusalCount(Millis(NOW - NOW % 60_000), "wrong_secret", "192.0.2.0/24", 1)
    ]


async def test_a_copy_of_another_store_is_told_and_gone_on_with(tmp_path: Path) -> None:
    def copier(store: MemoryStore) -> Copier:
        return Copier(
            store=store,
            copy=AuditCopy(tmp_path / "copy.jsonl"),
            clock=Clock(),
            metrics=Metrics(),
            gate=Gate(),
            required=True,
        )

    first, second = MemoryStore(), MemoryStore()
    for _ in range(3):
        await first.record(event())
    await copier(first).start()
    await second.record(event(actor="somebody else"))
    with capture_logs() as logs:
        going_on = copier(second)
        await going_on.start()
        await second.record(event(actor="later"))
        await going_on.end()
    assert [line["event"] for line in logs] == ["audit_copy_differs"]
    assert b'"later"' in (tmp_path / "copy.jsonl").read_bytes()
