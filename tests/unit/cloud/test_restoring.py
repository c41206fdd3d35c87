"""What a restore makes of copies that are not as they should be, and of every kind of event."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from keyin.cloud.restoring import refuse_unfinished, restore
from keyin.cloud.since_backup import Left, SinceBackup
from keyin.domain.errors import ConfigurationError
from keyin.domain.events import Act
from keyin.domain.records import RecordId, Status
from keyin.oauth.accounts import PasswordHash
from keyin.oauth.ports import Enrolment
from keyin.stores.memory import MemoryStore
from keyin.wire.audit_chain import Row, beginning, link, rows
from keyin.wire.audit_lines import row_line
from tests.conformance.test_accounts import account as one_account
from tests.fakes.records import NOW, client, event

if TYPE_CHECKING:
    from keyin.cloud.restoring import Report
    from keyin.domain.events import Event

NOBODYS = PasswordHash("nobody's")
C1, C2 = RecordId("client-1"), RecordId("client-2")


async def backup() -> MemoryStore:
    store = MemoryStore()
    await store.enrol(Enrolment(clients=[client(C1), client(C2)]), event=event(Act.IMPORTED))
    return store


async def later(store: MemoryStore, *events: Event) -> list[Row]:
    (head,) = await store.audit_heads()
    return list(rows(head, events))


async def restored(store: MemoryStore, lines: list[bytes], *, incomplete: bool = False) -> Report:
    return await restore(store, lambda: iter(lines), NOW, nobodys=NOBODYS, incomplete=incomplete)


async def status(store: MemoryStore, id_: RecordId) -> Status:
    picture = await store.client_picture(id_)
    assert picture is not None
    return picture.client.status


def revoked(id_: RecordId) -> Event:
    return event(Act.CLIENT_REVOKED, client=id_, reason="lost")


async def test_what_follows_a_gap_is_revoked_and_the_log_is_left_as_it_is() -> None:
    store = await backup()
    gone = await later(store, revoked(C1), event(Act.ALERT), revoked(C2))
    lines = [row_line(gone[0]), row_line(gone[2])]
    with pytest.raises(ConfigurationError, match="rows 3 to 3 of chain main"):
        await restored(store, lines)
    assert await store.restoring_from() is None
    assert await status(store, C1) is Status.ACTIVE
    report = await restored(store, lines, incomplete=True)
    assert (report.broken, report.rows) == (["main"], 0)
    assert [await status(store, id_) for id_ in (C1, C2)] == [Status.REVOKED] * 2


async def test_a_row_that_was_forged_does_not_get_into_the_log() -> None:
    store = await backup()
    (row,) = await later(store, revoked(C1))
    forged = row._replace(event=row.event.replace("lost", "sold"))
    report = await restored(store, [row_line(forged)])
    assert (report.broken, report.rows) == (["main"], 0)
    assert await status(store, C1) is Status.REVOKED  # to take back is never wrong


async def test_lines_that_say_nothing_and_events_of_another_version_do_not_stop_it() -> None:
    store = await backup()
    (head,) = await store.audit_heads()
    strange = b'{"act":"moon.landed","at":1}'
    first = Row("main", head.seq + 1, NOW, strange.decode(), link(head.hash, strange))
    lines = [b"torn {", b"\n", row_line(first), b'{"checkpoint":"x"}\n']
    report = await restored(store, lines)
    assert [(one.act, one.why) for one in report.left] == [("moon.landed", "unknown_act")]


async def test_a_copy_that_says_everything_twice_is_applied_once() -> None:
    store = await backup()
    lines = [row_line(row) for row in await later(store, revoked(C1))]
    report = await restored(store, lines * 3)
    assert (report.rows, report.applied["clients"]) == (1, 1)


async def test_a_password_that_was_replaced_opens_nothing_again() -> None:
    store = await backup()
    await store.add_account(one_account(), event=event())
    lines = [row_line(row) for row in await later(store, account("password"))]
    report = await restored(store, lines)
    found = await store.account(RecordId("ac_1"))
    assert found is not None
    assert (found.password, found.epoch) == (NOBODYS, 1)
    assert [(one.about, one.why) for one in report.left] == [("ac_1", "no_password")]


async def test_a_chain_that_began_after_the_backup_is_read_too() -> None:
    store = await backup()
    other = list(rows(beginning("main.2"), [revoked(C2)]))
    report = await restored(store, [row_line(row) for row in other])
    assert report.broken == ["main.2"]  # this store has one chain; it is read all the same
    assert await status(store, C2) is Status.REVOKED


def test_a_restore_that_did_not_end_is_not_served() -> None:
    refuse_unfinished(None)
    with pytest.raises(ConfigurationError, match="put back"):
        refuse_unfinished({})


def came_to(*events: Event) -> SinceBackup:
    since = SinceBackup()
    for one in events:
        since.note(one)
    return since


def site(word: str) -> Event:
    return event(Act.SITE_CHANGED, site="hall", detail={"status": word})


def account(what: str) -> Event:
    return event(Act.ACCOUNT_CHANGED, detail={"account": "ac_1", "what": what})


@pytest.mark.parametrize(
    ("events", "stopped"),
    [
        ([site("suspended")], {"hall": Status.SUSPENDED}),
        ([site("suspended"), site("active")], {}),
        ([site("suspended"), site("active"), site("revoked")], {"hall": Status.REVOKED}),
    ],
)
def test_what_was_said_of_a_site_last_counts(events: list[Event], stopped: Any) -> None:
    since = came_to(*events)
    assert {name: one.status for name, one in since.sites.items()} == stopped
    assert since.left == []


@pytest.mark.parametrize(
    ("one", "left"),
    [
        (site("active"), Left("site.changed", "hall", "was_let_go_on")),
        (account("resumed"), Left("account.changed", "ac_1", "was_let_go_on")),
        (account("address"), Left("account.changed", "ac_1", "by_hand")),
        (event(Act.POLICY_CHANGED, key="k_1"), Left("policy.changed", "k_1", "old_policy")),
        (
            event(Act.REGISTRATION_CHANGED, client=C1, detail={"keys": "1"}),
            Left("registration.changed", C1, "old_registration"),
        ),
    ],
)
def test_what_gives_is_left_to_a_person(one: Event, left: Left) -> None:
    assert came_to(one).left == [left]


@pytest.mark.parametrize("act", Act)
def test_every_act_comes_to_something_or_to_nothing_and_none_fails(act: Act) -> None:
    """An event that lacks what it should say is left to a person."""
    came_to(event(act))
    came_to(event(act, client=C1, site="hall", key="k_1", detail={"account": "ac_1"}))


def test_a_computer_that_came_and_was_taken_back_is_known() -> None:
    def birth(id_: str, access: str) -> Event:
        detail = {"initial_access": access}
        return event(Act.CLIENT_REGISTERED, client=RecordId(id_), actor=f"gai_{id_}", detail=detail)

    bad = {"initial_access": "ia_2", "descendants": "yes"}
    since = came_to(
        *(birth("c_1", "ia_1"), birth("c_2", "ia_2"), birth("c_3", "ia_1"), birth("c_4", "-")),
        event(Act.CLIENT_REVOKED, client=RecordId("c_3")),
        event(Act.INITIAL_ACCESS_REVOKED, detail=bad),
    )
    assert [id_ for id_, _ in since.taken_back] == ["c_2", "c_3"]
    assert since.made["client.registered"] == 4
