"""What libraries find wrong, in texts of ours: with names and places, never with a value."""

from __future__ import annotations

import re
import tomllib
from typing import Annotated, Any, Literal

import msgspec
import pytest

from keyin.wire.faults import fault

SECRET = "hunter2-hunter2"


class Inner(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    burst: Annotated[int, msgspec.Meta(ge=1, le=9)] = 1
    names: list[int | str] = []
    free: dict[str, int] = {}


class Outer(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    needed: str
    on: bool = True
    way: Literal["a", "b"] = "a"
    word: Annotated[str, msgspec.Meta(pattern="^x$")] = "x"
    inner: Inner = Inner()


@pytest.mark.parametrize(
    ("document", "told"),
    [
        ({"needed": "", "cloud": SECRET}, "unknown key: `cloud`"),
        ({"needed": "", "inner": {"x": SECRET}}, "unknown key: `inner.x`"),
        ({}, "missing key: `needed`"),
        ([SECRET], "the whole must be a table, not a list"),
        ({"needed": 1}, "`needed` must be a text, not a whole number"),
        ({"needed": "", "on": SECRET}, "`on` must be true or false, not a text"),
        (
            {"needed": "", "inner": {"names": [None]}},
            "`inner.names[0]` must be a whole number or a text, not nothing",
        ),
        ({"needed": "", "inner": {"burst": 0}}, "`inner.burst` must be at least 1"),
        ({"needed": "", "inner": {"burst": 10}}, "`inner.burst` must be at most 9"),
        ({"needed": "", "way": SECRET}, "`way` has a value that is not allowed there"),
        ({"needed": "", "word": SECRET}, "`word` has a value that is not allowed there"),
        (
            {"needed": "", "inner": {"free": {SECRET: SECRET}}},
            "`inner.free[...]` must be a whole number, not a text",
        ),
    ],
)
def test_a_wrong_shape_is_told_by_name_and_place(document: Any, told: str) -> None:
    with pytest.raises(msgspec.ValidationError) as caught:
        msgspec.convert(document, Outer)
    assert str(fault(caught.value)) == told


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (f'a = 1\nb = "{SECRET}', "it is no proper TOML: it ends too early"),
        (f"a = 1\nb = {SECRET}\n", "it is no proper TOML at line 2"),
        (f'a = 1\na = "{SECRET}"\nc = 3\n', "it is no proper TOML at line 2"),
    ],
)
def test_a_wrong_toml_is_told_by_its_line(text: str, told: str) -> None:
    with pytest.raises(tomllib.TOMLDecodeError) as caught:
        tomllib.loads(text)
    assert str(fault(caught.value)) == told


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b'{"a" hunter2', "it is no proper JSON at byte 5"),
        (b'{"a": [', "it is no JSON"),
        (b"\xff", "it is no proper JSON at byte 0"),
        (b"[" * 100_000, "it is no JSON"),
        (b'"\xff"', "it is no UTF-8 text"),
    ],
)
def test_a_wrong_json_is_told_by_its_byte(content: bytes, told: str) -> None:
    with pytest.raises((msgspec.DecodeError, UnicodeDecodeError, RecursionError)) as caught:
        msgspec.json.decode(content)
    assert str(fault(caught.value)) == told


def test_of_anything_else_nothing_is_repeated() -> None:
    assert not re.search(SECRET, str(fault(ValueError(SECRET))))
