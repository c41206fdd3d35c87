"""What every store owes to a restore: its mark, its log made whole, nothing half-way left."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keyin.domain.events import Act
from keyin.domain.records import Digest
from keyin.wire.audit_chain import Row, Walk, rows
from tests.conformance.test_accounts import account, session
from tests.conformance.test_flows import code, device, pushed, question
from tests.fakes.records import event

if TYPE_CHECKING:
    from tests.conformance.stores import Store


async def _log(store: Store) -> list[Row]:
    (head,) = await store.audit_heads()
    found = list(await store.audit_rows(head.chain, after=0, most=1000))
    walk = Walk(head.chain)
    assert all(walk.step(row) for row in found), walk.bad
    assert walk.head == head
    return found


async def test_a_restore_is_remembered_until_it_ends(store: Store) -> None:
    assert await store.restoring_from() is None
    await store.begin_restoring({"main": 7, "2": 0})
    assert await store.restoring_from() == {"main": 7, "2": 0}
    before = await store.store_epoch()
    assert await store.end_restoring(event=event(Act.EPOCH_MOVED)) == before + 1
    assert await store.store_epoch() == before + 1
    assert await store.restoring_from() is None


async def test_rows_that_follow_go_into_the_log_as_they_are(store: Store) -> None:
    await store.record(event(Act.ALERT))
    (head,) = await store.audit_heads()
    gone = list(rows(head, [event(Act.KEY_REVOKED), event(Act.CLIENT_REVOKED)]))
    assert not await store.continue_chain(gone[1:])
    assert await store.continue_chain(gone)
    assert not await store.continue_chain(gone)
    assert (await _log(store))[1:] == gone
    await store.record(event(Act.ALERT))
    assert len(await _log(store)) == 4


async def test_what_waited_for_an_answer_is_gone_and_all_else_stays(store: Store) -> None:
    await store.add_account(account(), event=event())
    await store.open_session(session(), instead_of=(), event=event())
    await store.add_pushed(pushed())
    await store.ask(question("p:q1"), instead_of=())
    await store.decide(Digest("p:q1"), code(), event=event())
    await store.ask(question("p:q2"), instead_of=())
    await store.add_device_request(device())
    await store.end_restoring(event=event(Act.EPOCH_MOVED))
    assert await store.account(account().id) == account()
    assert await store.find_session([session().digest]) is None
    assert await store.find_pushed([pushed().digest]) is None
    assert await store.find_question([Digest("p:q2")]) is None
    assert await store.find_by_user_code([device().user_code]) is None
    redeemed = await store.redeem(
        [code().digest],
        code().request.credential_id,
        lambda _: None,
        reused=lambda _: (event(), ()),
    )
    assert redeemed is None
