"""What every store owes to accounts, sessions and wrong passwords."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from keyin.domain.environment import Millis
from keyin.domain.events import Act, Event
from keyin.domain.records import Digest, RecordId, Status
from keyin.oauth.accounts import (
    FORGOTTEN,
    Account,
    AccountChange,
    Failures,
    PasswordHash,
    Session,
)
from tests.fakes.records import NOW

if TYPE_CHECKING:
    from tests.conformance.stores import Store

LATER = Millis(NOW + 1000)


def account(id_: str = "ac_1", name: str = "ada", **changes: Any) -> Account:
    made = Account(
        id=RecordId(id_), name=name, name_key=name, password=PasswordHash("$argon2id$x"),
        status=Status.ACTIVE, epoch=0, created=NOW, updated=None,
    )  # fmt: skip
    return replace(made, **changes)


def session(digest: str = "p:s1", **changes: Any) -> Session:
    made = Session(
        digest=Digest(digest), account_id=RecordId("ac_1"), account_epoch=0,
        signed_in=NOW, seen=NOW, expires=Millis(NOW + 10_000),
    )  # fmt: skip
    return replace(made, **changes)


def event(act: Act = Act.ACCOUNT_CHANGED) -> Event:
    return Event(act=act, at=NOW, actor="administrator")


async def events(store: Store) -> int:
    return len(await store.audit_rows("main", after=0, most=100))


async def test_an_account_is_found_as_it_was_put(store: Store) -> None:
    assert await store.find_account("ada") is None
    assert await store.add_account(account(), event=event(Act.ACCOUNT_CREATED))
    assert await store.find_account("ada") == account()
    assert await store.account(RecordId("ac_1")) == account()
    assert await store.account(RecordId("ac_2")) is None
    assert await events(store) == 1


async def test_a_name_belongs_to_one_account(store: Store) -> None:
    await store.add_account(account(), event=event())
    assert not await store.add_account(account("ac_2"), event=event())
    assert await store.add_account(account("ac_2", "Ben"), event=event())
    assert [one.id for one in await store.accounts_after("", most=9)] == ["ac_2", "ac_1"]
    assert [one.id for one in await store.accounts_after("Ben", most=9)] == ["ac_1"]
    assert [one.id for one in await store.accounts_after("", most=1)] == ["ac_2"]
    assert await events(store) == 2


async def test_a_change_leaves_what_it_does_not_name(store: Store) -> None:
    await store.add_account(account(), event=event())
    change = AccountChange(status=Status.SUSPENDED, end_sessions=True)
    assert await store.change_account(RecordId("ac_1"), change, now=LATER, event=event())
    expected = account(status=Status.SUSPENDED, epoch=1, updated=LATER)
    assert await store.find_account("ada") == expected
    change = AccountChange(password=PasswordHash("new"))
    assert not await store.change_account(RecordId("ac_2"), change, now=LATER, event=event())
    assert await events(store) == 2


async def test_a_hash_is_replaced_only_while_it_is_the_one_that_was_read(store: Store) -> None:
    await store.add_account(account(), event=event())
    change = AccountChange(password=PasswordHash("new"), instead_of=PasswordHash("another"))
    assert not await store.change_account(RecordId("ac_1"), change, now=NOW, event=event())
    change = replace(change, instead_of=account().password)
    assert await store.change_account(RecordId("ac_1"), change, now=NOW, event=event())
    assert await store.find_account("ada") == account(password=PasswordHash("new"), updated=NOW)


async def test_a_session_is_found_with_its_account(store: Store) -> None:
    await store.add_account(account(), event=event())
    await store.open_session(session(), instead_of=(), event=event(Act.SIGNED_IN))
    found = (session(), account())
    assert await store.find_session((Digest("p:other"), Digest("p:s1"))) == found
    assert await store.find_session((Digest("p:other"),)) is None
    await store.note_seen(Digest("p:s1"), now=LATER)
    assert await store.find_session((Digest("p:s1"),)) == (session(seen=LATER), account())
    assert await events(store) == 2


async def test_a_new_session_takes_the_place_of_the_old_and_sweeps_what_is_over(
    store: Store,
) -> None:
    await store.add_account(account(), event=event())
    over = session("p:over", expires=Millis(NOW - 1))
    await store.open_session(over, instead_of=(), event=event())
    await store.open_session(session(), instead_of=(), event=event())
    assert await store.find_session((Digest("p:over"),)) is None
    await store.open_session(session("p:s2"), instead_of=(Digest("p:s1"),), event=event())
    assert await store.find_session((Digest("p:s1"),)) is None
    assert await store.find_session((Digest("p:s2"),)) is not None


async def test_a_closed_session_is_gone(store: Store) -> None:
    await store.add_account(account(), event=event())
    await store.open_session(session(), instead_of=(), event=event())
    assert await store.close_session((Digest("p:s1"), Digest("p:x")), event=event())
    assert not await store.close_session((Digest("p:s1"),), event=event())
    assert await store.find_session((Digest("p:s1"),)) is None
    assert await events(store) == 3


async def test_ending_the_sessions_of_one_leaves_those_of_others(store: Store) -> None:
    await store.add_account(account(), event=event())
    await store.add_account(account("ac_2", "ben"), event=event())
    other = session("p:s2", account_id=RecordId("ac_2"))
    await store.open_session(session(), instead_of=(), event=event())
    await store.open_session(other, instead_of=(), event=event())
    change = AccountChange(end_sessions=True)
    await store.change_account(RecordId("ac_1"), change, now=NOW, event=event())
    assert await store.find_session((Digest("p:s1"),)) is None
    assert await store.find_session((Digest("p:s2"),)) is not None


async def test_failures_are_counted_and_forgotten(store: Store) -> None:
    one, two = Digest("p:one"), Digest("p:two")
    await store.note_failure([one, two], now=NOW, forget_before=NOW, event=None)
    await store.note_failure([one], now=LATER, forget_before=NOW, event=event())
    assert await store.failures([two, one, Digest("p:three")]) == [
        Failures(count=1, last=NOW), Failures(count=2, last=LATER), None,
    ]  # fmt: skip
    assert await events(store) == 1
    await store.forget_failures([one])
    assert await store.failures([one, two]) == [None, Failures(count=1, last=NOW)]
    await store.note_failure([two], now=LATER, forget_before=LATER, event=None)
    assert await store.failures([one, two]) == [None, Failures(count=1, last=LATER)]
    much_later = Millis(LATER + FORGOTTEN + 1)
    await store.note_failure([one], now=much_later, forget_before=NOW, event=None)
    assert await store.failures([one, two]) == [Failures(count=1, last=much_later), None]


async def test_one_kind_of_failure_does_not_make_another_forgotten(store: Store) -> None:
    one, two = Digest("p:one"), Digest("p:two")
    await store.note_failure([one], now=NOW, forget_before=NOW, event=None)
    await store.note_failure([two], now=LATER, forget_before=LATER, event=None)
    assert await store.failures([one]) == [Failures(count=1, last=NOW)]
