"""A token's row lies where its digest says, in the order of time."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyin.domain.environment import Millis
from keyin.domain.errors import StoreUnavailable
from keyin.domain.records import Digest
from keyin.oauth.ports import Enrolment
from keyin.stores.sqlite import open_store
from keyin.stores.sqlite.sweeping import sweep_tokens
from keyin.stores.token_place import LONGEST_LIFE_MS, living, token_place
from tests.fakes.records import NOW, client, credential, event, key, token

if TYPE_CHECKING:
    from pathlib import Path

DAYS_50 = 1 << 32
HEX = "0123456789abcdef"


def digest(moment: int, rest: str = "0" * 64) -> Digest:
    return Digest(f"11111111:{moment % DAYS_50:08x}{rest}")


@given(st.text(max_size=40), st.text(alphabet=HEX, max_size=90))
def test_every_digest_has_a_place_in_the_table(odd: str, like_ours: str) -> None:
    for text in (odd, f"11111111:{like_ours}"):
        assert 0 <= token_place(text) < 1 << 63


@given(st.integers(0, 1 << 44), st.integers(0, LONGEST_LIFE_MS), st.text(HEX, min_size=64))
def test_a_living_token_lies_where_the_sweep_does_not_look(now: int, age: int, rest: str) -> None:
    first, last = living(Millis(now))
    place = token_place(digest(now - age, rest))
    assert first <= place < last or first > last


def test_later_tokens_lie_behind_earlier_ones() -> None:
    places = [token_place(digest(moment, "f" * 64)) for moment in (0, 1, 2, 1 << 31, DAYS_50 - 1)]
    assert places == sorted(set(places))


@pytest.mark.parametrize("now", [NOW, DAYS_50 * 400 + 60_000, DAYS_50 * 400 - 1])
def test_a_sweep_takes_the_old_and_leaves_the_living(now: int) -> None:
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE tokens (place INTEGER PRIMARY KEY, expires INTEGER)")
    ages = [0, 1000, LONGEST_LIFE_MS, LONGEST_LIFE_MS + 100_000, DAYS_50 // 2]
    made = [now - age for age in ages]
    connection.executemany(
        "INSERT INTO tokens VALUES (?, ?)",
        [(token_place(digest(moment)), moment + LONGEST_LIFE_MS) for moment in made],
    )
    assert sweep_tokens(connection, Millis(now), 10) == 2
    assert connection.execute("SELECT count(*) FROM tokens").fetchone() == (3,)


async def test_another_token_in_the_same_place_is_not_given_out(tmp_path: Path) -> None:
    store = open_store(tmp_path / "s.sqlite3")
    one, other = digest(5, "0" * 64), digest(5, "0" * 63 + "1")
    assert token_place(one) == token_place(other)
    await store.add_token(token(one), event=event())
    await store.add_token(token(one), event=event())
    with pytest.raises(StoreUnavailable):
        await store.add_token(token(other), event=event())
    assert await store.find_grant((other,)) is None
    store.close()


async def test_the_first_token_stays_where_another_wanted_to_lie(tmp_path: Path) -> None:
    store = open_store(tmp_path / "s.sqlite3")
    records = Enrolment(clients=[client()], credentials=[credential()], keys=[key()])
    await store.enrol(records, event=event())
    one = digest(5)
    await store.add_token(token(one), event=event())
    with pytest.raises(StoreUnavailable):
        await store.add_token(token(digest(5, "0" * 63 + "1")), event=event())
    found = await store.find_grant((one,))
    assert found is not None
    assert found.token.digest == one
    store.close()
