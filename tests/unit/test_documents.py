"""The original's documents: their times, what a safe may hold, and that nothing else gets in."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyin.domain.environment import Millis
from keyin.domain.errors import InvalidDocument
from keyin.wire.documents import (
    SafeContent,
    decode_safe,
    encode_safe,
    millis,
    read_document,
    timestamp,
)

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**80), 2**80)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
TYPES = (
    *("gpiiKey", "prefsSafe", "gpiiAppInstallationClient", "clientCredential"),
    "gpiiAppInstallationAuthorization",
)
MEMBERS = st.sampled_from(
    ["_id", "clientId", "oauth2ClientId", "oauth2ClientSecret", "gpiiKey", "accessToken",
     "preferences", "prefsSafeId", "prefsSafeType", "name", "revoked", "timestampCreated"]
)  # fmt: skip


@given(st.integers(-62_135_596_800_000, 253_402_300_799_999))
def test_times_come_back(time: int) -> None:
    assert millis(timestamp(Millis(time))) == time


def test_times_are_written_as_the_original_writes_them() -> None:
    assert timestamp(millis("2017-11-21T18:11:22.101Z")) == "2017-11-21T18:11:22.101Z"
    assert timestamp(None) is None


@pytest.mark.parametrize("value", [None, "", "soon", 5, [], "2017-13-01", "99999-01-01T00:00:00Z"])
def test_what_is_no_time_is_none(value: object) -> None:
    assert millis(value) is None


@given(st.dictionaries(TEXT, JSON, max_size=3), st.none() | TEXT)
def test_a_safe_comes_back_as_it_went_in(preferences: dict[str, Any], name: str | None) -> None:
    content = SafeContent(id="x", name=name, preferences=preferences)
    assert decode_safe(encode_safe(content)) == content


@pytest.mark.parametrize("value", [math.nan, math.inf, "\udc00", {1: 2}, object(), {"a": {1, 2}}])
def test_what_json_cannot_hold_is_refused(value: object) -> None:
    with pytest.raises(InvalidDocument):
        encode_safe(SafeContent(preferences={"flat": value}))


@pytest.mark.parametrize("plaintext", [b"", b"{}", b"[]", b'{"preferences": {}, "more": 1}'])
def test_a_safe_of_another_shape_is_refused(plaintext: bytes) -> None:
    with pytest.raises(InvalidDocument):
        decode_safe(plaintext)


@given(st.sampled_from(TYPES), st.dictionaries(MEMBERS, JSON, max_size=8))
def test_a_document_is_read_or_refused(type_: str, members: dict[str, Any]) -> None:
    try:
        read_document({"type": type_, **members})
    except InvalidDocument as error:
        assert "shape" in str(error)  # noqa: PT017 - both outcomes are right


def test_documents_do_not_print_their_content() -> None:
    document = read_document({"type": "gpiiKey", "_id": "canary"})
    assert "canary" not in repr(document)
    assert "canary" not in repr(SafeContent(name="canary", preferences={}))
