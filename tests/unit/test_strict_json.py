"""JSON and nothing beyond."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyin.domain.errors import InvalidDocument
from keyin.wire.strict_json import DEEPEST, MOST, decode

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False, width=32),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(VALUES.filter(lambda value: "Infinity" not in json.dumps(value)))
def test_what_python_writes_is_read(value: object) -> None:
    try:
        text = json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return
    assert decode(text) == value


@pytest.mark.parametrize(
    "text",
    [
        b'{"a": 1, "a": 1}',
        b'[{"b": {"a": 1, "c": 2, "a": 3}}]',
        b'{"a": 1, "\\u0061": 2}',
        b"",
        b"{",
        b"{'a': 1}",
        b"NaN",
        b"[1e999]",
        b'"\\ud800"',
        b'"\xff"',
        b"\xef\xbb\xbf{}",
        b"[" * 100_000,
        b"[" * 5000 + b"]" * 5000,
        b'{"a":' * 40 + b"1" + b"}" * 40,
        b"9" * 5000,
    ],
)
def test_p99_anything_else_is_refused(text: bytes) -> None:
    with pytest.raises(InvalidDocument) as refused:
        decode(text)
    assert "\\" not in refused.value.message


@pytest.mark.parametrize(("levels", "fits"), [(DEEPEST, True), (DEEPEST + 1, False)])
@pytest.mark.parametrize("inner", [b"", b"1"])
def test_p82_the_depth_has_a_limit(levels: int, *, fits: bool, inner: bytes) -> None:
    text = b"[" * levels + inner + b"]" * levels
    if fits:
        decode(text)
    else:
        with pytest.raises(InvalidDocument):
            decode(text)


def test_many_openings_side_by_side_are_not_deep() -> None:
    assert decode(b"[" + b",".join([b"{}"] * 1000) + b"]") == [{}] * 1000


@pytest.mark.parametrize("element", [b"[]", b"{}", b'{"a":[]}'])
def test_p82_the_number_of_objects_has_a_limit(element: bytes) -> None:
    each = element.count(b"[") + element.count(b"{")
    fitting = (MOST - 1) // each
    assert len(decode(b"[" + b",".join([element] * fitting) + b"]")) == fitting  # type: ignore[arg-type]
    with pytest.raises(InvalidDocument):
        decode(b"[" + b",".join([element] * (fitting + 1)) + b"]")


def test_brackets_in_texts_are_no_objects() -> None:
    assert decode(b'"' + b"[{" * MOST + b'"') == "[{" * MOST


BLANKS = st.text(" \n\r\t", max_size=1)
NAMES = st.text('abc\\":{ ', max_size=3).map(json.dumps)
MEMBERS = st.lists(
    st.tuples(BLANKS, NAMES, BLANKS, BLANKS, NAMES | st.sampled_from(["1", "[]", "null"]), BLANKS),
    max_size=6,
)


@given(MEMBERS)
def test_p99_a_member_that_comes_twice_is_seen_however_it_is_written(
    members: list[tuple[str, ...]],
) -> None:
    written = ",".join(f"{a}{name}{b}:{c}{value}{d}" for a, name, b, c, value, d in members)
    names = [json.loads(name) for _, name, *_ in members]
    text = ("{" + written + "}").encode()
    if len(set(names)) == len(names):
        assert decode(text) == json.loads(text)
    else:
        with pytest.raises(InvalidDocument):
            decode(text)
