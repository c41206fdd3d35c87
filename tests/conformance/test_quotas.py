"""What every store owes to the limits: counts that are shared, and there again after a restart."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from keyin.domain.environment import Millis
from keyin.domain.key_policy import KeyPolicy
from keyin.domain.limits import Bucket
from keyin.domain.records import Digest, RecordId
from keyin.oauth.client_auth import Authenticated
from keyin.oauth.ports import Enrolment
from keyin.oauth.throttle import Turn
from keyin.stores import quota_state
from keyin.stores.sqlite import open_store, quotas
from tests.fakes.limits import Limits
from tests.fakes.records import NOW, client, credential, event, key

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conformance.stores import Store

THREE = Bucket(burst=3, each_ms=1000)
LATER = Millis(NOW + 3_600_000)
K1, ONE, TWO = Digest("p:k1"), RecordId("client-1"), RecordId("client-2")


async def test_a_bucket_waits_once_it_is_empty_and_fills_again(store: Store) -> None:
    asked = [("a", THREE)]
    assert await store.wait(asked, now=NOW) == 0
    emptied = [await store.charge("a", THREE, cost=1, now=NOW) for _ in range(4)]
    assert emptied == [False, False, True, False]
    assert await store.wait(asked, now=NOW) == 1000
    assert await store.wait([("b", THREE)], now=NOW) == 0
    assert await store.wait([("b", THREE), ("a", THREE)], now=Millis(NOW + 400)) == 600
    assert await store.wait(asked, now=Millis(NOW + 1000)) == 0
    assert not await store.charge("b", THREE, cost=0, now=NOW)


async def test_p86_a_bucket_from_a_clock_that_was_set_back_fills_from_now_on(store: Store) -> None:
    asked = [("a", THREE), ("b", THREE)]
    await store.charge("a", THREE, cost=3, now=LATER)
    waits = [await store.wait(asked, now=Millis(NOW + past)) for past in (0, 0, 400, 999, 1000)]
    assert waits == [1000, 1000, 600, 1, 0]
    assert await store.charge("a", THREE, cost=1, now=Millis(NOW + 1000))
    assert await store.wait(asked, now=Millis(NOW + 1000)) == 1000
    assert await store.wait(asked, now=Millis(NOW + 4000)) == 0


async def test_a_set_counts_each_member_once_up_to_its_size(store: Store) -> None:
    async def note(name: str, member: str, now: Millis = NOW) -> int | None:
        return await store.note(name, member, until=LATER, most=2, now=now)

    assert [await note("s", one) for one in ("x", "y", "x", "z", "y")] == [1, 2, 0, None, 0]
    assert await note("other", "z") == 1
    assert await store.noted("s", "x", now=NOW)
    assert not await store.noted("s", "z", now=NOW)
    assert not await store.noted("s", "x", now=LATER)
    assert await note("s", "z", LATER) == 1


async def test_what_is_forgotten_is_full_and_empty(store: Store) -> None:
    await store.charge("a", THREE, cost=3, now=NOW)
    await store.note("s", "x", until=LATER, most=2, now=NOW)
    await store.forget(["a", "s", "nothing"])
    assert await store.wait([("a", THREE)], now=NOW) == 0
    assert await store.note("s", "x", until=LATER, most=2, now=NOW) == 1


@pytest.mark.apart_from("postgres")  # there the sweep bounds them, as it does everything else
async def test_names_without_end_take_no_room_without_end(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quota_state, "MOST", 50)
    for number in range(200):
        await store.charge(f"n{number}", THREE, cost=3, now=NOW)
        await store.note(f"s{number}", "x", until=LATER, most=2, now=NOW)
    waits = [await store.wait([(f"n{number}", THREE)], now=NOW) for number in range(200)]
    assert waits == [0] * 150 + [1000] * 50
    noted = [await store.noted(f"s{number}", "x", now=NOW) for number in range(200)]
    assert noted == [False] * 150 + [True] * 50


async def test_p45_a_key_is_open_at_so_many_active_computers(store: Store) -> None:
    await store.enrol(
        Enrolment(clients=[client("client-1"), client("client-2")], keys=[key()]), event=event()
    )

    async def claim(who: RecordId, now: Millis = NOW) -> bool:
        return await store.claim_place(K1, who, most=1, until=Millis(now + 1000), now=now)

    assert await claim(ONE)
    assert await claim(ONE)
    assert not await claim(TWO)
    assert await store.holds_place(K1, ONE, now=NOW)
    assert not await store.holds_place(K1, TWO, now=NOW)
    await store.release_place(K1, ONE)
    assert not await store.holds_place(K1, ONE, now=NOW)
    assert await claim(TWO)
    assert await claim(ONE, Millis(NOW + 1000))
    await store.revoke_client(ONE, now=NOW, event=event())
    assert await claim(TWO, Millis(NOW + 1500))


async def test_p45_of_many_at_once_so_many_get_a_place(store: Store) -> None:
    names = [RecordId(f"client-{number}") for number in range(20)]
    await store.enrol(
        Enrolment(clients=[client(name) for name in names], keys=[key()]), event=event()
    )
    claims = [store.claim_place(K1, name, most=3, until=LATER, now=NOW) for name in names]
    assert sum(await asyncio.gather(*claims)) == 3


POLICY = KeyPolicy(pin=Digest("p:pin"), sites=("Main", ""), machines=2, read_only=True)


@pytest.mark.parametrize("policy", [None, KeyPolicy(), POLICY, KeyPolicy(sites=())])
async def test_a_keys_policy_is_kept(store: Store, policy: KeyPolicy | None) -> None:
    await store.enrol(Enrolment(keys=[key(policy=policy)]), event=event())
    assert await store.find_key([K1]) == key(policy=policy)


async def test_p42_what_was_counted_is_there_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite3"
    first = open_store(path)
    await first.charge("a", THREE, cost=3, now=NOW)
    await first.charge("gone", THREE, cost=3, now=NOW)
    await first.note("s", "x", until=LATER, most=2, now=NOW)
    await first.forget(["gone"])
    first.close()
    second = open_store(path)
    assert await second.wait([("a", THREE)], now=NOW) == 1000
    assert await second.wait([("gone", THREE)], now=NOW) == 0
    assert await second.note("s", "x", until=LATER, most=2, now=NOW) == 0
    second.close()


async def test_p42_what_was_counted_reaches_the_disk_within_a_second(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quotas, "DELAY_S", 0.01)
    path = tmp_path / "store.sqlite3"
    store = open_store(path)
    await store.charge("a", THREE, cost=3, now=NOW)
    await asyncio.sleep(0.1)
    after_a_crash = open_store(path)
    assert await after_a_crash.wait([("a", THREE)], now=NOW) == 1000
    after_a_crash.close()
    store.close()


def test_what_could_not_be_written_is_not_lost_and_brings_nothing_back() -> None:
    state = quota_state.QuotaState()
    state.charge("a", THREE, 3, NOW)
    state.charge("b", THREE, 3, NOW)
    state.note("s", "x", LATER, 2, NOW)
    lost = state.take_changes()
    state.forget(["a", "s"])
    state.charge("c", THREE, 1, NOW)
    state.put_back(lost)
    changes = state.take_changes()
    assert set(changes.buckets) == {"b", "c"}
    assert changes.members == []
    assert changes.forgotten == ["a", "s"]
    assert not state.take_changes()


async def test_a_store_that_is_closed_keeps_what_it_could_not_write(tmp_path: Path) -> None:
    store = open_store(tmp_path / "store.sqlite3")
    await store.charge("a", THREE, cost=3, now=NOW)
    store.close()
    await store.charge("a", THREE, cost=3, now=NOW)
    await store._write()
    assert await store.wait([("a", THREE)], now=NOW) == 1000


async def test_a_key_that_was_seen_this_hour_is_never_written_again(tmp_path: Path) -> None:
    store = open_store(tmp_path / "store.sqlite3")
    throttle = Limits(store, None).throttle
    by = Authenticated(client=client(), credential=credential())
    assert await throttle.before_key(by, Digest("p:" + "1" * 64), now=NOW) is Turn.FIRST
    assert store._state().take_changes()
    for _ in range(100):
        assert await throttle.before_key(by, Digest("p:" + "1" * 64), now=NOW) is Turn.AGAIN
    assert not store._state().take_changes()
    store.close()
