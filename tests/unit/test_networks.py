"""The comparison of addresses, row by row (cloud-wire §3.4), and who is believed (P24)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyin.domain.networks import (
    allowed,
    client_address,
    inside,
    malformed,
    parse_address,
    parse_network,
)
from keyin.domain.records import UNRESTRICTED

ROWS = [
    ("192.168.1.1", "192.168.1.1", True),
    ("192.168.1.1", "192.168.1.0/24", True),
    ("192.168.1.1", "102.1.5.2/24", False),
    ("::ffff:127.0.0.1", "127.0.0.1/8", True),
    ("::ffff:7f00:1", "127.0.0.1/8", True),
    ("195.58.1.62", "::1/128", False),
    ("10.0.0.1", "::/0", False),
    ("::1", "::/0", True),
    ("::ffff:10.0.0.1", "::ffff:10.0.0.1", False),
    ("2001:DB8::1", "2001:db8:0::1", True),
    ("192.168.1.1", "192.168.1.1/33", False),
    ("192.168.1.1", "192.168.1.1/128", False),
    ("10.0.0.1", "10/8", False),
    ("10.0.0.1", "10.0.0.0/255.0.0.0", False),
    ("fe80::1%eth0", "fe80::/10", True),
    ("0x0a010203", "10.1.0.0/16", True),
    ("012.1.2.3", "10.1.0.0/16", True),
    ("167838211", "10.1.0.0/16", True),
    ("10.1", "10.0.0.0/8", False),
    ("10.1.2.3, 127.0.0.1", "0.0.0.0/0", False),
    ("not-an-ip", "0.0.0.0/0", False),
    ("10.0.0.1", "not-an-ip", False),
    ("10.0.0.1", "/8", False),
    ("10.0.0.1", "0.0.0.0/0", True),
    ("256.1.1.1", "0.0.0.0/0", False),
    ("1:2:3:4:5:6:7:8:9", "::/0", False),
    ("1::2::3", "::/0", False),
    ("::1.2.3.4", "::/96", True),
    ("", "0.0.0.0/0", False),
    ("099.1.1.1", "0.0.0.0/0", False),
]


@pytest.mark.parametrize(("address", "entry", "matches"), ROWS)
def test_p24_a_row_of_the_table(address: str, entry: str, *, matches: bool) -> None:
    assert inside(parse_address(address), (entry,)) is matches


def test_p25_an_empty_list_lets_nobody_pass() -> None:
    somewhere = parse_address("10.0.0.1")
    assert not allowed(somewhere, ())
    assert not allowed(None, ("0.0.0.0/0", "::/0"))
    assert allowed(somewhere, UNRESTRICTED)
    assert allowed(None, UNRESTRICTED)


def test_any_entry_may_match() -> None:
    assert allowed(parse_address("10.0.0.5"), ("not-an-ip", "2001:db8::/32", "10.0.0.5"))


def test_p25_a_malformed_entry_is_named() -> None:
    assert malformed(["10.0.0.0/8", "1.1.1.1/128", "x", "::1"]) == ["1.1.1.1/128", "x"]


@given(st.text(max_size=60))
def test_no_text_raises(text: str) -> None:
    parse_address(text)
    parse_network(text)


PROXIES = ("127.0.0.0/8", "10.9.0.0/16", "fd00::/8")
HOPS = [
    ("127.0.0.1", None, "127.0.0.1"),
    ("127.0.0.1", ["8.8.8.8"], "8.8.8.8"),
    ("127.0.0.1", ["127.0.0.1"], "127.0.0.1"),
    ("127.0.0.1", ["1.1.1.1", "8.8.8.8"], "8.8.8.8"),
    ("127.0.0.1", ["1.1.1.1", "8.8.8.8", "10.9.1.1"], "8.8.8.8"),
    ("127.0.0.1", ["10.9.0.1", "10.9.0.2"], "10.9.0.1"),
    ("127.0.0.1", ["2001:db8::1"], "2001:db8::1"),
    ("fd00::1", ["::ffff:8.8.8.8"], "8.8.8.8"),
    ("127.0.0.1", ["garbage"], None),
    ("127.0.0.1", ["8.8.8.8", "garbage"], None),
    ("127.0.0.1", ["garbage", "8.8.8.8"], "8.8.8.8"),
    ("127.0.0.1", ["8.8.8.8:80"], None),
    ("127.0.0.1", ["8.8.8.8", ""], None),
    ("127.0.0.1", ["10.1.2.3", "127.0.0.1"], None),
    ("127.0.0.1", ["10.1.2.3", "::ffff:127.0.0.1"], None),
]


@pytest.mark.parametrize(("peer", "hops", "expected"), HOPS)
def test_p24_the_right_most_untrusted_hop_counts(
    peer: str, hops: list[str] | None, expected: str | None
) -> None:
    found = client_address(parse_address(peer), hops, PROXIES)
    wanted = parse_address(expected).unmapped() if expected and parse_address(expected) else None  # type: ignore[union-attr]  # just checked
    assert (found.unmapped() if found else None) == wanted
