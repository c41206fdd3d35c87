"""Token buckets against the simplest model of one: a number of units that grows with time."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from keyin.domain.environment import Millis
from keyin.domain.limits import Bucket, bucket

BUCKETS = st.builds(Bucket, burst=st.integers(1, 50), each_ms=st.integers(1, 5000))
STEPS = st.lists(st.tuples(st.integers(0, 20_000), st.integers(1, 6)), max_size=60)


class Model:
    """Units in a jar: what is taken is never more than is there."""

    def __init__(self, limit: Bucket) -> None:
        self.limit = limit
        self.units = Fraction(limit.burst)
        self.at = 0

    def until(self, now: int) -> None:
        grown = self.units + Fraction(now - self.at, self.limit.each_ms)
        self.units, self.at = min(Fraction(self.limit.burst), grown), now

    def take(self, cost: int) -> None:
        self.units = max(Fraction(0), self.units - cost)

    def wait(self) -> Fraction:
        return max(Fraction(0), (1 - self.units) * self.limit.each_ms)


@given(BUCKETS, STEPS)
def test_p41_a_bucket_is_the_jar_of_the_model(limit: Bucket, steps: list[tuple[int, int]]) -> None:
    model, full_at, now = Model(limit), Millis(0), Millis(0)
    for later, cost in steps:
        now = Millis(now + later)
        model.until(now)
        assert limit.wait(full_at, now) == model.wait()
        model.take(cost)
        full_at = limit.charged(full_at, now, cost)
        assert limit.wait(full_at, now) == model.wait()


@given(BUCKETS, st.lists(st.integers(0, 5000), max_size=200))
def test_p41_no_rhythm_gets_more_than_the_burst_and_the_rate(
    limit: Bucket, pauses: list[int]
) -> None:
    full_at, now, passed = Millis(0), Millis(0), 0
    for pause in pauses:
        now = Millis(now + pause)
        if not limit.wait(full_at, now):
            full_at = limit.charged(full_at, now)
            passed += 1
    assert passed <= limit.burst + now / limit.each_ms


@given(BUCKETS, st.integers(0, 10**6))
def test_p86_a_clock_set_back_keeps_nobody_longer_than_an_empty_bucket(
    limit: Bucket, back: int
) -> None:
    late = Millis(10**7)
    full_at = limit.charged(Millis(0), late, limit.burst)
    assert limit.wait(full_at, Millis(late - back)) <= limit.each_ms


def test_a_bucket_is_said_in_words_of_a_minute() -> None:
    assert bucket(5, 20) == Bucket(burst=5, each_ms=3000)
    assert bucket(5, 20).whole_ms == 15_000
