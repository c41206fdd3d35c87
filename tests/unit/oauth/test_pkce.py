"""PKCE: RFC 7636's own example, and everything that is none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyin.oauth.pkce import is_challenge, proves

VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def test_the_example_of_the_rfc() -> None:
    assert proves(VERIFIER, CHALLENGE)
    assert is_challenge({"code_challenge": CHALLENGE, "code_challenge_method": "S256"})


@pytest.mark.parametrize("verifier", ["", "short", VERIFIER + "=", VERIFIER + "x", "ä" * 43])
def test_p08_another_verifier_proves_nothing(verifier: str) -> None:
    assert not proves(verifier, CHALLENGE)


@given(st.text(alphabet=st.characters(min_codepoint=33, max_codepoint=126), max_size=130))
def test_p08_no_verifier_proves_a_challenge_that_is_not_there(verifier: str) -> None:
    assert not proves(verifier, "")
    assert not proves(verifier, verifier)


@pytest.mark.parametrize(
    "named",
    [
        {},
        {"code_challenge": CHALLENGE},
        {"code_challenge": CHALLENGE, "code_challenge_method": "plain"},
        {"code_challenge": VERIFIER[:-1], "code_challenge_method": "S256"},
        {"code_challenge": CHALLENGE + "\n", "code_challenge_method": "S256"},
        {"code_challenge": "", "code_challenge_method": "S256"},
    ],
)
def test_p08_anything_else_is_no_challenge(named: dict[str, str]) -> None:
    assert not is_challenge(named)
