"""What one turn wants written is one transaction, and nobody answers for another's failure."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from keyin.domain.environment import Millis
from keyin.domain.errors import StoreUnavailable
from keyin.domain.events import Act
from keyin.domain.limits import Bucket
from keyin.domain.records import Digest, ProofUse, Status
from keyin.oauth.ports import Enrolment
from keyin.settings.ports import KeyAndSafe
from keyin.stores.postgres import open_store
from keyin.stores.postgres.transaction import Transaction
from keyin.wire.audit_chain import Walk
from tests import postgres
from tests.fakes.records import NOW, client, credential, event, key, safe, token

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from keyin.domain.events import Event
    from keyin.stores.postgres import PostgresStore
    from keyin.stores.rows import Row

pytestmark = postgres.needs_postgres
LATER = Millis(NOW + 3_600_000)
K1 = (Digest("p:k1"),)


class Refusing(Exception):  # noqa: N818 - what a caller says, no mistake
    pass


@pytest.fixture
def url() -> str:
    return postgres.cluster().database()


@pytest.fixture
async def store(url: str) -> AsyncIterator[PostgresStore]:
    opened = await open_store(url)
    records = Enrolment(
        clients=[client()], credentials=[credential()], keys=[key(safe_id="s_1")], safes=[safe()]
    )
    await opened.enrol(records, event=event())
    yield opened
    await opened.aclose()


@pytest.fixture
async def other(url: str) -> AsyncIterator[PostgresStore]:
    opened = await open_store(url)
    yield opened
    await opened.aclose()


def _tokens(count: int) -> list[Digest]:
    return [Digest(f"p:t{number}") for number in range(count)]


async def _commits(store: PostgresStore) -> int:
    (row,) = await store._lookups.fetch(
        "SELECT pg_stat_get_db_xact_commit(oid)::bigint FROM pg_database "
        "WHERE datname = current_database()"
    )
    return int(row[0])


async def test_the_grants_of_one_turn_are_one_statement(
    store: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    await store.record(event())
    connection = await store._writer._lane.connection()
    statements: list[str] = []
    execute = connection.execute

    async def counting(query: str, *args: object) -> str:
        statements.append(query)
        return await execute(query, *args)

    monkeypatch.setattr(type(connection), "execute", staticmethod(counting))
    await asyncio.gather(*[store.add_token(token(one), event=event()) for one in _tokens(50)])
    monkeypatch.undo()
    assert len(statements) == 1
    assert len([one for one in _tokens(50) if await store.find_grant((one,))]) == 50


async def test_one_bad_row_among_fifty_fails_its_own_caller_alone(store: PostgresStore) -> None:
    good = _tokens(50)
    bad = token("p:bad", scope="not\0storable")
    added = [store.add_token(token(one), event=event()) for one in good]
    added.insert(25, store.add_token(bad, event=event(Act.ALERT)))
    done = await asyncio.gather(*added, return_exceptions=True)
    assert [type(one) for one in done if one is not None] == [StoreUnavailable]
    assert isinstance(done[25], StoreUnavailable)
    for one in good:
        assert await store.find_grant((one,))
    assert not await store.find_grant((Digest("p:bad"),))
    rows = await store.audit_rows("main", after=0, most=1000)
    assert len(rows) == 51  # the enrolment and fifty grants; nothing tells of the one that failed
    walk = Walk("main")
    assert all(walk.step(row) for row in rows)


async def test_one_bad_unit_among_fifty_undoes_itself_alone(store: PostgresStore) -> None:
    async def good(number: int, transaction: Transaction) -> int:
        await transaction.execute("INSERT INTO meta VALUES ($1, 'yes')", f"good {number}")
        transaction.append(event(Act.ALERT, reason=f"good {number}"))
        return number

    async def refusing(transaction: Transaction) -> int:
        await transaction.execute("INSERT INTO meta VALUES ('bad', 'yes')")
        transaction.append(event(Act.ALERT, reason="bad"))
        raise Refusing

    async def breaking(transaction: Transaction) -> int:
        return await transaction.execute("INSERT INTO meta VALUES ('worse', NULL)")

    units = [store._writer.run(partial(good, number)) for number in range(48)]
    done = await asyncio.gather(
        *units, store._writer.run(refusing), store._writer.run(breaking), return_exceptions=True
    )
    assert done[:48] == list(range(48))
    assert isinstance(done[48], Refusing)
    assert isinstance(done[49], StoreUnavailable)
    names = {row[0] for row in await store._lookups.fetch("SELECT name FROM meta")}
    assert {f"good {number}" for number in range(48)} <= names
    assert not {"bad", "worse"} & names
    told = [row.event for row in await store.audit_rows("main", after=0, most=1000)]
    assert len([one for one in told if '"good ' in one]) == 48
    assert not [one for one in told if '"bad"' in one]


def _adding(text: bytes, told: Event | None = None) -> Callable[[KeyAndSafe | None], KeyAndSafe]:
    def change(found: KeyAndSafe | None) -> KeyAndSafe:
        assert found is not None
        assert found.safe is not None
        return replace(found, safe=replace(found.safe, sealed=found.safe.sealed + text), event=told)

    return change


async def _one_by_one(
    store: PostgresStore, digests: Sequence[Digest], times: int, told: Event | None = None
) -> None:
    """Change a safe again and again, each time in a transaction of its own."""
    for _ in range(times):
        await store.change_safe(digests, _adding(b"x", told))


async def _statements(store: PostgresStore, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Note what the connection that writes is asked from now on."""
    await store.record(event())
    connection = await store._writer._lane.connection()
    asked: list[str] = []

    def noting(name: str) -> Callable[..., Any]:
        ask = getattr(connection, name)

        async def note(query: str, *args: object) -> Any:
            asked.append(query.split(maxsplit=1)[0])
            return await ask(query, *args)

        return note

    for name in ("execute", "fetch", "fetchrow"):
        monkeypatch.setattr(type(connection), name, staticmethod(noting(name)))
    return asked


async def test_the_saves_of_one_turn_are_a_look_and_one_statement(
    store: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [Digest(f"p:many{number}") for number in range(20)]
    keys = [key(one, safe_id=f"s_{one}") for one in names]
    safes = [safe(f"s_{one}") for one in names]
    await store.enrol(Enrolment(keys=keys, safes=safes), event=event())
    asked = await _statements(store, monkeypatch)
    await asyncio.gather(*[store.change_safe((one,), _adding(b"x")) for one in names * 2])
    monkeypatch.undo()
    assert asked == ["SELECT", "UPDATE"]
    for one in names:
        found = await store.find_safe((one,))
        assert found is not None
        assert found.safe == safe(f"s_{one}", sealed=safe().sealed + b"xx")


async def test_what_is_taken_from_a_bucket_is_one_statement(
    store: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket = Bucket(burst=3, each_ms=1000)
    asked = await _statements(store, monkeypatch)
    emptied = await asyncio.gather(
        *[store.charge("one", bucket, cost=1, now=NOW) for _ in range(3)]
    )
    monkeypatch.undo()
    assert (asked, emptied) == (["WITH"], [False, False, True])


@pytest.mark.parametrize("what", ["key", "safe"])
async def test_a_save_that_something_came_before_sees_it(
    store: PostgresStore, other: PostgresStore, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """Between the look and the save another worker revokes the key, or saves."""
    seen: list[KeyAndSafe] = []
    between = [
        partial(other.revoke_key, K1, reason=None, now=NOW, event=event())
        if what == "key"
        else partial(other.change_safe, K1, _adding(b" first"))
    ]
    fetch = Transaction.fetch

    async def late(self: Transaction, sql: str, *args: object) -> list[Row]:
        found = await fetch(self, sql, *args)
        if sql.startswith("SELECT") and between:
            await between.pop()()
        return found

    def change(found: KeyAndSafe | None) -> KeyAndSafe:
        assert found is not None
        seen.append(found)
        return _adding(b" second")(found)

    monkeypatch.setattr(Transaction, "fetch", late)
    await store.change_safe(K1, change)
    assert [one.key.status for one in seen] == [
        Status.ACTIVE,
        Status.REVOKED if what == "key" else Status.ACTIVE,
    ]
    found = await store.find_safe(K1)
    assert found is not None
    assert found.safe is not None
    first = b"" if what == "key" else b" first"
    assert found.safe.sealed == safe().sealed + first + b" second"


async def test_changes_of_one_safe_by_two_workers_lose_nothing(
    store: PostgresStore, other: PostgresStore
) -> None:
    for told in (event(), None):  # with an event it is changed under its lock
        await asyncio.gather(*[_one_by_one(one, K1, 30, told) for one in (store, other)])
    found = await store.find_safe(K1)
    assert found is not None
    assert found.safe is not None
    assert found.safe.sealed == safe().sealed + b"x" * 120
    for chain in ("main", "main.2"):
        walk = Walk(chain)
        assert all(walk.step(row) for row in await store.audit_rows(chain, after=0, most=1000))
    assert [head.chain for head in await store.audit_heads()] == ["main", "main.2"]


async def test_keys_that_share_a_safe_lose_nothing(
    store: PostgresStore, other: PostgresStore
) -> None:
    second = key("p:k2", safe_id="s_1")
    await store.enrol(Enrolment(keys=[second]), event=event())
    names = (K1, (second.digest,))
    await asyncio.gather(
        *[_one_by_one(one, digests, 20) for one, digests in zip((store, other), names, strict=True)]
    )
    found = await other.find_safe(K1)
    assert found is not None
    assert found.safe is not None
    assert found.safe.sealed == safe().sealed + b"x" * 40


async def test_of_two_workers_that_make_the_same_key_one_makes_it(
    store: PostgresStore, other: PostgresStore
) -> None:
    def making(found: KeyAndSafe | None) -> KeyAndSafe:
        if found is not None and found.safe is not None:
            return replace(found, safe=replace(found.safe, sealed=found.safe.sealed + b"x"))
        return KeyAndSafe(key=key("p:new", safe_id="s_new"), safe=safe("s_new", sealed=b"x"))

    names = (Digest("p:new"),)
    await asyncio.gather(*[one.change_safe(names, making) for one in (store, other) * 5])
    found = await store.find_safe(names)
    assert found is not None
    assert found.safe is not None
    assert found.safe.sealed == b"x" * 10


async def test_of_two_workers_that_give_a_key_its_safe_one_gives_it(
    store: PostgresStore, other: PostgresStore
) -> None:
    names = [Digest(f"p:bare{number}") for number in range(20)]
    await store.enrol(Enrolment(keys=[key(one, safe_id=None) for one in names]), event=event())

    def giving(own: str, found: KeyAndSafe | None) -> KeyAndSafe:
        assert found is not None
        if found.safe is not None:
            return replace(found, safe=replace(found.safe, sealed=found.safe.sealed + b"x"))
        given = safe(f"s_{own}_{found.key.digest}", sealed=b"x")
        return replace(found, key=replace(found.key, safe_id=given.id), safe=given)

    await other.record(event())  # both have their connections: from here on they go step by step
    for name in names:
        await asyncio.gather(
            store.change_safe((name,), partial(giving, "one")),
            other.change_safe((name,), partial(giving, "two")),
        )
    for name in names:
        found = await store.find_safe((name,))
        assert found is not None
        assert found.safe is not None
        assert found.safe.sealed == b"xx"


async def test_a_change_that_says_no_leaves_the_others_alone(store: PostgresStore) -> None:
    def refusing(_: KeyAndSafe | None) -> KeyAndSafe:
        raise Refusing

    done = await asyncio.gather(
        *[store.change_safe(K1, _adding(b"x")) for _ in range(3)],
        store.change_safe(K1, refusing),
        return_exceptions=True,
    )
    assert done[:3] == [None] * 3
    assert isinstance(done[3], Refusing)
    found = await store.find_safe(K1)
    assert found is not None
    assert found.safe is not None
    assert found.safe.sealed == safe().sealed + b"xxx"


async def test_p13_of_many_with_one_proof_at_two_workers_one_is_remembered(
    store: PostgresStore, other: PostgresStore
) -> None:
    proof = ProofUse(namespace="dpop", digest="once", expires=LATER)
    done = await asyncio.gather(
        *[
            one.add_token(token(digest), event=event(), uses=[proof])
            for digest, one in zip(_tokens(40), (store, other) * 20, strict=True)
        ]
    )
    assert done.count(None) == 1
    assert done.count(proof) == 39
    there = [digest for digest in _tokens(40) if await store.find_grant((digest,))]
    assert there == [_tokens(40)[done.index(None)]]


async def test_proofs_that_cross_are_used_once_each(
    store: PostgresStore, other: PostgresStore
) -> None:
    one, two = (ProofUse(namespace="dpop", digest=name, expires=LATER) for name in ("a", "b"))
    pairs: list[Sequence[ProofUse]] = [(one, two), (two, one)]
    done = await asyncio.gather(
        store.remember(pairs[0], now=NOW), other.remember(pairs[1], now=NOW)
    )
    assert sorted(done) == [False, True]
    assert await store.came_before([two, one]) == two


async def test_closing_writes_what_waits(url: str) -> None:
    first = await open_store(url)
    waiting = asyncio.create_task(first.record(event(Act.ALERT, reason="waiting")))
    await asyncio.sleep(0)
    await first.aclose()
    await waiting
    with pytest.raises(StoreUnavailable, match="closed"):
        await first.record(event())
    second = await open_store(url)
    rows = await second.audit_rows("main", after=0, most=10)
    await second.aclose()
    assert '"waiting"' in rows[-1].event


async def test_a_chain_goes_on_where_its_last_writer_stopped(url: str) -> None:
    for number in range(3):
        one = await open_store(url)
        await one.record(event(Act.ALERT, reason=str(number)))
        await one.aclose()
    one = await open_store(url)
    assert [(head.chain, head.seq) for head in await one.audit_heads()] == [("main", 3)]
    await one.aclose()


async def test_the_log_can_be_neither_changed_nor_cut(store: PostgresStore) -> None:
    for statement in (
        "UPDATE audit SET event = '{}'", "DELETE FROM audit", "TRUNCATE audit",
    ):  # fmt: skip

        async def unit(transaction: Transaction, sql: str = statement) -> int:
            return await transaction.execute(sql)

        with pytest.raises(StoreUnavailable):
            await store._writer.run(unit)
    assert len(await store.audit_rows("main", after=0, most=10)) == 1


async def test_a_connection_that_was_ended_is_made_anew(store: PostgresStore) -> None:
    ending = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname IS NOT NULL AND application_name = 'keyin'"
    )
    await store.record(event())
    postgres.cluster().sql(ending)
    await asyncio.sleep(0.1)
    await store.record(event())
    assert await store.find_safe(K1)
