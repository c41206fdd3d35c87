"""A fingerprint is the beginning of the thumbprint's digest, and never an error."""

from __future__ import annotations

import pytest

from keyin.wire.jose import wrapped
from keyin.wire.key_fingerprint import key_fingerprint


def test_a_fingerprint_is_two_groups_of_four_digits() -> None:
    assert key_fingerprint(wrapped(bytes.fromhex("3f9a12cd" + "00" * 28))) == "3F9A-12CD"


@pytest.mark.parametrize("text", ["", "é", "A", "AAA", "===="])
def test_what_is_no_thumbprint_has_none(text: str) -> None:
    assert key_fingerprint(text) == "?"
