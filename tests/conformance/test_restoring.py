"""What every store owes to a restore: its mark, its log made whole, nothing half-way left."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from keyin.cloud.restoring import restore
from keyin.domain.events import Act
from keyin.domain.membership import Membership, Role
from keyin.domain.records import Digest, RecordId, Status
from keyin.oauth.accounts import PasswordHash
from keyin.wire.audit_chain import Row, Walk, rows
from keyin.wire.audit_lines import row_line
from tests.conformance.test_accounts import account, session
from tests.conformance.test_flows import ADA, access, code, device, pushed, question
from tests.conformance.test_second_factors import CODES, confirmed, factor
from tests.fakes.records import NOW, event

if TYPE_CHECKING:
    from keyin.domain.events import Event
    from tests.conformance.stores import Store


NOBODYS = PasswordHash("nobody's")


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


async def test_codes_on_paper_are_void_and_the_second_step_stays(store: Store) -> None:
    await confirmed(store)
    who = factor().account_id
    assert await store.use_second_factor(who, step=None, recovery=CODES[:1])
    await store.end_restoring(event=event(Act.EPOCH_MOVED))
    assert not await store.use_second_factor(who, step=None, recovery=CODES)
    left = await store.second_factor(who)
    assert left is not None
    assert (left.confirmed, left.recovery_left) == (True, 0)
    assert await store.use_second_factor(who, step=8)


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


def _born(client_id: str, access: str) -> Event:
    return event(
        Act.CLIENT_REGISTERED,
        actor=f"gai_{client_id}",
        client=RecordId(client_id),
        site="main hall",
        detail={"initial_access": access},
    )


async def test_what_was_taken_back_of_enrolment_is_so_again(store: Store) -> None:
    """A computer that came since and was taken back meets its own revoked record."""
    await store.record(event(Act.ALERT))
    for name, most in (("ia_once", 1), ("ia_many", 50), ("ia_bad", 50)):
        record = replace(access(name, f"p:{name}"), max_uses=most)
        await store.add_initial_access(record, event=event(Act.INITIAL_ACCESS_MADE))
    member = Membership(account_id=ADA[0], site="main hall", role=Role.OWNER, added=NOW)
    await store.put_membership(member, event=event(Act.MEMBERSHIP_CHANGED))
    (head,) = await store.audit_heads()
    since = [
        *(_born("c_1", "ia_once"), _born("c_2", "ia_many"), _born("c_3", "ia_many")),
        _born("c_4", "ia_bad"),
        event(Act.CLIENT_REVOKED, client=RecordId("c_3")),
        event(
            Act.INITIAL_ACCESS_REVOKED, detail={"initial_access": "ia_bad", "descendants": "yes"}
        ),
        event(
            Act.MEMBERSHIP_CHANGED, site="main hall", detail={"account": ADA[0], "role": "viewer"}
        ),
    ]
    lines = [row_line(row) for row in rows(head, since)]
    report = await restore(store, lambda: iter(lines), NOW, nobodys=NOBODYS)
    assert report.applied["initial_access"] == 2
    assert (report.applied["computers"], report.applied["members"]) == (2, 1)
    assert [(one.about, one.why) for one in report.left] == [("ia_many", "uses_forgotten")]
    statuses = []
    for name in ("ia_once", "ia_many", "ia_bad"):
        found = await store.initial_access(RecordId(name))
        assert found is not None
        statuses.append(found.record.status)
    assert statuses == [Status.REVOKED, Status.ACTIVE, Status.REVOKED]
    assert [one for one, _ in await store.members("main hall")] == [
        replace(member, role=Role.VIEWER)
    ]
    for number, there in ((1, False), (2, False), (3, True), (4, True)):
        grave = await store.registered(f"gai_c_{number}")
        assert (grave is not None) is there
        assert grave is None or grave.client.status is Status.REVOKED
    again = await restore(store, lambda: iter(lines), NOW, nobodys=NOBODYS)
    assert sum(again.applied.values()) == 0
