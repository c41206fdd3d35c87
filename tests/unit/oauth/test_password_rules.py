"""What is too easy to guess is refused, and nothing else."""

from __future__ import annotations

import pytest

from keyin.domain.errors import Refused
from keyin.domain.secret import Secret
from keyin.oauth.password_rules import LONGEST, SHORTEST, check_password
from keyin.stores.passwords import common_passwords

COMMON = common_passwords()


def refused(password: str, name: str = "ada") -> str:
    try:
        check_password(Secret(password), name=name, common=COMMON)
    except Refused as error:
        return error.message
    return ""


@pytest.mark.parametrize(
    "password",
    [
        "password2026!", "Passwort1234", "aaaaaaaaaaaa", "abababababab", "abcdefghijkl",
        "123456789012", "210987654321", "qwertyuiop12", "iloveyou iloveyou", "Summer2026!!!",
        "correct horse battery staple", "1qaz2wsx3edc", "ADMINISTRATOR", "monkeymonkey",
        "????????????",
    ],
)  # fmt: skip
def test_what_everybody_thinks_of_first_is_refused(password: str) -> None:
    assert "tried first" in refused(password)


def test_ones_own_name_is_no_password() -> None:
    assert "tried first" in refused("adalovelace1815", "adalovelace")


@pytest.mark.parametrize(
    "password",
    [
        "violet tram and gravel",
        "ein Tram, Kies und Veilchen",
        "пять слов подряд",
        "a" * 3 + "bcd" * 3,
    ],
)
def test_anything_else_may_be_one(password: str) -> None:
    assert not refused(password)


def test_length_counts_characters_as_a_person_sees_them() -> None:
    assert "shorter" in refused("x7" * (SHORTEST // 2 - 1) + "é".encode().decode())
    assert "longer" in refused("violet tram " * (LONGEST // 12 + 1))
