"""What every store owes to initial access tokens, registrations, and what lapses."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from keyin.domain.enrolment import (
    Computer,
    Flag,
    InitialAccess,
    InitialAccessKind,
    Registration,
    Template,
)
from keyin.domain.environment import Millis
from keyin.domain.events import Act
from keyin.domain.membership import Membership, Role
from keyin.domain.records import UNRESTRICTED, Digest, ProofUse, RecordId, Status
from keyin.oauth.enrolment_ports import Again, Born, Ending, Killed, Place, Question, Reach
from tests.fakes.records import NOW, client, client_key, credential, event

if TYPE_CHECKING:
    from keyin.oauth.enrolment_ports import Decision, Surroundings
    from tests.conformance.stores import Store

LATER = Millis(NOW + 900_000)
MADE = event(Act.INITIAL_ACCESS_MADE)
REGISTERED = event(Act.CLIENT_REGISTERED)


def access(id_: str = "ia_1", **changes: Any) -> InitialAccess:
    made = InitialAccess(
        id=RecordId(id_),
        digest=Digest(f"p:{id_}"),
        kind=InitialAccessKind.FILE,
        owner="ac_1",
        site="Main hall",
        label="Forty desks",
        template=Template(computer_type="public", networks=("192.0.2.0/24",), writable=("a", "b")),
        computer=None,
        max_uses=2,
        uses=0,
        not_before=NOW,
        expires=LATER,
        networks=UNRESTRICTED,
        software_ids=("net.keyin.requester",),
        bound_jkt=None,
        status=Status.ACTIVE,
        revoked_reason=None,
        created=NOW,
        last_used=None,
    )
    return replace(made, **changes)


def born(number: int = 1, **changes: Any) -> Born:
    ids = f"client-{number}", f"credential-{number}"
    lineage = replace(client().lineage, owner="ac_1", site="Main hall")
    made = Born(
        client=client(ids[0], name=f"Desk {number}", status=Status.PENDING, lineage=lineage),
        credential=credential(
            ids[1], client_id=RecordId(ids[0]), oauth2_client_id=f"gai_{number}", lineage=lineage
        ),
        key=client_key(f"kid-{number}", credential_id=RecordId(ids[1])),
        registration=Registration(
            client_id=RecordId(ids[0]),
            credential_id=RecordId(ids[1]),
            token_digest=Digest(f"p:rat-{number}"),
            initial_access_id=RecordId("ia_1"),
            channel_id=None,
            installation_id="i" * 43,
            scopes=("settings:read",),
            activate_by=LATER,
            version=1,
            flags=(),
            created=NOW,
        ),
        event=REGISTERED,
        access_id=RecordId("ia_1"),
    )
    return replace(made, **changes)


def question(**changes: Any) -> Question:
    return replace(
        Question(access=[Digest("p:ia_1")], kids=["kid-1"], owner="ac_1", site="Main hall"),
        **changes,
    )


async def write(store: Store, decision: Decision, **changes: Any) -> Surroundings:
    seen: list[Surroundings] = []

    def decide(found: Surroundings) -> Decision:
        seen.append(found)
        return decision

    await store.register(question(**changes), decide)
    return seen[-1]


async def events(store: Store, act: Act) -> int:
    heads = await store.audit_heads()
    pages = [await store.audit_rows(head.chain, after=0, most=500) for head in heads]
    return sum(f'"{act.value}"' in row.event for page in pages for row in page)


async def test_a_token_comes_back_as_it_was_written(store: Store) -> None:
    whole = access(computer=Computer(name="Desk", installation_id="i" * 43), bound_jkt="k" * 43)
    assert await store.add_initial_access(whole, event=MADE)
    assert not await store.add_initial_access(access("ia_2", digest=whole.digest), event=MADE)
    assert await store.find_initial_access([Digest("p:other"), whole.digest]) == whole
    assert await store.find_initial_access([Digest("p:other")]) is None
    listed = await store.initial_access(whole.id)
    assert listed is not None
    assert (listed.record, listed.clients) == (whole, 0)


async def test_tokens_are_listed_within_reach(store: Store) -> None:
    mine = access("ia_1", site=None)
    sites = access("ia_2", owner="ac_2")
    foreign = access("ia_3", owner="ac_2", site="Annexe")
    nobodys = access("ia_4", owner=None, site=None)
    for one in (mine, sites, foreign, nobodys):
        await store.add_initial_access(one, event=MADE)

    async def seen(reach: Reach | None, after: int = 0, most: int = 10) -> list[str]:
        found = await store.initial_accesses(after=after, most=most, reach=reach)
        return [one.record.id for one in found]

    assert await seen(None) == ["ia_1", "ia_2", "ia_3", "ia_4"]
    assert await seen(Reach(account="ac_1")) == ["ia_1"]
    assert await seen(Reach(account="ac_1", sites=frozenset({"Main hall"}))) == ["ia_1", "ia_2"]
    first = await store.initial_accesses(after=0, most=1, reach=None)
    assert await seen(None, after=first[0].number, most=2) == ["ia_2", "ia_3"]


async def test_a_birth_is_whole_and_counts(store: Store) -> None:
    await store.add_initial_access(access(), event=MADE)
    one = born()
    seen = await write(store, one)
    assert (seen.access, seen.holders, seen.named) == (access(), {}, None)
    found = await store.registered("gai_1")
    assert found is not None
    assert found.registration == one.registration
    assert (found.client, found.credential) == (one.client, one.credential)
    assert list(found.keys) == [one.key]
    after = await store.find_initial_access([Digest("p:ia_1")])
    assert after is not None
    assert (after.uses, after.last_used) == (1, NOW)
    assert await events(store, Act.CLIENT_REGISTERED) == 1
    pair = await store.find_credential("gai_1")
    assert pair is not None
    assert pair[1] == one.client


async def test_what_is_there_is_seen(store: Store) -> None:
    await store.add_initial_access(access(), event=MADE)
    await write(store, born())
    seen = await write(
        store,
        None,
        client_id="gai_1",
        kids=["kid-1", "kid-2"],
        name="Desk 1",
        installation_id="i" * 43,
    )
    assert seen.named is not None
    assert list(seen.holders) == ["kid-1"]
    assert (list(seen.same_name), list(seen.same_installation)) == (["client-1"], ["client-1"])
    assert not seen.owner_stands
    other = await write(store, None, owner=None, site=None, name="Desk 1", installation_id="i" * 43)
    assert (list(other.same_name), list(other.same_installation)) == ([], [])
    assert other.owner_stands


async def test_who_owns_a_site_is_known(store: Store) -> None:
    for account, site, role in (
        ("ac_2", "Main hall", Role.OWNER),
        ("ac_1", "Main hall", Role.OWNER),
        ("ac_3", "Main hall", Role.MANAGER),
        ("ac_4", "Annexe", Role.OWNER),
    ):
        one = Membership(account_id=RecordId(account), site=site, role=role, added=NOW)
        await store.put_membership(one, event=event(Act.MEMBERSHIP_CHANGED))
    seen = await write(store, None)
    assert list(seen.site_owners) == ["ac_1", "ac_2"]
    assert list((await write(store, None, site=None)).site_owners) == []


async def test_p47_of_many_at_once_each_sees_what_the_others_wrote(store: Store) -> None:
    await store.add_initial_access(access(max_uses=3), event=MADE)
    written = []

    def taking(number: int) -> Any:
        def decide(found: Surroundings) -> Decision:
            assert found.access is not None
            if found.access.used_up:
                return None
            return born(number)

        return decide

    async def one(number: int) -> None:
        await store.register(question(kids=[f"kid-{number}"]), taking(number))
        if await store.registered(f"gai_{number}") is not None:
            written.append(number)

    await asyncio.gather(*[one(number) for number in range(20)])
    assert len(written) == 3
    listed = await store.initial_access(RecordId("ia_1"))
    assert listed is not None
    assert (listed.record.uses, listed.clients) == (3, 3)


async def test_a_proof_is_used_up_once(store: Store) -> None:
    use = ProofUse(namespace="dpop", digest="x", expires=LATER)
    assert await store.register(question(), lambda _: None, uses=[use]) is None
    assert await store.register(question(), lambda _: born(), uses=[use]) == use
    assert await store.registered("gai_1") is None


async def test_a_client_is_changed_as_a_whole(store: Store) -> None:
    await write(store, born())
    before = born()
    new = client_key("kid-2", credential_id=before.credential.id, added=Millis(NOW + 1))
    after = replace(before.registration, version=2, flags=(Flag.RETURNED,), activate_by=None)
    again = Again(
        registration=after,
        name="Another",
        software_version="9",
        status=Status.ACTIVE,
        keys=[new],
        now=LATER,
        event=event(Act.REGISTRATION_CHANGED),
    )
    await write(store, again)
    found = await store.registered("gai_1")
    assert found is not None
    assert found.registration == after
    assert (found.client.name, found.client.status, found.client.epoch) == (
        "Another",
        Status.ACTIVE,
        1,
    )
    assert found.client.lineage.software_version == found.credential.lineage.software_version == "9"
    assert [(key.kid, key.status) for key in found.keys] == [
        ("kid-1", Status.REVOKED),
        ("kid-2", Status.ACTIVE),
    ]
    assert found.client.computer_type == before.client.computer_type
    place = Place(computer_type="staff", site="Annexe")
    await write(store, replace(again, place=place))
    moved = await store.registered("gai_1")
    assert moved is not None
    assert (moved.client.computer_type, moved.client.lineage.site) == ("staff", "Annexe")
    assert moved.credential.lineage.site == "Annexe"
    assert moved.client.lineage.owner == before.client.lineage.owner
    assert found.credential.epoch == 1
    await write(store, replace(again, status=None, keys=[new]))
    same = await store.registered("gai_1")
    assert same is not None
    assert same.client.epoch == 1


async def test_a_client_wakes_in_time_and_once(store: Store) -> None:
    await write(store, born())
    await write(store, born(2, registration=replace(born(2).registration, activate_by=NOW)))
    woken = event(Act.CLIENT_ACTIVATED)
    one, two = RecordId("credential-1"), RecordId("credential-2")
    assert await store.activate(one, now=LATER, event=woken)
    assert not await store.activate(one, now=LATER, event=woken)
    assert not await store.activate(two, now=Millis(NOW + 1), event=woken)
    found = await store.registered("gai_1")
    assert found is not None
    assert (found.client.status, found.client.epoch) == (Status.ACTIVE, 0)
    assert found.registration.activate_by is None
    assert await events(store, Act.CLIENT_ACTIVATED) == 1


def ending(act: Act = Act.INITIAL_ACCESS_REVOKED) -> Ending:
    return Ending(reason="lost", now=LATER, event=event(act, reason="lost"))


async def test_p34_a_token_ends_alone_or_with_what_was_born_of_it(store: Store) -> None:
    await store.add_initial_access(access(max_uses=9), event=MADE)
    for number in (1, 2, 3):
        await write(store, born(number))
    for number in (1, 2):
        id_ = RecordId(f"credential-{number}")
        await store.activate(id_, now=NOW, event=event(Act.CLIENT_ACTIVATED))
    id_ = RecordId("ia_1")
    assert await store.end_initial_access(id_, ending(), descendants=False) == 1
    assert await store.end_initial_access(id_, ending(), descendants=False) is None
    assert await statuses(store) == ["active", "active", "revoked"]
    assert await store.end_initial_access(id_, ending(), descendants=True) == 2
    assert await store.end_initial_access(id_, ending(), descendants=True) is None
    assert await statuses(store) == ["revoked", "revoked", "revoked"]
    assert await events(store, Act.INITIAL_ACCESS_REVOKED) == 2


async def statuses(store: Store) -> list[str]:
    found = [await store.registered(f"gai_{number}") for number in (1, 2, 3)]
    return [one.client.status.value for one in found if one is not None]


async def test_what_came_twice_is_killed_with_what_it_made(store: Store) -> None:
    await store.add_initial_access(access(), event=MADE)
    await write(store, born())
    await write(store, Killed(access_id=RecordId("ia_1"), ending=ending()))
    assert await statuses(store) == ["revoked"]
    found = await store.find_initial_access([Digest("p:ia_1")])
    assert found is not None
    assert found.status is Status.REVOKED


async def test_an_owner_ends_with_everything(store: Store) -> None:
    await store.add_initial_access(access(), event=MADE)
    await store.add_initial_access(access("ia_2", owner="ac_2"), event=MADE)
    await write(store, born())
    assert await store.end_owned("ac_1", ending()) == 1
    assert await store.end_owned("ac_1", ending()) is None
    assert await statuses(store) == ["revoked"]
    kept = await store.find_initial_access([Digest("p:ia_2")])
    assert kept is not None
    assert kept.status is Status.ACTIVE


async def test_p48_what_is_late_is_expired_and_forgotten(store: Store) -> None:
    await write(store, born())
    await write(store, born(2))
    await store.activate(RecordId("credential-2"), now=NOW, event=event(Act.CLIENT_ACTIVATED))
    late = Millis(LATER + 1)
    assert await store.expire_unproved(now=LATER, most=10) == 0
    assert await store.expire_unproved(now=late, most=10) == 1
    assert await store.expire_unproved(now=late, most=10) == 0
    assert await statuses(store) == ["expired", "active"]
    assert await store.forget_unproved(before=LATER, most=10) == 0
    assert await store.forget_unproved(before=late, most=10) == 1
    assert await store.registered("gai_1") is None
    assert await store.find_client_key("kid-1") is None
    assert await store.registered("gai_2") is not None
    assert await events(store, Act.CLIENT_EXPIRED) == 1


async def test_who_is_not_heard_of_is_let_go(store: Store) -> None:
    for number in (1, 2):
        await write(store, born(number))
        id_ = RecordId(f"credential-{number}")
        await store.activate(id_, now=NOW, event=event(Act.CLIENT_ACTIVATED))
    await store.note_key_use("kid-2", now=LATER)
    assert await store.expire_unused(since=NOW, now=LATER, most=10) == 0
    assert await store.expire_unused(since=Millis(NOW + 1), now=LATER, most=10) == 1
    assert await store.expire_unused(since=Millis(NOW + 1), now=LATER, most=10) == 0
    assert await statuses(store) == ["expired", "active"]


async def test_a_token_of_which_nothing_is_left_is_forgotten(store: Store) -> None:
    await store.add_initial_access(access(), event=MADE)
    await store.add_initial_access(access("ia_2"), event=MADE)
    channel = access("ia_3", kind=InitialAccessKind.CHANNEL)
    await store.add_initial_access(channel, event=MADE)
    await write(store, born())
    assert await store.forget_access(before=LATER, most=10) == 0
    assert await store.forget_access(before=Millis(LATER + 1), most=10) == 1
    left = await store.initial_accesses(after=0, most=10, reach=None)
    assert [one.record.id for one in left] == ["ia_1", "ia_3"]


async def test_a_site_says_whether_its_computers_return_by_themselves(store: Store) -> None:
    said = event(Act.SITE_CHANGED)
    assert not await store.returns_by_itself("Main hall")
    assert not await store.set_returns("Main hall", by_itself=False, event=said)
    assert await store.set_returns("Main hall", by_itself=True, event=said)
    assert not await store.set_returns("Main hall", by_itself=True, event=said)
    assert await store.returns_by_itself("Main hall")
    assert (await write(store, None)).returns_by_itself
    assert await store.set_returns("Main hall", by_itself=False, event=said)
    assert await events(store, Act.SITE_CHANGED) == 2
