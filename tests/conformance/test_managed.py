"""What every store owes to an account that looks after computers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from keyin.domain.enrolment import InitialAccess, InitialAccessKind, Template
from keyin.domain.environment import Millis
from keyin.domain.events import Act, Event
from keyin.domain.membership import Role
from keyin.domain.records import UNRESTRICTED, ClientKind, Digest, RecordId, Status
from keyin.oauth.managed_ports import Wanted
from keyin.oauth.notice_ports import DAY_MS
from keyin.oauth.ports import Enrolment
from tests.conformance.test_memberships import ADA, BEN, EVENT, member
from tests.fakes.records import LINEAGE, NOW, client, credential

if TYPE_CHECKING:
    from keyin.domain.records import Client
    from tests.conformance.stores import Store


def one(id_: str, owner: str | None, site: str | None, **changes: Any) -> Client:
    lineage = replace(LINEAGE, owner=owner, site=site, software_version=changes.pop("version", "1"))
    return client(id_, lineage=lineage, **changes)


def access(id_: str, owner: str | None, site: str | None, kind: InitialAccessKind) -> InitialAccess:
    return InitialAccess(
        id=RecordId(id_), digest=Digest(f"p:{id_}"), kind=kind, owner=owner, site=site,
        label=id_, template=Template(), computer=None, max_uses=1, uses=0, not_before=NOW,
        expires=Millis(NOW + 1), networks=UNRESTRICTED, software_ids=UNRESTRICTED, bound_jkt=None,
        status=Status.ACTIVE, revoked_reason=None, created=NOW, last_used=None,
    )  # fmt: skip


CLIENTS = [
    one("own", ADA, None, name="Desk 50% off"),
    one("at-site", BEN, "Main hall", name="Hall_1", status=Status.SUSPENDED, version="2.1"),
    one("seen", None, "Annexe", name=None, computer_type=None),
    one("bens", BEN, "Cellar"),
    one("nobodys", None, None),
    one("app", ADA, "Main hall", kind=ClientKind.APPLICATION),
    one("own-too", ADA, "Cellar", name="Kiosk", computer_type="kiosk"),
]


@pytest.fixture
async def stocked(store: Store) -> Store:
    proof = credential(client_id=CLIENTS[0].id, lineage=replace(LINEAGE, site=None))
    await store.enrol(Enrolment(clients=CLIENTS, credentials=[proof]), event=EVENT)
    await store.put_membership(member(), event=EVENT)
    await store.put_membership(member(site="Annexe", role=Role.VIEWER), event=EVENT)
    return store


async def found(store: Store, who: RecordId = ADA, **wanted: Any) -> list[str]:
    pictures = await store.managed(who, Wanted(**wanted), before=None, most=99)
    return [picture.client.id for picture in pictures]


async def test_p96_only_what_is_within_reach_is_found(stocked: Store) -> None:
    assert await found(stocked) == ["own-too", "seen", "at-site", "own"]
    assert await found(stocked, BEN) == ["bens", "at-site"]
    for made in CLIENTS:
        for who, within in (
            (ADA, {"own", "own-too", "seen", "at-site"}),
            (BEN, {"bens", "at-site"}),
        ):
            picture = await stocked.managed_one(who, made.id)
            assert (picture is not None) == (made.id in within), (who, made.id)
            assert picture is None or picture.client.id == made.id
    await stocked.end_membership(ADA, "Main hall", event=EVENT)
    assert await found(stocked) == ["own-too", "seen", "own"]


async def test_p94_what_was_done_with_a_computer_is_seen_by_who_it_is_in_reach_of(
    stocked: Store,
) -> None:
    own = CLIENTS[0].id
    for number, act in enumerate((Act.CLIENT_REGISTERED, Act.TOKEN_ISSUED, Act.CLIENT_SUSPENDED)):
        at = Millis(NOW + number)
        await stocked.record(Event(act=act, actor='"client":"own"', at=at, client=own))
    await stocked.record(Event(act=Act.CLIENT_REVOKED, actor=own, at=NOW, client=CLIENTS[1].id))
    await stocked.note_network(own, "192.0.2.0/24", now=NOW, told=())
    later = Millis(NOW + 3 * DAY_MS)
    await stocked.note_network(own, "198.51.100.0/24", now=NOW, told=())
    await stocked.note_network(own, "198.51.100.0/24", now=later, told=())
    seen = await stocked.managed_history(ADA, own, most=9)
    assert seen is not None
    assert [one.act for one in seen.events] == [Act.CLIENT_SUSPENDED, Act.CLIENT_REGISTERED]
    assert [(one.network, one.first, one.last) for one in seen.networks] == [
        ("198.51.100.0/24", NOW, later),
        ("192.0.2.0/24", NOW, NOW),
    ]
    newest = await stocked.managed_history(ADA, own, most=1)
    assert newest is not None
    assert [one.act for one in newest.events] == [Act.CLIENT_SUSPENDED]
    assert await stocked.managed_history(BEN, own, most=9) is None
    assert await stocked.managed_history(ADA, CLIENTS[3].id, most=9) is None


async def test_of_acts_at_the_same_time_the_last_comes_first(stocked: Store) -> None:
    own = CLIENTS[0].id
    acts = [Act.CLIENT_REGISTERED, Act.CLIENT_SUSPENDED, Act.CLIENT_REVOKED]
    for act in acts:
        await stocked.record(Event(act=act, actor=own, at=NOW, client=own))
    for most in (3, 2, 1):
        seen = await stocked.managed_history(ADA, own, most=most)
        assert seen is not None
        assert [one.act for one in seen.events] == acts[::-1][:most]


async def test_what_belongs_to_a_computer_comes_with_it(stocked: Store) -> None:
    picture = await stocked.managed_one(ADA, CLIENTS[0].id)
    assert picture is not None
    assert [proof.client_id for proof in picture.credentials] == [CLIENTS[0].id]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"text": "KIOSK"}, ["own-too"]),
        ({"text": "hall"}, ["at-site"]),
        ({"text": "50%"}, ["own"]),
        ({"text": "%"}, ["own"]),
        ({"text": "_"}, ["at-site"]),
        ({"text": "\\"}, []),
        ({"text": "2.1"}, ["at-site"]),
        ({"text": "annexe"}, ["seen"]),
        ({"status": Status.SUSPENDED}, ["at-site"]),
        ({"site": "Cellar"}, ["own-too"]),
        ({"site": "Cellar", "status": Status.REVOKED}, []),
    ],
)
async def test_a_wish_narrows(stocked: Store, wanted: dict[str, Any], expected: list[str]) -> None:
    assert await found(stocked, **wanted) == expected


async def test_a_page_begins_where_the_last_ended(stocked: Store) -> None:
    seen: list[str] = []
    before = None
    while page := await stocked.managed(ADA, Wanted(), before=before, most=3):
        seen += [picture.client.id for picture in page]
        before = page[-1].number
    assert seen == ["own-too", "seen", "at-site", "own"]


async def test_they_are_counted(stocked: Store) -> None:
    assert await stocked.managed_counts(ADA) == {
        (None, Status.ACTIVE): 1,
        ("Main hall", Status.SUSPENDED): 1,
        ("Annexe", Status.ACTIVE): 1,
        ("Cellar", Status.ACTIVE): 1,
    }
    assert await stocked.managed_counts(BEN) == {
        ("Main hall", Status.SUSPENDED): 1,
        ("Cellar", Status.ACTIVE): 1,
    }


async def test_p96_files_and_codes_within_reach_are_listed_the_newest_first(stocked: Store) -> None:
    made = [
        access("own", ADA, None, InitialAccessKind.FILE),
        access("at-once", ADA, None, InitialAccessKind.BROWSER),
        access("at-site", BEN, "Main hall", InitialAccessKind.CODE),
        access("bens", BEN, "Cellar", InitialAccessKind.FILE),
        access("nobodys", None, None, InitialAccessKind.BUNDLE),
        access("seen", None, "Annexe", InitialAccessKind.BUNDLE),
    ]
    for one in made:
        await stocked.add_initial_access(one, event=EVENT)
    found = await stocked.managed_access(ADA, before=None, most=9)
    assert [one.record.id for one in found] == ["seen", "at-site", "own"]
    assert found[0].record == made[-1]
    page = await stocked.managed_access(ADA, before=found[0].number, most=1)
    assert [one.record.id for one in page] == ["at-site"]
    bens = await stocked.managed_access(BEN, before=None, most=9)
    assert [one.record.id for one in bens] == ["bens", "at-site"]
