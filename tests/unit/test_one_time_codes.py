"""Codes as RFC 6238 computes them, and no other."""

from __future__ import annotations

import pytest

from keyin.domain.environment import Millis
from keyin.domain.one_time_codes import address, code_at, codes_around, is_code, step_at

SECRET = b"12345678901234567890"


@pytest.mark.parametrize(
    ("seconds", "code"),
    [
        (59, "287082"), (1111111109, "081804"), (1111111111, "050471"), (1234567890, "005924"),
        (2000000000, "279037"), (20000000000, "353130"),
    ],
)  # fmt: skip
def test_the_vectors_of_rfc_6238_hold(seconds: int, code: str) -> None:
    now = Millis(seconds * 1000)
    assert code_at(SECRET, step_at(now)) == code
    assert code in [one for _, one in codes_around(SECRET, now)]


def test_a_code_is_good_for_half_a_minute_more_and_no_longer() -> None:
    now = Millis(1_234_567_890_000)
    code = code_at(SECRET, step_at(now))
    for off, good in ((-60, False), (-30, True), (0, True), (30, True), (60, False)):
        around = codes_around(SECRET, Millis(now + off * 1000))
        assert (code in [one for _, one in around]) == good


def test_a_telephone_is_told_all_that_it_needs() -> None:
    told = address(SECRET, account="ada & co", service="cloud.example")
    assert told.startswith("otpauth://totp/cloud.example:ada%20%26%20co?secret=GEZDGNBVGY3TQOJQ")
    assert "issuer=cloud.example" in told


@pytest.mark.parametrize("text", ["", "12345", "1234567", "12345a", "١٢٣٤٥٦", "12345\n"])
def test_what_is_no_code_is_seen(text: str) -> None:
    assert not is_code(text)
