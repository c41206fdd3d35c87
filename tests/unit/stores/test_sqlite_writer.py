"""Group commit: who waits for what, and what a failure takes with it."""

from __future__ import annotations

import asyncio
import sqlite3
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from keyin.domain.errors import StoreUnavailable
from keyin.domain.records import Digest, Status
from keyin.oauth.ports import Enrolment
from keyin.settings.ports import KeyAndSafe
from keyin.stores.sqlite import SqliteStore, open_store
from keyin.stores.sqlite.writer import LONE_S
from tests.fakes.records import NOW, client, credential, event, key, safe, token

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path


T1 = (Digest("p:t1"),)
K1 = (Digest("p:k1"),)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    opened = open_store(tmp_path / "store.sqlite3")
    await opened.enrol(
        Enrolment(clients=[client()], credentials=[credential()], keys=[key()], safes=[safe()]),
        event=event(),
    )
    yield opened
    opened.close()


def not_alone(store: SqliteStore) -> None:
    """Let the writer think that others write too: then units gather before they are written."""
    store._writer._last_batch = 2


def _elsewhere(folder: Path) -> sqlite3.Connection:
    return sqlite3.connect(folder / "store.sqlite3", isolation_level=None)


async def test_what_was_answered_is_committed(store: SqliteStore, tmp_path: Path) -> None:
    await store.add_token(token(), event=event())
    other = _elsewhere(tmp_path)
    assert other.execute("SELECT count(*) FROM tokens").fetchone() == (1,)
    other.close()


async def test_waiting_writers_share_commits(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    batches: list[int] = []
    write, tell_alone = store._writer._write, store._writer._tell_alone

    def counting(batch: list[Any]) -> None:
        batches.append(len(batch))
        write(batch)

    def counting_one(told: Any) -> None:
        batches.append(1)
        tell_alone(told)

    monkeypatch.setattr(store._writer, "_write", counting)
    monkeypatch.setattr(store._writer, "_tell_alone", counting_one)
    await asyncio.gather(*[store.add_token(token(f"p:{n}"), event=event()) for n in range(300)])
    assert sum(batches) == 300
    assert len(batches) < 30


async def test_a_lone_write_is_on_the_disk_before_the_loop_turns(
    store: SqliteStore, tmp_path: Path
) -> None:
    await asyncio.sleep(2 * LONE_S)
    writing = asyncio.ensure_future(store.add_token(token(), event=event()))
    await asyncio.sleep(0)
    other = _elsewhere(tmp_path)
    assert other.execute("SELECT count(*) FROM tokens").fetchone() == (1,)
    other.close()
    await writing


async def test_a_caller_that_goes_away_harms_nobody(store: SqliteStore) -> None:
    not_alone(store)
    writes = [
        asyncio.ensure_future(store.add_token(token(f"p:{n}"), event=event())) for n in range(50)
    ]
    await asyncio.sleep(0)
    for write in writes[::2]:
        write.cancel()
    outcomes = await asyncio.gather(*writes, return_exceptions=True)
    assert all(isinstance(one, asyncio.CancelledError) for one in outcomes[::2])
    assert all(one is None for one in outcomes[1::2])
    await store.add_token(token("p:after"), event=event())
    for n in range(1, 50, 2):
        assert await store.find_grant((Digest(f"p:{n}"),)) is not None


async def test_a_failing_unit_undoes_itself_alone(store: SqliteStore) -> None:
    def half_done(connection: sqlite3.Connection) -> None:
        connection.execute("UPDATE safes SET sealed = x'00'")
        raise LookupError("mine")

    outcomes = await asyncio.gather(
        store.add_token(token("p:before"), event=event()),
        store._writer.run(half_done),
        store.revoke_key(K1, reason=None, now=NOW, event=event()),
        store.add_token(token("p:after"), event=event()),
        return_exceptions=True,
    )
    assert isinstance(outcomes[1], LookupError)
    assert [outcomes[0], outcomes[2], outcomes[3]] == [None, True, None]
    found = await store.find_safe(K1)
    assert found is not None
    assert found.safe == safe()


async def test_one_token_that_cannot_be_stored_fails_alone(store: SqliteStore) -> None:
    broken = token("p:broken", audience=None)
    outcomes = await asyncio.gather(
        *[store.add_token(token(f"p:{n}"), event=event()) for n in range(10)],
        store.add_token(broken, event=event()),
        return_exceptions=True,
    )
    assert outcomes[:10] == [None] * 10
    assert isinstance(outcomes[10], StoreUnavailable)
    for n in range(10):
        assert await store.find_grant((Digest(f"p:{n}"),)) is not None


async def test_a_full_disk_is_told_to_every_caller_and_passes(store: SqliteStore) -> None:
    await store._writer.run(lambda c: c.execute("PRAGMA max_page_count = 1").fetchone())
    outcomes = await asyncio.gather(
        *[
            store.add_token(token(f"p:{n}", audience="x" * 90_000), event=event())
            for n in range(20)
        ],
        return_exceptions=True,
    )
    assert outcomes
    assert all(isinstance(one, StoreUnavailable) for one in outcomes)
    assert "space" in outcomes[0].next_step  # type: ignore[union-attr]  # asserted just above
    await store._writer.run(lambda c: c.execute("PRAGMA max_page_count = 100000").fetchone())
    await store.add_token(token(), event=event())
    assert await store.find_grant(T1) is not None


async def test_a_store_held_by_another_program_is_told(store: SqliteStore, tmp_path: Path) -> None:
    await store._writer.run(lambda c: c.execute("PRAGMA busy_timeout = 50").fetchone())
    other = _elsewhere(tmp_path)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable, match="SQLITE_BUSY") as caught:
        await store.add_token(token(), event=event())
    assert "other program" in caught.value.next_step
    assert await store.find_key(K1) is not None  # reading goes on
    other.execute("ROLLBACK")
    other.close()
    await store.add_token(token(), event=event())


async def test_a_store_that_turned_read_only_is_told(store: SqliteStore) -> None:
    await store._writer.run(lambda c: c.execute("PRAGMA query_only = ON").fetchone())
    with pytest.raises(StoreUnavailable, match="SQLITE_READONLY"):
        await store.add_token(token(), event=event())


async def test_a_closed_store_says_so(store: SqliteStore) -> None:
    store.close()
    store.close()
    with pytest.raises(StoreUnavailable):
        await store.add_token(token(), event=event())
    with pytest.raises(StoreUnavailable):
        await store.find_grant(T1)


async def test_closing_finishes_what_waits(store: SqliteStore, tmp_path: Path) -> None:
    writes = [
        asyncio.ensure_future(store.add_token(token(f"p:{n}"), event=event())) for n in range(500)
    ]
    await asyncio.sleep(0)
    store.close()
    await asyncio.gather(*writes)
    other = _elsewhere(tmp_path)
    assert other.execute("SELECT count(*) FROM tokens").fetchone() == (500,)
    other.close()


async def test_errors_quote_no_value(store: SqliteStore) -> None:
    with pytest.raises(StoreUnavailable) as caught:
        await store.add_token(token("p:canary-5150", audience=None), event=event())
    assert "canary" not in f"{caught.value} {caught.value.__cause__} {caught.value.next_step}"


@pytest.mark.parametrize("writers", [3])
async def test_changes_and_tokens_mix(store: SqliteStore, writers: int) -> None:
    def append(found: KeyAndSafe | None) -> KeyAndSafe:
        assert found is not None
        assert found.safe is not None
        return replace(found, safe=replace(found.safe, sealed=found.safe.sealed + b"x"))

    async def work(name: int) -> None:
        for n in range(20):
            await store.add_token(token(f"p:{name}-{n}"), event=event())
            await store.change_safe(K1, append)

    await asyncio.gather(*[work(name) for name in range(writers)])
    found = await store.find_safe(K1)
    assert found is not None
    assert found.safe is not None
    assert found.safe.sealed == safe().sealed + b"x" * 20 * writers


async def test_an_export_sees_one_moment(store: SqliteStore, tmp_path: Path) -> None:
    frozen = open_store(tmp_path / "store.sqlite3", migrate=False)
    await frozen.hold_still()
    await store.change_safe(K1, _resealed(b"new"))
    seen = await frozen.find_safe(K1)
    frozen.close()
    assert seen is not None
    assert seen.safe == safe()


def _resealed(sealed: bytes) -> Callable[[KeyAndSafe | None], KeyAndSafe]:
    return lambda _: KeyAndSafe(key=key(), safe=safe(sealed=sealed))


async def test_a_commit_is_on_the_disk_before_it_is_answered(store: SqliteStore) -> None:
    def settings(connection: sqlite3.Connection) -> list[object]:
        names = ("journal_mode", "synchronous")
        return [connection.execute(f"PRAGMA {name}").fetchone()[0] for name in names]

    assert await store._writer.run(settings) == ["wal", 2]  # 2: FULL


async def test_what_was_remembered_is_forgotten_at_the_commit_not_at_the_answer(
    store: SqliteStore,
) -> None:
    not_alone(store)
    found = await store.find_credential("main-hall")
    assert found is not None
    revoking = asyncio.ensure_future(
        store.revoke_client(found[0].client_id, now=NOW, event=event())
    )
    await asyncio.sleep(0)
    revoking.cancel()  # the caller goes away; the unit is carried out all the same
    assert await store.find_credential("main-hall") == found
    await store.add_token(token(), event=event())
    again = await store.find_credential("main-hall")
    assert again is not None
    assert again[1] is not None
    assert again[1].status is Status.REVOKED
