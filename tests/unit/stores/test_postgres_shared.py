"""Two workers on one database: what may happen once happens once, what is counted is counted."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

import pytest

from keyin.domain.environment import Millis
from keyin.domain.events import Act
from keyin.domain.limits import Bucket
from keyin.domain.records import Digest, ProofUse, RecordId, Status
from keyin.oauth.administration_ports import Word
from keyin.oauth.ports import Enrolment
from keyin.stores.expiring import TOKENS
from keyin.stores.postgres.store import open_store
from keyin.stores.postgres.sweeping import OLD_TOKENS, STATEMENTS
from tests import postgres
from tests.conformance.test_flows import OWN, code, device, produced, pushed, question
from tests.fakes.records import NOW, client, credential, event, key, token

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from keyin.domain.authorization import Code
    from keyin.domain.enrolment import Notice
    from keyin.domain.events import Event
    from keyin.oauth.flow_ports import Produced
    from keyin.stores.postgres.store import PostgresStore
    from keyin.stores.postgres.transaction import Transaction

pytestmark = postgres.needs_postgres
THREE = Bucket(burst=3, each_ms=1000)
LATER = Millis(NOW + 3_600_000)
K1 = Digest("p:k1")


@pytest.fixture
async def workers() -> AsyncIterator[tuple[PostgresStore, PostgresStore]]:
    url = postgres.cluster().database()
    first, second = await open_store(url), await open_store(url)
    yield first, second
    await first.aclose()
    await second.aclose()


Workers = tuple["PostgresStore", "PostgresStore"]


def _reused(_: Code) -> tuple[Event, Sequence[Notice]]:
    return event(Act.TOKEN_REVOKED), ()


def _always(made: Produced, _: object) -> Produced:
    return made


async def _enrolled(store: PostgresStore) -> None:
    records = Enrolment(clients=[client()], credentials=[credential()], keys=[key()])
    await store.enrol(records, event=event())


async def test_p07_of_two_workers_one_redeems_a_code(workers: Workers) -> None:
    await _enrolled(workers[0])
    for number in range(20):
        digest = f"p:c{number}"
        await workers[0].ask(question(f"p:q{number}"), instead_of=())
        await workers[1].decide(Digest(f"p:q{number}"), code(digest), event=event())
        made: list[str] = []

        def produce(_: Code, name: str = digest, made: list[str] = made) -> Produced:
            made.append(f"{name}-t{len(made)}")
            return produced(made[-1])

        found = await asyncio.gather(
            *(
                worker.redeem([Digest(digest)], OWN, produce, reused=_reused)
                for worker in (*workers, *workers)
            )
        )
        assert len(made) == 1
        assert [one is not None and one.used for one in found].count(False) == 1
        grant = await workers[1].find_grant([Digest(made[0])])
        assert grant is not None
        assert grant.token.status is Status.REVOKED


async def test_of_two_workers_one_turns_a_wish_into_a_question(workers: Workers) -> None:
    for number in range(20):
        await workers[0].add_pushed(pushed(f"p:r{number}"))
        asked = [
            worker.ask(question(f"p:q{number}-{at}"), instead_of=[Digest(f"p:r{number}")])
            for at, worker in enumerate((*workers, *workers))
        ]
        assert sum(await asyncio.gather(*asked)) == 1


async def test_of_two_workers_one_takes_a_persons_answer_and_one_gives_the_token(
    workers: Workers,
) -> None:
    await _enrolled(workers[0])
    for number in range(10):
        digest = Digest(f"p:d{number}")
        await workers[0].add_device_request(device(digest, f"p:u{number}"))
        account = (RecordId("ac_1"), 3)
        answers = [worker.answer_device(digest, account, event=event()) for worker in workers]
        assert sum(await asyncio.gather(*answers)) == 1
        made = produced(f"p:t{number}")
        polls = [
            worker.poll([digest], OWN, partial(_always, made), now=NOW)
            for worker in (*workers, *workers)
        ]
        assert len([one for one in await asyncio.gather(*polls) if one is not None]) == 1


async def test_p42_a_bucket_is_emptied_by_both_and_once(workers: Workers) -> None:
    charges = [worker.charge("a", THREE, cost=1, now=NOW) for worker in (*workers, workers[0])]
    assert sum([await charge for charge in charges]) == 1
    for worker in workers:
        assert await worker.wait([("a", THREE)], now=NOW) == 1000


async def test_p42_what_many_take_at_once_is_all_taken(workers: Workers) -> None:
    hundred = Bucket(burst=100, each_ms=10)
    await asyncio.gather(*(worker.charge("b", hundred, cost=1, now=NOW) for worker in workers * 50))
    assert await workers[0].wait([("b", hundred)], now=NOW) == 10
    assert await workers[1].wait([("b", hundred)], now=Millis(NOW + 10)) == 0


async def test_p40_a_set_has_its_size_whoever_is_asked(workers: Workers) -> None:
    notes = [
        workers[number % 2].note("s", f"m{number % 40}", until=LATER, most=30, now=NOW)
        for number in range(80)
    ]
    found = await asyncio.gather(*notes)
    assert sorted(one for one in found if one) == list(range(1, 31))
    assert sum(one is None for one in found) >= 10
    assert await workers[0].note("s", "new", until=LATER, most=30, now=NOW) is None
    assert await workers[1].note("s", "new", until=LATER, most=31, now=NOW) == 31


async def test_p45_two_workers_give_so_many_places(workers: Workers) -> None:
    ids = [RecordId(f"client-{number}") for number in range(20)]
    await workers[0].enrol(
        Enrolment(clients=[client(id_) for id_ in ids], keys=[key()]), event=event()
    )
    claims = [
        workers[at % 2].claim_place(K1, id_, most=3, until=LATER, now=NOW)
        for at, id_ in enumerate(ids)
    ]
    assert sum(await asyncio.gather(*claims)) == 3


async def test_p03_what_one_worker_takes_back_the_other_does_not_find(workers: Workers) -> None:
    await _enrolled(workers[0])
    await workers[0].add_token(token(), event=event())
    assert await workers[1].find_grant([Digest("p:t1")]) is not None
    word = Word(status=Status.SUSPENDED, reason="lost", now=NOW, event=event())
    concerned = [worker.set_site("main hall", word, ending=True) for worker in (*workers, *workers)]
    assert sorted(await asyncio.gather(*concerned), key=str) == [1, None, None, None]
    found = await workers[1].find_grant([Digest("p:t1")])
    assert found is not None
    assert found.client.status is Status.SUSPENDED
    assert found.client.epoch == 1


async def test_a_sweep_waits_for_nobody_and_holds_nobody_up(workers: Workers) -> None:
    """Rows that another transaction has are passed over; a grant goes on beside the sweep."""
    sweeper, granting = workers
    uses = [ProofUse(namespace="dpop", digest=f"d{n}", expires=NOW) for n in range(50)]
    await sweeper.remember(uses, now=NOW)
    for number in range(50):
        await sweeper.note(f"s{number}", "m", until=NOW, most=9, now=Millis(0))
    await _enrolled(granting)
    held = asyncio.Event()
    go_on = asyncio.Event()

    async def unit(transaction: Transaction) -> None:
        await transaction.fetch("SELECT 1 FROM quota_members WHERE name < 's3' FOR UPDATE")
        held.set()
        await go_on.wait()

    holding = asyncio.create_task(granting._writer.run(unit))
    await held.wait()
    before = Millis(NOW + 1)
    async with asyncio.timeout(2):
        swept = await sweeper.sweep("quota_members", expired_before=before, most=200)
        assert 0 < swept < 50
        assert await sweeper.sweep("jti_seen", expired_before=before, most=200) == 50
        await sweeper.add_token(token(), event=event())
    go_on.set()
    await holding
    rest = await sweeper.sweep("quota_members", expired_before=before, most=200)
    assert swept + rest == 50


class _Ours(Exception):  # noqa: N818 - a test's
    """Something that a unit raises for whoever asked."""


@pytest.mark.parametrize("company", [0, 5])
async def test_what_a_unit_raises_reaches_its_caller_and_undoes_it_alone(
    workers: Workers, company: int
) -> None:
    store = workers[0]

    async def unit(transaction: Transaction) -> None:
        await transaction.execute("INSERT INTO meta (name, value) VALUES ('x', 'y')")
        raise _Ours

    others = [store.record(event(Act.ALERT)) for _ in range(company)]
    found = await asyncio.gather(store._writer.run(unit), *others, return_exceptions=True)
    assert [type(one) for one in found] == [_Ours, *[type(None)] * company]
    assert not await store._lookups.fetch("SELECT 1 FROM meta WHERE name = 'x'")
    assert sum(head.seq for head in await store.audit_heads()) == company


@pytest.mark.parametrize("table", [TOKENS, *STATEMENTS])
async def test_a_sweep_finds_its_rows_by_an_index(workers: Workers, table: str) -> None:
    places = [NOW, 9] if table != TOKENS else [NOW, 9, 1, 2]
    statement = STATEMENTS.get(table, OLD_TOKENS)

    async def unit(transaction: Transaction) -> list[str]:
        await transaction.execute("SET LOCAL enable_seqscan = off")
        await transaction.execute("SET LOCAL enable_bitmapscan = off")
        return [row[0] for row in await transaction.fetch(f"EXPLAIN {statement}", *places)]

    plan = await workers[0]._writer.run(unit)
    assert not [line for line in plan if "Seq Scan" in line], plan
    assert any("Index Cond" in line and " < " in line for line in plan), plan
