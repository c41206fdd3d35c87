"""What every store owes to notices: seen once, mailed once, and to nobody else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from keyin.domain.enrolment import Notice, NoticeKind
from keyin.domain.environment import Millis
from keyin.domain.events import Act
from keyin.domain.records import RecordId, Status
from keyin.oauth.accounts import AccountChange
from keyin.oauth.administration_ports import Word
from keyin.oauth.notice_ports import MOST_NETWORKS
from keyin.oauth.ports import Enrolment
from tests.conformance.test_accounts import account, event
from tests.conformance.test_flows import access
from tests.fakes.records import NOW, client, credential

if TYPE_CHECKING:
    from tests.conformance.stores import Store

ADA, BEN = RecordId("ac_1"), RecordId("ac_2")
LATER = Millis(NOW + 60_000)


def notice(id_: str = "n_1", **changes: Any) -> Notice:
    made = Notice(
        id=RecordId(id_), account_id=ADA, kind=NoticeKind.REGISTERED, client_id=RecordId("c-1"),
        initial_access_id=None, at=NOW, name="Desk 3", address="192.0.2.7",
    )  # fmt: skip
    return replace(made, **changes)


async def test_an_account_has_its_own_notices_the_newest_first(store: Store) -> None:
    given = [notice(), notice("n_2", account_id=BEN), notice("n_3", at=LATER, client_id=None)]
    await store.add_notices(given)
    await store.add_notices([notice(name="again")])
    assert await store.notices_of(ADA, most=10) == [given[2], given[0]]
    assert await store.notices_of(ADA, most=1) == [given[2]]
    assert await store.notices_of(ADA, most=10, before=RecordId("n_3")) == [given[0]]
    assert await store.notices_of(ADA, most=10, before=RecordId("n_2")) == []
    assert await store.notices_of(RecordId("ac_3"), most=10) == []


async def test_only_its_account_sees_a_notice_and_once(store: Store) -> None:
    await store.add_notices([notice(), notice("n_2")])
    ids = [RecordId("n_1"), RecordId("n_4")]
    assert await store.see_notices(BEN, ids, now=LATER) == 0
    assert await store.see_notices(ADA, ids, now=LATER) == 1
    assert await store.see_notices(ADA, ids, now=LATER) == 0
    assert [one.seen for one in await store.notices_of(ADA, most=9)] == [False, True]


async def test_mail_is_claimed_by_one_and_again_when_the_time_is_over(store: Store) -> None:
    await store.add_account(account(email="ada@example.org", language="de"), event=event())
    await store.add_notices([notice(), notice("n_2", account_id=BEN)])
    first = await store.claim_mail(now=NOW, until=LATER, most=10)
    assert [(one.notice.id, one.email, one.language, one.tries) for one in first] == [
        ("n_1", "ada@example.org", "de", 1),
        ("n_2", None, None, 1),
    ]
    assert await store.claim_mail(now=NOW, until=LATER, most=10) == []
    await store.note_mailed(RecordId("n_1"), now=NOW)
    await store.mail_again(RecordId("n_2"), at=None)
    assert await store.claim_mail(now=LATER, until=LATER, most=10) == []
    assert [one.mailed for one in await store.notices_of(ADA, most=9)] == [True]


async def test_what_was_not_handed_over_comes_again_at_its_time(store: Store) -> None:
    await store.add_notices([notice(), notice("n_2")])
    assert len(await store.claim_mail(now=NOW, until=LATER, most=1)) == 1
    await store.mail_again(RecordId("n_1"), at=Millis(NOW + 5))
    assert [one.notice.id for one in await store.claim_mail(now=NOW, until=LATER, most=9)] == [
        "n_2"
    ]
    (again,) = await store.claim_mail(now=Millis(NOW + 5), until=LATER, most=9)
    assert (again.notice.id, again.tries) == ("n_1", 2)


async def test_nobody_is_mailed_who_may_not_sign_in(store: Store) -> None:
    await store.add_account(account(email="ada@example.org"), event=event())
    change = AccountChange(status=Status.SUSPENDED)
    await store.change_account(ADA, change, now=NOW, event=event())
    await store.add_notices([notice()])
    (due,) = await store.claim_mail(now=NOW, until=LATER, most=9)
    assert due.email is None


async def test_an_address_is_kept_changed_and_taken_away(store: Store) -> None:
    await store.add_account(account(), event=event())
    change = AccountChange(email="ada@example.org", language="de")
    assert await store.change_account(ADA, change, now=LATER, event=event())
    changed = await store.account(ADA)
    assert changed is not None
    assert (changed.email, changed.language) == ("ada@example.org", "de")
    kept = AccountChange(status=Status.ACTIVE)
    assert await store.change_account(ADA, kept, now=LATER, event=event())
    assert await store.account(ADA) == changed
    assert await store.change_account(ADA, AccountChange(email=""), now=LATER, event=event())
    gone = await store.account(ADA)
    assert gone is not None
    assert (gone.email, gone.language) == (None, "de")


async def test_who_is_told_of_a_token_or_a_revocation_is_told_with_it_or_not_at_all(
    store: Store,
) -> None:
    made = event(Act.INITIAL_ACCESS_MADE)
    assert await store.add_initial_access(access(), event=made, notices=[notice()])
    again = access("ia_2")  # with the digest of the first
    assert not await store.add_initial_access(again, event=made, notices=[notice("n_2")])
    await store.enrol(Enrolment(clients=[client()], credentials=[credential()]), event=made)
    word = Word(status=Status.REVOKED, reason="lost", now=NOW, event=made, notices=[notice("n_3")])
    active = frozenset({Status.ACTIVE})
    assert await store.set_client_status(client().id, word, only_from=active)
    late = replace(word, notices=[notice("n_4")])
    assert not await store.set_client_status(client().id, late, only_from=active)
    assert [one.id for one in await store.notices_of(ADA, most=9)] == ["n_3", "n_1"]


async def test_a_network_is_told_when_it_is_new_and_not_the_first(store: Store) -> None:
    async def note(network: str, told: str, who: str = "c-1") -> bool:
        notices = [notice(told, kind=NoticeKind.NEW_NETWORK)]
        return await store.note_network(RecordId(who), network, now=NOW, told=notices)

    assert not await note("192.0.2.0/24", "n_1")
    assert not await note("192.0.2.0/24", "n_2")
    assert await note("198.51.100.0/24", "n_3")
    assert not await note("198.51.100.0/24", "n_4")
    assert not await note("198.51.100.0/24", "n_5", who="c-2")
    assert [one.id for one in await store.notices_of(ADA, most=9)] == ["n_3"]


async def test_of_very_many_networks_the_oldest_are_forgotten(store: Store) -> None:
    who = RecordId("c-1")
    for number in range(MOST_NETWORKS + 3):
        at = Millis(NOW + number)
        await store.note_network(who, f"10.0.{number}.0/24", now=at, told=())
    assert not await store.note_network(who, "10.0.3.0/24", now=LATER, told=())
    assert await store.note_network(who, "10.0.0.0/24", now=LATER, told=())
