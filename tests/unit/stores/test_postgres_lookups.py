"""What one turn looks up is one query; each gets their own rows, and nobody another's failure."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from keyin.domain.errors import StoreUnavailable
from keyin.domain.records import Digest
from keyin.oauth.ports import Enrolment
from keyin.stores.postgres import lookups as lookups_module
from keyin.stores.postgres import open_store
from keyin.stores.postgres.connection import Server
from keyin.stores.postgres.lookups import MOST, Lookup, Lookups
from keyin.stores.postgres.safes import FIND_KEY
from tests import postgres
from tests.fakes.records import client, credential, event, key

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from keyin.stores.postgres import PostgresStore

pytestmark = postgres.needs_postgres
DIGESTS = [Digest(f"p:k{number}") for number in range(300)]


@pytest.fixture
async def store() -> AsyncIterator[PostgresStore]:
    opened = await open_store(postgres.cluster().database())
    keys = [key(digest) for digest in DIGESTS]
    records = Enrolment(clients=[client()], credentials=[credential()], keys=keys)
    await opened.enrol(records, event=event())
    yield opened
    await opened.aclose()


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """Note each query, and for how many it was."""
    queries: list[tuple[str, int]] = []
    look_up = Lookups._look_up

    async def noting(self: Lookups, lane: object, lookup: Lookup, waiting: list[object]) -> None:
        queries.append((lookup.sql, len(waiting)))
        await look_up(self, lane, lookup, waiting)  # type: ignore[arg-type]  # as they came

    monkeypatch.setattr(Lookups, "_look_up", noting)
    return queries


async def test_lookups_of_one_turn_are_one_query(
    store: PostgresStore, asked: Sequence[tuple[str, int]]
) -> None:
    found = await asyncio.gather(*[store.find_key((digest,)) for digest in DIGESTS[:50]])
    assert [one and one.digest for one in found] == DIGESTS[:50]
    assert asked == [(FIND_KEY.sql, 50)]


async def test_a_turn_that_asks_for_more_than_a_query_holds_makes_two(
    store: PostgresStore, asked: Sequence[tuple[str, int]]
) -> None:
    found = await asyncio.gather(*[store.find_key((digest,)) for digest in DIGESTS])
    assert all(found)
    assert sorted(count for _, count in asked) == [300 - MOST, MOST]


SLOW = Lookup("SELECT k, pg_sleep(0.2)::text FROM unnest($1::text[]) AS a (k) LIMIT 1")


async def test_what_is_asked_while_a_query_of_its_kind_is_under_way_gathers(
    store: PostgresStore, asked: Sequence[tuple[str, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lookups_module, "LATE_S", 10)
    await store.find_key((DIGESTS[0],))
    first = asyncio.create_task(store._lookups.rows(SLOW, ("a",)))
    await asyncio.sleep(0.02)
    more = []
    for name in "bcd":
        more.append(asyncio.create_task(store._lookups.rows(SLOW, (name,))))
        await asyncio.sleep(0.02)
    assert await store.find_key((DIGESTS[0],)), "another kind does not wait"
    assert not first.done()
    await asyncio.gather(first, *more)
    assert [count for sql, count in asked if sql == SLOW.sql] == [1, 3]


async def test_nobody_waits_for_a_query_of_their_kind_that_is_late(
    store: PostgresStore, asked: Sequence[tuple[str, int]]
) -> None:
    first = asyncio.create_task(store._lookups.rows(SLOW, ("a",)))
    await asyncio.sleep(2 * lookups_module.LATE_S)
    second = asyncio.create_task(store._lookups.rows(SLOW, ("b",)))
    await asyncio.sleep(0.02)
    assert not first.done()
    assert [count for sql, count in asked if sql == SLOW.sql] == [1, 1]
    await asyncio.gather(first, second)


async def test_each_gets_its_own_and_who_asks_for_nothing_that_is_there_gets_nothing(
    store: PostgresStore,
) -> None:
    asked = [(DIGESTS[1],), (Digest("p:none"),), (Digest("q:none"), DIGESTS[2]), (DIGESTS[1],)]
    found = await asyncio.gather(*[store.find_key(digests) for digests in asked])
    assert [one and one.digest for one in found] == [DIGESTS[1], None, DIGESTS[2], DIGESTS[1]]


@pytest.mark.parametrize("name", ["a\0b", "\ud800", "é\0"])
async def test_a_name_that_no_database_can_hold_is_nobody_s(
    store: PostgresStore, name: str
) -> None:
    found = await asyncio.gather(store.find_credential(name), store.find_credential("main-hall"))
    assert found[0] is None
    assert found[1] is not None


async def test_a_member_that_spoils_a_query_fails_its_own_caller_alone(
    store: PostgresStore,
) -> None:
    number = Lookup("SELECT k, (k::text)::int FROM unnest($1::text[]) AS a (k)")
    done = await asyncio.gather(
        *[store._lookups.rows(number, (text,)) for text in ("1", "no number", "3")],
        return_exceptions=True,
    )
    assert done[0] == [(1,)]
    assert isinstance(done[1], StoreUnavailable)
    assert done[2] == [(3,)]


async def test_a_caller_that_goes_away_harms_nobody(store: PostgresStore) -> None:
    tasks = [asyncio.create_task(store.find_key((digest,))) for digest in DIGESTS[:10]]
    await asyncio.sleep(0)
    tasks[3].cancel()
    done = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(done[3], asyncio.CancelledError)
    assert all(one is not None for one in done)


async def test_queries_that_take_long_leave_a_connection_to_requests(store: PostgresStore) -> None:
    loop = asyncio.get_running_loop()
    sleeping = [
        asyncio.create_task(store._lookups.fetch("SELECT pg_sleep(0.4)::text")) for _ in range(6)
    ]
    await asyncio.sleep(0.05)
    began = loop.time()
    for digest in DIGESTS[:20]:
        assert await store.find_key((digest,))
    assert loop.time() - began < 0.35
    assert len(await asyncio.gather(*sleeping)) == 6
    assert loop.time() - began > 1


async def test_an_export_sees_one_moment(store: PostgresStore) -> None:
    frozen = await open_store(store._lookups.server.url)
    await frozen.hold_still()
    await store.enrol(Enrolment(keys=[key("p:later")]), event=event())
    assert await store.find_key((Digest("p:later"),)) is not None
    assert await frozen.find_key((Digest("p:later"),)) is None
    assert await frozen.find_key((DIGESTS[0],)) is not None
    await frozen.aclose()


class Mute:
    """A server, and a connection on which nothing is ever answered."""

    def __init__(self) -> None:
        self.let_go = 0

    async def connect(self) -> Mute:
        return self

    async def execute(self, _: str) -> None:
        await asyncio.get_running_loop().create_future()

    def terminate(self) -> None:
        self.let_go += 1


async def test_a_connection_that_cannot_begin_is_let_go_of(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lookups_module, "ANSWER_S", 0.02)
    mute = Mute()
    with pytest.raises(StoreUnavailable):
        await Lookups(mute).hold_still()  # type: ignore[arg-type]  # enough of a server
    assert mute.let_go == 1


async def test_a_server_that_is_away_is_told_at_once_and_to_everybody() -> None:
    lookups = Lookups(Server("postgresql://keyin@/none?host=/nonexistent"))
    began = asyncio.get_running_loop().time()
    done = await asyncio.gather(
        *[lookups.rows(FIND_KEY, (digest,)) for digest in DIGESTS], return_exceptions=True
    )
    assert {type(one) for one in done} == {StoreUnavailable}
    assert asyncio.get_running_loop().time() < began + 1
    await lookups.close()
    with pytest.raises(StoreUnavailable, match="closed"):
        await lookups.rows(FIND_KEY, DIGESTS)


async def test_a_query_that_takes_too_long_costs_its_connection_and_no_other(
    store: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("keyin.stores.postgres.lookups.ANSWER_S", 0.3)
    slow = asyncio.create_task(store._lookups.fetch("SELECT pg_sleep(30)::text"))
    await asyncio.sleep(0.1)
    assert await store.find_key((DIGESTS[0],))
    with pytest.raises(StoreUnavailable):
        await asyncio.wait_for(slow, 2)
    assert [await store.find_key((one,)) is not None for one in DIGESTS[:5]] == [True] * 5
