"""Counting refusals: by minute, reason and network, and no more rows than a bound."""

from __future__ import annotations

import pytest

from keyin.domain.address_text import UNKNOWN, address_text, network_text
from keyin.domain.environment import Millis
from keyin.domain.networks import parse_address
from keyin.domain.refusal_counts import (
    ELSEWHERE,
    MOST_A_MINUTE,
    RefusalCount,
    RefusalCounter,
)


def test_what_is_alike_is_one_row() -> None:
    counter = RefusalCounter()
    for now in (60_000, 60_001, 119_999, 120_000):
        counter.count("wrong_secret", "192.0.2.0/24", Millis(now))
    counter.count("unknown_client", "192.0.2.0/24", Millis(60_000))
    assert counter.take() == [
        RefusalCount(Millis(60_000), "unknown_client", "192.0.2.0/24", 1),
        RefusalCount(Millis(60_000), "wrong_secret", "192.0.2.0/24", 3),
        RefusalCount(Millis(120_000), "wrong_secret", "192.0.2.0/24", 1),
    ]
    assert counter.take() == []


def test_more_networks_than_the_bound_share_a_row() -> None:
    counter = RefusalCounter()
    for number in range(MOST_A_MINUTE + 500):
        counter.count("wrong_secret", f"2001:db8:{number:x}::/48", Millis(0))
    counts = counter.take()
    assert len(counts) == MOST_A_MINUTE + 1
    assert [one.count for one in counts if one.network == ELSEWHERE] == [500]


@pytest.mark.parametrize(
    ("given", "address", "network"),
    [
        ("192.0.2.77", "192.0.2.77", "192.0.2.0/24"),
        ("::ffff:192.0.2.77", "192.0.2.77", "192.0.2.0/24"),
        ("2001:db8:1:2::3", "2001:db8:1:2::3", "2001:db8:1::/48"),
        ("::1", "::1", "::/48"),
    ],
)
def test_an_address_and_its_network_as_text(given: str, address: str, network: str) -> None:
    parsed = parse_address(given)
    assert address_text(parsed) == address
    assert network_text(parsed) == network


def test_no_address_is_said_as_such() -> None:
    assert address_text(None) is None
    assert network_text(None) == UNKNOWN
