"""Both kinds of store have the same tables, and a whole one goes from each to the other."""

from __future__ import annotations

import asyncio
import sqlite3
from typing import TYPE_CHECKING, Any

import pytest

from keyin.cloud.store_copying import copy
from keyin.domain.errors import ConfigurationError, StoreUnavailable
from keyin.domain.events import Act
from keyin.domain.records import Digest, ProofUse
from keyin.oauth.ports import Enrolment
from keyin.stores import postgres as store_postgres
from keyin.stores.opening import STORE
from keyin.stores.postgres.whole import WholePostgres
from keyin.stores.sqlite import open_store
from keyin.stores.sqlite.whole import WholeSqlite
from tests import postgres
from tests.conformance.test_accounts import account, session
from tests.conformance.test_flows import application, pushed
from tests.fakes.records import NOW, client, client_key, credential, event, key, safe, token

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from keyin.stores.rows import Row
    from keyin.stores.whole import Source

pytestmark = postgres.needs_postgres
T1 = Digest("p:t1")
ALL = Enrolment(
    clients=[client(f"client-{number}") for number in range(5)],
    credentials=[credential()],
    safes=[safe()],
    keys=[key()],
    tokens=[token()],
    client_keys=[client_key()],
    applications=[application()],
)


def nobody(_table: str, _done: int, _of: int) -> None:
    """Be told nothing."""


async def _fill(store: Any) -> None:
    await store.enrol(ALL, event=event(Act.IMPORTED))
    await store.add_account(account(), event=event())
    await store.open_session(session(), instead_of=(), event=event())
    await store.add_pushed(pushed())
    await store.put_registry("linux", b"{}")
    uses = [ProofUse(namespace="dpop", digest=f"d{n}", expires=NOW) for n in range(9)]
    await store.remember(uses, now=NOW)
    await store.revoke_client(client("client-3").id, now=NOW, event=event(Act.CLIENT_REVOKED))
    await store.bump_store_epoch(event=event(Act.EPOCH_MOVED))


async def _everything(source: Source) -> Mapping[str, Sequence[Row]]:
    tables = await source.tables()
    return {
        table: sorted(
            [row async for page in source.pages(table, columns) for row in page], key=repr
        )
        for table, columns in tables.items()
    }


async def _seen(folder: Path | None, url: str | None) -> Mapping[str, Sequence[Row]]:
    whole: WholeSqlite | WholePostgres
    whole = (
        WholeSqlite(folder / STORE, make=False) if folder else await WholePostgres.open(url or "")
    )
    try:
        return await _everything(whole)
    finally:
        await whole.close()


async def _copied(source: Any, target: Any) -> dict[str, int]:
    try:
        return await copy(source, target, nobody)
    finally:
        await source.close()
        await target.close()


async def test_both_kinds_of_store_have_the_same_tables_and_columns(tmp_path: Path) -> None:
    here = WholeSqlite(tmp_path / STORE, make=True)
    there = await WholePostgres.open(postgres.cluster().database())
    assert await here.tables() == await there.tables()
    await here.close()
    await there.close()


async def test_a_store_goes_to_postgresql_and_back_row_by_row(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    store = open_store(first / STORE)
    await _fill(store)
    store.close()
    url = postgres.cluster().database()
    copied = await _copied(WholeSqlite(first / STORE, make=False), await WholePostgres.open(url))
    assert (copied["clients"], copied["jti_seen"], copied["audit"]) == (5, 9, 5)
    before = await _seen(first, None)
    assert await _seen(None, url) == before
    elsewhere = await store_postgres.open_store(url)
    await elsewhere.enrol(Enrolment(clients=[client("client-9")]), event=event())
    pictures = await elsewhere.client_pictures(after=0, most=9, site=None, status=None)
    assert [one.number for one in pictures] == [1, 2, 3, 4, 5, 6]
    assert await elsewhere.store_epoch() == 1
    assert await elsewhere.find_grant([T1]) is not None
    await elsewhere.aclose()
    between = await _seen(None, url)
    await _copied(await WholePostgres.open(url), WholeSqlite(second / STORE, make=True))
    assert await _seen(second, None) == between
    back = open_store(second / STORE)
    uses = [ProofUse(namespace="dpop", digest="d3", expires=NOW)]
    assert not await back.remember(uses, now=NOW)
    back.close()


async def test_the_chains_of_several_workers_come_along_and_one_goes_on(tmp_path: Path) -> None:
    url = postgres.cluster().database()
    workers = [await store_postgres.open_store(url) for _ in range(3)]
    for number, worker in enumerate(workers):
        for _ in range(number + 1):
            await worker.record(event(Act.ALERT))
    heads = await workers[0].audit_heads()
    assert len(heads) == 3
    for worker in workers:
        await worker.aclose()
    await _copied(await WholePostgres.open(url), WholeSqlite(tmp_path / STORE, make=True))
    store = open_store(tmp_path / STORE)
    assert list(await store.audit_heads()) == list(heads)
    await store.record(event(Act.ALERT))
    after = await store.audit_heads()
    assert [head.seq for head in after] == [2, 2, 3]
    store.close()
    again = postgres.cluster().database()
    await _copied(WholeSqlite(tmp_path / STORE, make=False), await WholePostgres.open(again))
    last = await store_postgres.open_store(again)
    assert list(await last.audit_heads()) == list(after)
    await last.aclose()


async def test_a_store_that_was_used_is_not_copied_to(tmp_path: Path) -> None:
    store = open_store(tmp_path / STORE)
    await store.record(event(Act.ALERT))
    store.close()
    other = tmp_path / "other"
    other.mkdir()
    with pytest.raises(ConfigurationError, match="something in it"):
        await _copied(
            WholeSqlite(other / STORE, make=True), WholeSqlite(tmp_path / STORE, make=True)
        )
    url = postgres.cluster().database()
    used = await store_postgres.open_store(url)
    await used.put_registry("linux", b"{}")
    await used.aclose()
    with pytest.raises(ConfigurationError, match="something in it"):
        await _copied(WholeSqlite(other / STORE, make=True), await WholePostgres.open(url))


async def test_a_database_that_a_worker_has_is_left_alone() -> None:
    url = postgres.cluster().database()
    worker = await store_postgres.open_store(url)
    await worker.record(event(Act.ALERT))
    with pytest.raises(ConfigurationError, match="serving"):
        await WholePostgres.open(url)
    await worker.aclose()


async def test_a_copy_that_breaks_off_leaves_nothing(tmp_path: Path) -> None:
    store = open_store(tmp_path / STORE)
    await _fill(store)
    store.close()
    connection = sqlite3.connect(tmp_path / STORE)
    connection.execute("UPDATE safes SET kind = 'us' || char(0) || 'er'")
    connection.commit()
    connection.close()
    url = postgres.cluster().database()
    with pytest.raises(ConfigurationError, match=r"safes\.kind has a NUL"):
        await _copied(WholeSqlite(tmp_path / STORE, make=False), await WholePostgres.open(url))
    await asyncio.sleep(0.1)  # the connection that broke off is gone
    target = await WholePostgres.open(url)
    assert await target.is_empty()
    await target.close()


async def test_a_database_that_is_away_is_told(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable):
        await WholePostgres.open(f"postgresql://keyin@/keyin?host={tmp_path}")
