"""Checkpoints and a second copy speak for rows: what the chain alone cannot tell shows here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from keyin.domain.environment import Millis
from keyin.domain.events import Act, Event
from keyin.stores.host import SystemEntropy
from keyin.wire.audit_chain import BadRow, Fault, Head, Row, beginning, rows
from keyin.wire.audit_checkpoints import Checkpoint, sign
from keyin.wire.audit_evidence import Evidence
from keyin.wire.audit_lines import checkpoint_line, continuing_line, read_line, row_line
from keyin.wire.signing_key import new_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

CHAIN = "main"
KEY, ANOTHER = new_key(SystemEntropy()), new_key(SystemEntropy())
KEYS = {KEY.public.thumbprint: KEY.public}


def made(count: int, actor: str = "a", head: Head | None = None) -> list[Row]:
    events = [Event(act=Act.ALERT, at=Millis(n), actor=f"{actor}{n}") for n in range(count)]
    return list(rows(head or beginning(CHAIN), events))


def checkpoints(chain: Sequence[Row], places: Iterable[int]) -> list[Checkpoint]:
    heads = [Head(CHAIN, place, chain[place - 1].hash) for place in places]
    return [sign(KEY, head, Millis(head.seq)) for head in heads]


def judged(
    chain: Iterable[Row], signed: Iterable[Checkpoint] = (), copy: Iterable[bytes] = ()
) -> BadRow | None:
    evidence = Evidence(KEYS)
    evidence.add_copy(copy)
    for checkpoint in signed:
        evidence.add_checkpoint(checkpoint)
    trial = evidence.about(CHAIN)
    all(trial.step(row) for row in chain)
    return trial.end()


@st.composite
def logs(draw: st.DrawFn) -> tuple[list[Row], list[int], int]:
    chain = made(draw(st.integers(2, 12)))
    places = draw(st.sets(st.integers(1, len(chain))))
    return chain, sorted(places), draw(st.integers(0, len(chain)))


@settings(deadline=None)  # a busy machine is no finding
@given(logs())
def test_p93_a_log_that_nobody_touched_is_whole(log: tuple[list[Row], list[int], int]) -> None:
    chain, places, copied = log
    signed = checkpoints(chain, places)
    copy = [row_line(row) for row in chain[:copied]] + [checkpoint_line(one) for one in signed]
    assert judged(chain, signed, copy) is None


@settings(deadline=None)  # a busy machine is no finding
@given(logs(), st.data())
def test_p93_a_log_that_was_cut_shows_at_the_first_row_that_is_gone(
    log: tuple[list[Row], list[int], int], data: st.DataObject
) -> None:
    chain, places, copied = log
    left = data.draw(st.integers(0, len(chain) - 1))
    spoken_for = max([*places, copied])
    copy = [row_line(row) for row in chain[:copied]]
    expected = BadRow(CHAIN, left + 1, Fault.MISSING) if spoken_for > left else None
    assert judged(chain[:left], checkpoints(chain, places), copy) == expected


@settings(deadline=None)  # a busy machine is no finding
@given(logs(), st.data())
def test_p93_an_end_that_was_written_anew_shows(
    log: tuple[list[Row], list[int], int], data: st.DataObject
) -> None:
    chain, places, copied = log
    first = data.draw(st.integers(1, len(chain)))
    before = Head(CHAIN, first - 1, chain[first - 2].hash) if first > 1 else beginning(CHAIN)
    forged = [*chain[: first - 1], *made(len(chain) - first + 1, "b", before)]
    copy = [row_line(row) for row in chain[:copied]]
    vouched = max([place for place in places if place < first], default=0)
    expected = None
    if copied >= first:
        expected = BadRow(CHAIN, first, Fault.OTHER_COPY)
    elif any(place >= first for place in places):
        expected = BadRow(CHAIN, vouched + 1, Fault.UNSIGNED)
    assert judged(forged, checkpoints(chain, places), copy) == expected


def test_p93_a_checkpoint_that_was_forged_or_changed_shows() -> None:
    chain = made(5)
    (good,) = checkpoints(chain, [3])
    head = Head(CHAIN, 4, chain[3].hash)
    forged = sign(ANOTHER, head, Millis(1))
    moved = Checkpoint(head=head, at=good.at, signature=good.signature)
    later = Checkpoint(head=good.head, at=Millis(99), signature=good.signature)
    assert judged(chain, [good, forged]) == BadRow(CHAIN, 4, Fault.UNSIGNED)
    assert judged(chain, [moved]) == BadRow(CHAIN, 4, Fault.UNSIGNED)
    assert judged(chain, [later]) == BadRow(CHAIN, 3, Fault.UNSIGNED)


def test_p93_a_checkpoint_outside_the_store_shows_what_is_gone_with_its_checkpoints() -> None:
    chain = made(5)
    evidence = Evidence(KEYS)
    (anchor,) = checkpoints(chain, [5])
    evidence.add_signature(anchor.signature)
    evidence.add_signature("nonsense")
    trial = evidence.about(CHAIN)
    assert all(trial.step(row) for row in chain[:3])
    assert trial.end() == BadRow(CHAIN, 4, Fault.MISSING)


def test_p93_a_copy_that_was_changed_shows() -> None:
    chain = made(6)
    lines = [row_line(row) for row in chain]
    other = row_line(chain[2]).replace(b'"a2"', b'"x2"')
    assert judged(chain, copy=[*lines[:2], other, *lines[3:]]) == BadRow(CHAIN, 3, Fault.OTHER_COPY)
    assert judged(chain, copy=[*lines[:2], *lines[3:]]) == BadRow(CHAIN, 3, Fault.OTHER_COPY)
    assert judged(chain, copy=[*lines[:3], lines[4]]) == BadRow(CHAIN, 4, Fault.OTHER_COPY)
    forged = row_line(made(3, "b")[1])
    assert judged(chain, copy=[*lines[:3], forged]) == BadRow(CHAIN, 2, Fault.OTHER_COPY)


def test_a_copy_may_be_rotated_and_may_hold_what_a_crash_left_torn() -> None:
    chain = made(6)
    lines = [row_line(row) for row in chain]
    goes_on = continuing_line(Head(CHAIN, 3, chain[2].hash))
    assert judged(chain, copy=[goes_on, *lines[3:]]) is None
    assert judged(chain, copy=[*lines[:3], goes_on, lines[3][:20] + b"\n", *lines[3:]]) is None
    assert judged(chain, copy=[*lines[:4], *lines]) is None  # it began anew while no cloud ran
    wrong = continuing_line(Head(CHAIN, 3, b"\0" * 32))
    assert judged(chain, copy=[*lines[:3], wrong]) == BadRow(CHAIN, 4, Fault.OTHER_COPY)


@settings(deadline=None)  # a busy machine is no finding
@given(st.binary(max_size=60))
def test_any_line_of_a_copy_says_something_or_nothing(line: bytes) -> None:
    read_line(line)
    judged([], copy=[line])
