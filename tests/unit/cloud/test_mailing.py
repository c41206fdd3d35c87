"""The job that mails notices: one letter a person, again a few times, and nothing that is stale."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from keyin.cloud.letters import MOST, Letters
from keyin.cloud.mailing import AGAIN_MS, CLAIM_MS, LATE_MS, Mailer
from keyin.domain.environment import Millis
from keyin.domain.records import RecordId
from keyin.remote.mail import NotTaken
from keyin.stores.memory import MemoryStore
from tests.conformance.test_accounts import account, event
from tests.conformance.test_notices import ADA, BEN, notice
from tests.fakes.records import NOW

if TYPE_CHECKING:
    from keyin.remote.mail import Letter


@dataclass
class Clock:
    at: int = NOW

    def now(self) -> Millis:
        return Millis(self.at)

    def monotonic(self) -> float:
        return self.at / 1000

    async def sleep(self, seconds: float) -> None:
        self.at += int(seconds * 1000)


@dataclass
class Hands:
    taken: list[Letter] = field(default_factory=list)
    refusal: NotTaken | None = None
    tries: int = 0

    def hand_over(self, letter: Letter) -> None:
        self.tries += 1
        if self.refusal is not None:
            raise self.refusal
        self.taken.append(letter)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def mailer(store: MemoryStore, clock: Clock, hands: Hands) -> Mailer:
    letters = Letters(issuer="https://cloud.example", language="en")
    return Mailer(store=store, server=hands, letters=letters, clock=clock)


async def known(store: MemoryStore) -> None:
    await store.add_account(account(email="ada@example.org"), event=event())
    await store.add_account(
        account("ac_2", "ben", email="ben@example.org", language="de"), event=event()
    )


async def test_what_is_due_together_is_one_letter_a_person(
    mailer: Mailer, store: MemoryStore, hands: Hands
) -> None:
    await known(store)
    await store.add_notices([notice(), notice("n_2", account_id=BEN), notice("n_3", name="Desk 4")])
    assert await mailer.once() == 2
    to_ada, to_ben = sorted(hands.taken, key=lambda letter: letter.to)
    assert "Desk 3" in to_ada.text
    assert "Desk 4" in to_ada.text
    assert "angemeldet" in to_ben.text
    assert await mailer.once() == 0


async def test_what_nobody_takes_is_tried_a_few_times_and_no_more(
    mailer: Mailer, store: MemoryStore, clock: Clock, hands: Hands
) -> None:
    await known(store)
    await store.add_notices([notice()])
    hands.refusal = NotTaken("not_reached")
    for wait in AGAIN_MS:
        await mailer.once()
        clock.at += wait - 1
        tries = hands.tries
        await mailer.once()
        assert hands.tries == tries
        clock.at += 1
    await mailer.once()
    assert hands.tries == len(AGAIN_MS) + 1
    clock.at += 10 * AGAIN_MS[-1]
    await mailer.once()
    assert hands.tries == len(AGAIN_MS) + 1
    assert [one.mailed for one in await store.notices_of(ADA, most=9)] == [False]


async def test_an_address_that_nobody_has_is_tried_once(
    mailer: Mailer, store: MemoryStore, clock: Clock, hands: Hands
) -> None:
    await known(store)
    await store.add_notices([notice()])
    hands.refusal = NotTaken("recipient_refused", for_ever=True)
    await mailer.once()
    clock.at += 10 * AGAIN_MS[-1]
    await mailer.once()
    assert hands.tries == 1


async def test_who_was_killed_with_a_letter_in_hand_sends_it_later_under_the_same_name(
    mailer: Mailer, store: MemoryStore, clock: Clock, hands: Hands
) -> None:
    await known(store)
    await store.add_notices([notice()])
    claimed = await store.claim_mail(now=clock.now(), until=Millis(NOW + CLAIM_MS), most=9)
    assert [one.notice.id for one in claimed] == ["n_1"]
    assert await mailer.once() == 0
    clock.at += CLAIM_MS
    assert await mailer.once() == 1
    assert hands.taken[0].name == "n_1"


async def test_what_is_stale_and_who_has_no_address_is_left_alone(
    mailer: Mailer, store: MemoryStore, clock: Clock, hands: Hands
) -> None:
    await known(store)
    nobodys = notice("n_2", account_id=RecordId("ac_3"))
    await store.add_notices([notice(), nobodys])
    clock.at += LATE_MS + 1
    assert await mailer.once() == 0
    assert hands.tries == 0
    assert await store.claim_mail(now=clock.now(), until=clock.now(), most=9) == []


async def test_a_letter_tells_so_many_and_says_that_there_is_more(
    mailer: Mailer, store: MemoryStore, hands: Hands
) -> None:
    await known(store)
    notices = [notice(f"n_{number}", name=f"Desk {number}") for number in range(MOST)]
    letter = mailer.letters.write([*notices, notice("n_x")], to="a@b.c", language=None)
    assert letter.text.count("Desk ") == MOST
    assert "There is more" in letter.text
    assert hands.tries == 0
