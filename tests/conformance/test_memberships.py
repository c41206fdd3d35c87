"""What every store owes to who looks after which site."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keyin.domain.environment import Millis
from keyin.domain.events import ADMINISTRATOR, Act, Event
from keyin.domain.membership import Membership, Role, reach_of
from keyin.domain.records import RecordId
from tests.fakes.records import NOW

if TYPE_CHECKING:
    from tests.conformance.stores import Store

EVENT = Event(act=Act.MEMBERSHIP_CHANGED, actor=ADMINISTRATOR, at=NOW)
ADA = RecordId("ac_1")
BEN = RecordId("ac_2")


def member(
    who: RecordId = ADA, site: str = "Main hall", role: Role = Role.MANAGER, added: int = NOW
) -> Membership:
    return Membership(account_id=who, site=site, role=role, added=Millis(added))


async def events(store: Store) -> int:
    return len(await store.audit_rows("main", after=0, most=100))


async def test_members_are_found_by_account_and_by_site(store: Store) -> None:
    given = [member(), member(BEN, role=Role.VIEWER), member(site="Annexe")]
    for one in given:
        assert await store.put_membership(one, event=EVENT)
    assert await store.memberships_of(ADA) == [given[2], given[0]]
    assert [one for one, _ in await store.members("Main hall")] == given[:2]
    assert await store.memberships_of(RecordId("ac_3")) == []
    assert [one for one, _ in await store.members("main hall")] == []
    assert await events(store) == 3


async def test_a_role_changes_and_the_day_stays(store: Store) -> None:
    await store.put_membership(member(), event=EVENT)
    assert not await store.put_membership(member(added=NOW + 1), event=EVENT)
    assert await store.put_membership(member(role=Role.OWNER, added=NOW + 1), event=EVENT)
    assert [one for one, _ in await store.members("Main hall")] == [member(role=Role.OWNER)]
    assert await events(store) == 2


async def test_a_membership_ends_once(store: Store) -> None:
    await store.put_membership(member(), event=EVENT)
    assert not await store.end_membership(BEN, "Main hall", event=EVENT)
    assert await store.end_membership(ADA, "Main hall", event=EVENT)
    assert not await store.end_membership(ADA, "Main hall", event=EVENT)
    assert await store.memberships_of(ADA) == []
    assert await events(store) == 2


async def test_p96_a_reach_is_what_is_ones_own_and_ones_sites(store: Store) -> None:
    for one in (member(), member(site="Annexe", role=Role.VIEWER), member(BEN, site="Cellar")):
        await store.put_membership(one, event=EVENT)
    reach = reach_of(ADA, await store.memberships_of(ADA))
    seen = [(ADA, None), (None, "Main hall"), (BEN, "Main hall"), (None, "Annexe"), (ADA, "Cellar")]
    assert all(reach.sees(*one) for one in seen)
    assert [reach.changes(*one) for one in seen] == [True, True, True, False, True]
    for owner, site in ((None, None), (BEN, None), (None, "Cellar"), (BEN, "Cellar"), (None, "")):
        assert not reach.sees(owner, site)
        assert not reach.changes(owner, site)
