"""What every store owes to second factors."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from msgspec.structs import replace

from keyin.domain.records import Digest, RecordId
from keyin.oauth.second_factor_ports import SecondFactor
from tests.conformance.test_accounts import account, event, events, session
from tests.fakes.records import NOW

if TYPE_CHECKING:
    from tests.conformance.stores import Store

ADA = RecordId("ac_1")
CODES = [Digest("p:r1"), Digest("p:r2")]
HERE = Digest("p:s1")


def factor(sealed: bytes = b"one", who: RecordId = ADA) -> SecondFactor:
    return SecondFactor(
        account_id=who, sealed=sealed, confirmed=False, last_step=0, created=NOW, recovery_left=0
    )


async def confirmed(store: Store, step: int = 7) -> None:
    await store.begin_second_factor(factor())
    assert await store.confirm_second_factor(ADA, step, CODES, session=HERE, event=event())


async def test_one_that_is_begun_is_replaced_until_it_counts(store: Store) -> None:
    assert await store.second_factor(ADA) is None
    assert await store.begin_second_factor(factor())
    assert await store.begin_second_factor(factor(b"two"))
    assert await store.second_factor(ADA) == factor(b"two")
    assert await store.confirm_second_factor(ADA, 7, CODES, session=HERE, event=event())
    counts = replace(factor(b"two"), confirmed=True, last_step=7, recovery_left=2)
    assert await store.second_factor(ADA) == counts
    assert not await store.begin_second_factor(factor(b"three"))
    assert not await store.confirm_second_factor(ADA, 8, [], session=HERE, event=event())
    assert await store.second_factor(ADA) == counts
    assert await events(store) == 1


async def test_p101_no_code_is_used_twice_nor_an_older_one(store: Store) -> None:
    await confirmed(store)
    used = [await store.use_second_factor(ADA, step=step) for step in (7, 6, 8, 8, 7, 10, 9)]
    assert used == [False, False, True, False, False, True, False]
    assert not await store.use_second_factor(RecordId("ac_2"), step=99)


async def test_p101_of_one_code_at_once_one_is_used(store: Store) -> None:
    await confirmed(store)
    many = [store.use_second_factor(ADA, step=9) for _ in range(8)]
    assert sorted(await asyncio.gather(*many)) == [False] * 7 + [True]
    papers = [store.use_second_factor(ADA, step=None, recovery=CODES[:1]) for _ in range(8)]
    assert sorted(await asyncio.gather(*papers)) == [False] * 7 + [True]


async def test_p101_a_recovery_code_is_used_once_and_is_its_accounts_own(store: Store) -> None:
    await confirmed(store)
    other = RecordId("ac_2")
    assert not await store.use_second_factor(other, step=None, recovery=CODES)
    assert not await store.use_second_factor(ADA, step=None, recovery=[Digest("p:r3")])
    assert await store.use_second_factor(ADA, step=None, recovery=[Digest("q:r1"), CODES[0]])
    assert not await store.use_second_factor(ADA, step=None, recovery=CODES[:1])
    found = await store.second_factor(ADA)
    assert found is not None
    assert found.recovery_left == 1


async def test_p101_every_other_session_ends_when_one_begins_to_count(store: Store) -> None:
    await store.add_account(account(), event=event())
    await store.add_account(account("ac_2", "ben"), event=event())
    for digest, who in (("p:s1", "ac_1"), ("p:s2", "ac_1"), ("p:s3", "ac_2")):
        one = session(digest, account_id=RecordId(who))
        await store.open_session(one, instead_of=(), event=event())
    await confirmed(store)
    found = [await store.find_session([Digest(one)]) for one in ("p:s1", "p:s2", "p:s3")]
    assert [one is not None for one in found] == [True, False, True]


async def test_it_ends_with_its_recovery_codes(store: Store) -> None:
    await confirmed(store)
    assert await store.end_second_factor(ADA, event=event())
    assert not await store.end_second_factor(ADA, event=event())
    assert await store.second_factor(ADA) is None
    assert not await store.use_second_factor(ADA, step=None, recovery=CODES)
    assert await store.begin_second_factor(factor())
