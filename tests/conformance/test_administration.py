"""What every store owes to the administrator: stopped at once, for ever where it is for ever."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from keyin.domain.environment import Millis
from keyin.domain.events import ADMINISTRATOR, Act, Event
from keyin.domain.records import Digest, RecordId, Status, StoppedBy
from keyin.oauth.administration_ports import Word
from keyin.oauth.ports import Enrolment
from tests.fakes.records import LINEAGE, NOW, client, client_key, credential, key, token

if TYPE_CHECKING:
    from tests.conformance.stores import Store

T1 = (Digest("p:t1"),)
C1 = RecordId("client-1")
LATER = Millis(NOW + 1)
EVENT = Event(act=Act.SITE_CHANGED, actor=ADMINISTRATOR, at=LATER)
NOT_REVOKED = frozenset(Status) - {Status.REVOKED}
ELSEWHERE = replace(LINEAGE, site="elsewhere", software_version="2")


def word(status: Status, reason: str | None = "other") -> Word:
    return Word(status=status, reason=reason, now=LATER, event=EVENT)


async def _everything(store: Store) -> None:
    """Two clients at one site, a third elsewhere, which runs another version."""
    await store.enrol(
        Enrolment(
            clients=[client(), client("client-2"), client("client-3", lineage=ELSEWHERE)],
            credentials=[
                credential(),
                credential("credential-3", client_id="client-3", oauth2_client_id="elsewhere",
                           lineage=ELSEWHERE),
            ],
            keys=[key()],
            client_keys=[client_key()],
            tokens=[token()],
        ),
        event=EVENT,
    )  # fmt: skip


async def _events(store: Store) -> int:
    """Count the events since everything came in."""
    return sum([head.seq for head in await store.audit_heads()]) - 1


async def _found(store: Store) -> tuple[Status, StoppedBy | None, bool]:
    """Say how client-1 counts, both ways, and whether its token's epoch is still its own."""
    grant = await store.find_grant(T1)
    by_name = await store.find_credential("main-hall")
    assert grant is not None
    assert by_name is not None
    assert by_name[1] == grant.client
    alive = grant.client.epoch == grant.token.client_epoch
    return grant.client.status, grant.client.stopped_by, alive


STOPS = [
    (Status.SUSPENDED, "site", StoppedBy.SITE),
    (Status.REVOKED, "site", StoppedBy.SITE),
    (Status.SUSPENDED, "software", StoppedBy.SOFTWARE),
]


async def _say(store: Store, level: str, what: Word, *, ending: bool = True) -> int | None:
    if level == "site":
        return await store.set_site("main hall", what, ending=ending)
    return await store.set_software("s", "1", what, ending=ending)


@pytest.mark.parametrize(("status", "level", "by"), STOPS)
async def test_p03_a_word_against_a_site_or_a_release_counts_at_the_next_look(
    store: Store, status: Status, level: str, by: StoppedBy
) -> None:
    await _everything(store)
    assert await _found(store) == (Status.ACTIVE, None, True)
    assert await _say(store, level, word(status)) == 2
    assert await _found(store) == (Status.SUSPENDED, by, False)
    elsewhere = await store.find_credential("elsewhere")
    assert elsewhere is not None
    assert elsewhere[1] == client("client-3", lineage=ELSEWHERE)
    assert await _events(store) == 1


@pytest.mark.parametrize("level", ["site", "software"])
async def test_p03_to_resume_brings_no_token_back(store: Store, level: str) -> None:
    await _everything(store)
    await _say(store, level, word(Status.SUSPENDED))
    assert await _say(store, level, word(Status.ACTIVE, None), ending=False) == 2
    assert await _found(store) == (Status.ACTIVE, None, False)


@pytest.mark.parametrize("level", ["site", "software"])
async def test_what_is_no_news_leaves_no_event(store: Store, level: str) -> None:
    await _everything(store)
    await _say(store, level, word(Status.SUSPENDED))
    assert await _say(store, level, word(Status.SUSPENDED)) is None
    assert await _events(store) == 1


@pytest.mark.parametrize("level", ["site", "software"])
async def test_what_is_revoked_stays_so(store: Store, level: str) -> None:
    await _everything(store)
    await _say(store, level, word(Status.REVOKED))
    for status in (Status.ACTIVE, Status.SUSPENDED, Status.REVOKED):
        assert await _say(store, level, word(status)) is None
    assert (await _found(store))[0] is Status.SUSPENDED


async def test_a_clients_own_status_is_told_before_its_sites(store: Store) -> None:
    await _everything(store)
    await store.set_site("main hall", word(Status.SUSPENDED), ending=True)
    await store.set_client_status(C1, word(Status.REVOKED), only_from=NOT_REVOKED)
    assert (await _found(store))[:2] == (Status.REVOKED, None)


async def test_a_client_that_comes_later_counts_as_its_site_does(store: Store) -> None:
    await store.set_site("main hall", word(Status.SUSPENDED), ending=True)
    assert await store.find_credential("main-hall") is None
    await _everything(store)
    assert (await _found(store))[:2] == (Status.SUSPENDED, StoppedBy.SITE)


async def test_sites_and_versions_are_listed_with_their_clients(store: Store) -> None:
    await _everything(store)
    await store.set_site("annexe", word(Status.ACTIVE, None), ending=False)
    await store.set_site("main hall", word(Status.SUSPENDED, "lost"), ending=True)
    listed = await store.sites(after="", most=9)
    assert [(name, record and record.status, count) for name, record, count in listed] == [
        ("annexe", Status.ACTIVE, 0), ("elsewhere", None, 1), ("main hall", Status.SUSPENDED, 2)
    ]  # fmt: skip
    record, _ = await store.find_site("main hall")
    assert record is not None
    assert (record.reason, record.created, record.updated) == ("lost", LATER, None)
    assert [site[0] for site in await store.sites(after="annexe", most=1)] == ["elsewhere"]
    versions = await store.software(after=("", ""), most=9)
    assert versions == [(("s", "1"), None, 2), (("s", "2"), None, 1)]
    await store.set_software("a", "0", word(Status.SUSPENDED), ending=True)
    assert [one[0] for one in await store.software(after=("a", "0"), most=1)] == [("s", "1")]
    assert (await store.find_software("s", "3")) == (None, 0)


@pytest.mark.parametrize("status", [Status.SUSPENDED, Status.REVOKED])
async def test_p03_a_client_is_stopped_at_the_next_look(store: Store, status: Status) -> None:
    await _everything(store)
    assert await store.set_client_status(C1, word(status), only_from=NOT_REVOKED)
    assert await _found(store) == (status, None, False)
    resumed = await store.set_client_status(
        C1, word(Status.ACTIVE), only_from=frozenset({Status.SUSPENDED})
    )
    assert resumed is (status is Status.SUSPENDED)
    assert (await _found(store))[2] is False
    assert await _events(store) == 1 + resumed
    unknown = RecordId("unknown")
    assert not await store.set_client_status(unknown, word(status), only_from=NOT_REVOKED)


async def test_p03_a_client_key_ends_once_with_the_tokens_of_its_credential(store: Store) -> None:
    await _everything(store)
    assert await store.end_client_key("kid-1", event=EVENT)
    assert not await store.end_client_key("kid-1", event=EVENT)
    assert not await store.end_client_key("unknown", event=EVENT)
    grant = await store.find_grant(T1)
    assert grant is not None
    assert grant.credential.epoch == grant.token.credential_epoch + 1
    assert await _events(store) == 1


async def test_p03_a_token_ends_once(store: Store) -> None:
    await _everything(store)
    assert await store.end_token(T1, event=EVENT) is True
    assert await store.end_token(T1, event=EVENT) is False
    assert await store.end_token((Digest("p:none"),), event=EVENT) is None
    grant = await store.find_grant(T1)
    assert grant is not None
    assert grant.token.status is Status.REVOKED
    assert await _events(store) == 1


async def test_a_key_is_added_once(store: Store) -> None:
    await _everything(store)
    assert await store.add_client_key(client_key("kid-0"), event=EVENT)
    assert not await store.add_client_key(client_key("kid-0"), event=EVENT)
    assert await _events(store) == 1
    picture = await store.client_picture(C1)
    assert picture is not None
    assert [one.kid for one in picture.keys] == ["kid-0", "kid-1"]


async def test_a_client_is_found_by_its_ids(store: Store) -> None:
    await _everything(store)
    again = credential("credential-2", client_id="client-2")  # imported records may share an id
    await store.enrol(Enrolment(credentials=[again]), event=EVENT)
    assert await store.clients_named("client-3") == ["client-3"]
    assert await store.clients_named("elsewhere") == ["client-3"]
    assert await store.clients_named("main-hall") == ["client-1", "client-2"]
    assert await store.clients_named("none") == []
    assert await store.client_picture(RecordId("none")) is None


async def test_clients_are_listed_in_pages(store: Store) -> None:
    await _everything(store)
    await store.set_software("s", "2", word(Status.SUSPENDED), ending=True)
    every = await store.client_pictures(after=0, most=9, site=None, status=None)
    assert [(one.number, one.client.id) for one in every] == [
        (1, "client-1"), (2, "client-2"), (3, "client-3")
    ]  # fmt: skip
    assert every[2].client.stopped_by is StoppedBy.SOFTWARE
    assert (every[0].credentials, every[0].keys) == ([credential()], [client_key()])
    page = await store.client_pictures(after=1, most=1, site=None, status=None)
    assert [one.client.id for one in page] == ["client-2"]
    there = await store.client_pictures(after=0, most=9, site="elsewhere", status=None)
    assert [one.client.id for one in there] == ["client-3"]
    assert not await store.client_pictures(after=0, most=9, site=None, status=Status.REVOKED)


async def test_p102_the_old_routes_end_is_moved_at_once_and_told_once(store: Store) -> None:
    await _everything(store)
    before = await _events(store)
    moved = await store.set_legacy_until(C1, LATER, now=LATER, event=EVENT)
    found = await store.find_credential("main-hall")
    assert moved
    assert found is not None
    assert found[1] is not None
    assert (found[1].legacy_until, found[1].updated, found[1].epoch) == (LATER, LATER, 0)
    assert not await store.set_legacy_until(C1, LATER, now=LATER, event=EVENT)
    assert not await store.set_legacy_until(RecordId("none"), LATER, now=LATER, event=EVENT)
    assert await _events(store) - before == 1
