"""Forms and JSON as a token request may bring them (cloud-wire §2.3, §3.1)."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyin.cloud.bodies import FORM, JSON, form, parameters
from keyin.domain.errors import InvalidDocument

FORMS: list[tuple[bytes, dict[str, object]]] = [
    (b"", {}),
    (b"a=1&b=2", {"a": "1", "b": "2"}),
    (b"a=1+2%20%C3%A9&b", {"a": "1 2 \u00e9", "b": ""}),
    (b"a=1&a=2&a=3", {"a": ["1", "2", "3"]}),
    (b"a[b]=1", {"a": {}}),
    (b"a%5Bb%5D=1", {"a": {}}),
    (b"a[]=1", {"a": {}}),
    (b"[b]=1", {"[b]": "1"}),
    (b"a=%zz&b=%ff", {"a": "%zz", "b": "\ufffd"}),
    (b"&&a==1&", {"a": "=1"}),
]


@pytest.mark.parametrize(("body", "found"), FORMS)
def test_a_form(body: bytes, found: dict[str, object]) -> None:
    assert form(body) == found


@given(st.lists(st.sampled_from([b"a", b"b", b"=", b"&", b"\xff", b"\xe2\x82", b"\xc3\xa9"])))
def test_a_form_without_escapes_is_read_as_one_with_some(parts: list[bytes]) -> None:
    body = b"".join(parts)
    whole = form(body + b"&%63=")
    assert whole.pop("c") == ""
    assert list(form(body).items()) == list(whole.items())


def test_a_form_of_one_name_is_read_in_time_that_grows_with_its_size() -> None:
    began = time.perf_counter()
    assert len(form(b"a=&" * 21_000)["a"]) == 21_000  # type: ignore[arg-type]  # a list
    assert time.perf_counter() - began < 2


BODIES: list[tuple[bytes, bytes, Any]] = [
    (JSON, b'{"a": 1}', {"a": 1}),
    (JSON, b"", {}),
    (JSON, b"[1]", {}),
    (FORM, b"a=1", {"a": "1"}),
    (b"text/plain", b"a=1", {}),
    (b"", b'{"a": 1}', {}),
]


@pytest.mark.parametrize(("media", "body", "found"), BODIES)
def test_parameters_by_media_type(media: bytes, body: bytes, found: object) -> None:
    assert parameters(media, body) == found


@pytest.mark.parametrize("body", [b"{", b"5", b'"x"', b"null", b'{"a":1,"a":1}', b"{}x"])
def test_what_is_no_json_object_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidDocument):
        parameters(JSON, body)
