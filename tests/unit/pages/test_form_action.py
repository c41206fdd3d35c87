"""What a page's policy names so that its form may lead to an application, and nothing else."""

from __future__ import annotations

import pytest

from keyin.pages.answers import form_action


@pytest.mark.parametrize(
    ("address", "named"),
    [
        ("https://app.example/back?x=1", "https://app.example/back"),
        ("http://127.0.0.1:4711/back;a b", "http://127.0.0.1:4711/back%3Ba%20b"),
        ("http://[::1]:4711/back", None),
        ("com.example.app:/back", None),
        ("com.example.app:/back?to=https://other.example", None),
        ("a.b:/x?;sandbox;://h", None),
    ],
)
def test_p74_a_policy_names_web_addresses_only(address: str, named: str | None) -> None:
    """Where it can name none, the page shows a link in place of a redirect."""
    assert form_action(address) == named
