"""Argon2id at OWASP's parameters, in threads of its own."""

from __future__ import annotations

import asyncio

import pytest
from argon2 import PasswordHasher, extract_parameters
from argon2.low_level import Type

from keyin.domain.errors import StoreUnavailable
from keyin.domain.secret import Secret
from keyin.oauth.accounts import Checked, PasswordHash
from keyin.stores.host import SystemEntropy
from keyin.stores.passwords import THREADS, WAITING, Argon2Passwords


def cheap() -> Argon2Passwords:
    hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    return Argon2Passwords(entropy=SystemEntropy(), hasher=hasher)


async def test_p32_the_hash_is_argon2id_at_owasps_parameters() -> None:
    made = await Argon2Passwords(entropy=SystemEntropy()).hash(Secret("violet tram"))
    used = extract_parameters(made)
    assert used.type is Type.ID
    assert (used.memory_cost, used.time_cost, used.parallelism) == (19 * 1024, 2, 1)
    assert used.salt_len >= 16
    assert used.hash_len >= 32


async def test_only_the_same_password_is_right_however_it_was_typed() -> None:
    passwords = cheap()
    made = await passwords.hash(Secret("caf\u00e9 au lait"))
    assert await passwords.check(Secret("cafe\u0301 au lait"), made) == Checked(right=True)
    assert await passwords.check(Secret("cafe au lait"), made) == Checked(right=False)
    assert await passwords.hash(Secret("caf\u00e9 au lait")) != made


async def test_a_hash_of_other_parameters_is_told() -> None:
    made = await cheap().hash(Secret("violet tram"))
    strong = Argon2Passwords(entropy=SystemEntropy())
    assert await strong.check(Secret("violet tram"), made) == Checked(right=True, outdated=True)
    assert await strong.check(Secret("another"), made) == Checked(right=False)


@pytest.mark.parametrize("stored", [None, PasswordHash("no hash"), PasswordHash("")])
async def test_nobodys_password_is_never_right(stored: PasswordHash | None) -> None:
    assert await cheap().check(Secret(""), stored) == Checked(right=False)


async def test_more_than_can_be_checked_are_sent_away() -> None:
    passwords = cheap()
    await passwords.check(Secret("x"), None)
    asked = [passwords.check(Secret("x"), None) for _ in range(THREADS + WAITING + 5)]
    outcomes = await asyncio.gather(*asked, return_exceptions=True)
    assert sum(isinstance(one, StoreUnavailable) for one in outcomes) == 5
    assert await passwords.check(Secret("x"), None) == Checked(right=False)
