"""What is remembered of a safe and a device, and what is not."""

from __future__ import annotations

from keyin.settings.matched import MOST_BYTES, REMEMBERED, Matched, Meetings

SMALL = Matched(b"{}", b"{}")


def test_p82_large_answers_are_not_remembered() -> None:
    """A device says what it likes, so one key could be remembered a thousand times."""
    meetings = Meetings()
    meetings.remember(("s_1", b"n", b"d"), Matched(b" " * MOST_BYTES, b"{}"))
    assert meetings.find(("s_1", b"n", b"d")) is None
    meetings.remember(("s_1", b"n", b"d"), SMALL)
    assert meetings.find(("s_1", b"n", b"d")) is SMALL


def test_the_one_longest_unused_goes_first() -> None:
    meetings = Meetings()
    for number in range(REMEMBERED):
        meetings.remember(("s_1", b"n", b"%d" % number), SMALL)
    meetings.find(("s_1", b"n", b"0"))
    meetings.remember(("s_1", b"n", b"one more"), SMALL)
    assert meetings.find(("s_1", b"n", b"0")) is SMALL
    assert meetings.find(("s_1", b"n", b"1")) is None
