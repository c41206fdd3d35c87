"""What every store owes to the sweep: what ended goes, a few rows at a time; what lives stays."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Final

import pytest

from keyin.cloud.metrics import Metrics
from keyin.cloud.sweeping import GRACE_MS, LATER_S, MOST, PATIENCE_S, REST_S, SOON_S, Sweeper
from keyin.domain.environment import Millis
from keyin.domain.errors import StoreUnavailable
from keyin.domain.events import Act, Event
from keyin.domain.records import Digest, ProofUse
from keyin.oauth.ports import Enrolment
from keyin.stores.expiring import EXPIRING, PROOFS, TOKENS
from keyin.stores.sqlite.sweeping import OLD_TOKENS, statement
from tests.fakes.records import NOW, client, credential, key, token
from tests.unit.stores.make_version import VERSIONS

if TYPE_CHECKING:
    from tests.conformance.stores import Store

ENDS: Final = ("expires", "until", "kept_until", "full_at")
"""How a column is called that says when its row ends."""
EVENT: Final = Event(act=Act.TOKEN_ISSUED, actor="main-hall", at=NOW)


class Time:
    """A clock that notes how long somebody slept, and wakes him at once."""

    def __init__(self, at: int) -> None:
        self.at, self.passed, self.slept = at, 0.0, list[float]()
        self.naps: int | None = None

    def now(self) -> Millis:
        return Millis(self.at)

    def monotonic(self) -> float:
        return self.passed

    async def sleep(self, seconds: float) -> None:
        if self.naps == len(self.slept):
            raise KeyboardInterrupt  # nothing else ends the job
        self.passed += seconds
        self.slept.append(seconds)


def _made_at(moment: int) -> Digest:
    """Return the digest of a token that was made then (domain.token_form)."""
    return Digest(f"pppppppp:{moment:08x}{moment:064x}")


async def _filled(store: Store, count: int) -> None:
    """Remember so many tokens, each of which ends a millisecond after the one before."""
    records = Enrolment(clients=[client()], credentials=[credential()], keys=[key()])
    await store.enrol(records, event=EVENT)
    for number in range(count):
        one = token(_made_at(number), expires=Millis(NOW + number))
        await store.add_token(one, event=EVENT)


async def test_at_most_so_many_go_those_that_ended_first(store: Store) -> None:
    await _filled(store, 10)
    assert await store.sweep("tokens", expired_before=Millis(NOW + 8), most=5) == 5
    assert await store.find_grant((_made_at(4),)) is None
    assert await store.find_grant((_made_at(5),)) is not None
    assert await store.sweep("tokens", expired_before=Millis(NOW + 8), most=5) == 3
    assert await store.sweep("tokens", expired_before=Millis(NOW + 8), most=5) == 0
    assert await store.find_grant((_made_at(8),)) is not None


async def test_p13_a_proof_is_known_until_it_is_swept(store: Store) -> None:
    use = ProofUse(namespace="dpop", digest="d", expires=Millis(NOW + 10))
    assert await store.remember([use], now=NOW)
    assert not await store.remember([use], now=Millis(NOW + 99))
    assert await store.sweep("jti_seen", expired_before=Millis(NOW + 10), most=5) == 0
    assert await store.sweep("jti_seen", expired_before=Millis(NOW + 11), most=5) == 1
    assert await store.remember([use], now=Millis(NOW + 99))


async def test_the_job_waits_briefly_while_more_is_left(store: Store) -> None:
    await _filled(store, MOST + 50)
    time, metrics = Time(NOW + GRACE_MS + MOST + 25), Metrics()
    time.naps = 2
    with pytest.raises(KeyboardInterrupt):
        await Sweeper(store=store, clock=time, metrics=metrics).run()
    assert time.slept == [REST_S, LATER_S]
    told = metrics.exposition().decode()
    assert f'keyin_swept_rows_total{{kind="tokens"}} {MOST + 25}' in told
    assert await store.find_grant((_made_at(MOST + 25),)) is not None


class Busy:
    """A store whose writer is never idle, or is away."""

    expiring = ("tokens",)
    quiet = False

    def __init__(self, *, down: bool = False) -> None:
        self.down, self.swept = down, 0

    async def sweep(self, table: str, *, expired_before: Millis, most: int) -> int:
        assert (table, most, expired_before) == ("tokens", MOST, NOW - GRACE_MS)
        if self.down:
            raise StoreUnavailable("the disk is gone")
        self.swept += 1
        return MOST


async def test_under_load_that_never_pauses_a_unit_comes_all_the_same() -> None:
    time, busy = Time(NOW), Busy()
    assert await Sweeper(store=busy, clock=time, metrics=Metrics()).once() == SOON_S
    assert busy.swept == 1
    assert sum(time.slept) == pytest.approx(PATIENCE_S, abs=0.01)


async def test_a_store_that_is_away_does_not_end_the_job() -> None:
    time, busy = Time(NOW), Busy(down=True)
    busy.quiet = True
    time.naps = 3
    with pytest.raises(KeyboardInterrupt):
        await Sweeper(store=busy, clock=time, metrics=Metrics()).run()
    assert time.slept == [LATER_S] * 3


@pytest.fixture
def newest() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:")
    connection.executescript(max(VERSIONS.glob("*.sql")).read_text(encoding="utf-8"))
    return connection


def test_every_table_whose_rows_end_is_swept(newest: sqlite3.Connection) -> None:
    ends = {
        (table, column)
        for (table,) in newest.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
        for _, column, *_ in newest.execute(f"PRAGMA table_info({table})")
        if column in ENDS
    }
    swept = {
        (TOKENS, "expires"),
        (PROOFS, "expires"),
        ("initial_access", "expires"),  # `Lapsing` forgets it, unless a computer was born from it
        *((one.table, one.end) for one in EXPIRING.values()),
    }
    assert swept <= ends
    assert {table for table, _ in swept} == {table for table, _ in ends}


@pytest.mark.parametrize("table", EXPIRING)
def test_the_sweep_finds_its_rows_by_an_index(newest: sqlite3.Connection, table: str) -> None:
    asked = f"EXPLAIN QUERY PLAN {statement(EXPIRING[table])}"
    plan = [row[3] for row in newest.execute(asked, (0, 1))]
    assert not [step for step in plan if step.startswith("SCAN")], plan
    assert any("INDEX" in step and f"{EXPIRING[table].end}<?" in step for step in plan), plan


def test_the_sweep_of_tokens_looks_at_two_ranges_only(newest: sqlite3.Connection) -> None:
    values = {"first": 1, "last": 2, "before": 3, "most": 4}
    plan = [row[3] for row in newest.execute(f"EXPLAIN QUERY PLAN {OLD_TOKENS}", values)]
    looked = [step for step in plan if "tokens" in step]
    assert len(looked) == 3, plan
    assert all(step.startswith("SEARCH tokens USING INTEGER PRIMARY KEY") for step in looked), plan
