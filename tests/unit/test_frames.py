"""Frames survive any split, and refuse what the two length bytes cannot say."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyin.domain.errors import InvalidDocument
from keyin.wire.frames import MAX_PAYLOAD, Deframer, frame


@given(st.lists(st.binary(min_size=1, max_size=300), max_size=8), st.lists(st.integers(1, 40)))
def test_any_split_gives_the_same_payloads(payloads: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(map(frame, payloads))
    deframer = Deframer()
    seen: list[bytes] = []
    for cut in cuts:
        seen += deframer.feed(stream[:cut])
        stream = stream[cut:]
    seen += deframer.feed(stream)
    assert seen == payloads
    assert deframer.pending == 0


@pytest.mark.parametrize("size", [0, MAX_PAYLOAD + 1])
def test_frame_refuses_the_impossible(size: int) -> None:
    with pytest.raises(InvalidDocument):
        frame(b"x" * size)


def test_empty_frame_is_refused_not_waited_for() -> None:
    with pytest.raises(InvalidDocument):
        Deframer().feed(b"\0\0")
