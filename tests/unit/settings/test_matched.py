"""What is remembered of a safe and a device, and what is not."""

from __future__ import annotations

from keyin.settings.matched import (
    MOST_BYTES,
    MOST_IN_ALL,
    REMEMBERED,
    Matched,
    Meetings,
    meeting,
)
from tests.fakes.records import safe

SMALL = Matched(b"{}", b"{}")


def test_p82_large_answers_are_not_remembered() -> None:
    """A device says what it likes, so one key could be remembered a thousand times."""
    meetings = Meetings()
    meetings.remember(("s_1", b"n", b"d", "r"), Matched(b" " * MOST_BYTES, b"{}"))
    assert meetings.find(("s_1", b"n", b"d", "r")) is None
    meetings.remember(("s_1", b"n", b"d", "r"), SMALL)
    assert meetings.find(("s_1", b"n", b"d", "r")) is SMALL


def test_the_one_longest_unused_goes_first() -> None:
    meetings = Meetings()
    for number in range(REMEMBERED):
        meetings.remember(("s_1", b"n", b"%d" % number, "r"), SMALL)
    meetings.find(("s_1", b"n", b"0", "r"))
    meetings.remember(("s_1", b"n", b"one more", "r"), SMALL)
    assert meetings.find(("s_1", b"n", b"0", "r")) is SMALL
    assert meetings.find(("s_1", b"n", b"1", "r")) is None


def test_p82_all_meetings_together_are_bounded() -> None:
    meetings = Meetings()
    large = Matched(b" " * (MOST_BYTES - 2), b"{}")
    for number in range(2 * MOST_IN_ALL // MOST_BYTES):
        meetings.remember(("s_1", b"n", b"%d" % number, None), large)
        meetings.remember(("s_1", b"n", b"%d" % number, None), large)
        assert meetings.bytes <= MOST_IN_ALL
    kept = [meetings.find(("s_1", b"n", b"%d" % n, None)) for n in range(number + 1)]
    assert kept.count(large) == MOST_IN_ALL // MOST_BYTES
    assert kept[-1] is large
    for number in range(REMEMBERED):
        meetings.remember(("s_2", b"n", b"%d" % number, None), SMALL)
    assert meetings.bytes == REMEMBERED * 4


def test_another_state_of_anything_is_another_meeting() -> None:
    one = safe(sealed=b"n" * 40)
    same = meeting(one, b"d", "r")
    assert meeting(safe(sealed=b"n" * 32 + b"other"), b"d", "r") == same
    others = (
        meeting(safe(sealed=b"m" * 40), b"d", "r"),
        meeting(safe("s_2", sealed=b"n" * 40), b"d", "r"),
        meeting(one, b"e", "r"),
        meeting(one, b"d", "s"),
        meeting(one, b"d", None),
    )
    assert len({same, *others}) == 1 + len(others)
