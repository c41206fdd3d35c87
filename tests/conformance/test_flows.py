"""What every store owes to applications and their flows: each step once, and durable."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from keyin.domain.applications import AUTHORIZATION_CODE, Application, AuthMethod
from keyin.domain.authorization import (
    AuthorizationRequest,
    Code,
    DeviceRequest,
    PushedRequest,
    Question,
)
from keyin.domain.enrolment import (
    Computer,
    InitialAccess,
    InitialAccessKind,
    Notice,
    NoticeKind,
    Template,
)
from keyin.domain.environment import Millis
from keyin.domain.events import Act
from keyin.domain.records import NO_KEY, UNRESTRICTED, Digest, RecordId, Status
from keyin.oauth.ports import Enrolment
from tests.fakes.records import NOW, client, credential, event, token

if TYPE_CHECKING:
    from keyin.oauth.flow_ports import Produced, Reused
    from tests.conformance.stores import Store

OWN = RecordId("credential-1")
ADA = (RecordId("ac_1"), 3)
REQUEST = AuthorizationRequest(
    credential_id=OWN,
    redirect_uri="https://application.example/back",
    scope="account:read",
    state="s",
    code_challenge="c" * 43,
    jkt=None,
)


def application(**changes: Any) -> Application:
    made = Application(
        credential_id=OWN,
        auth_method=AuthMethod.CLIENT_SECRET_BASIC,
        native=False,
        redirect_uris=("https://application.example/back", "https://b.example/"),
        grant_types=(AUTHORIZATION_CODE,),
        scopes=("account:read",),
        par_required=True,
        typ_required=False,
    )
    return replace(made, **changes)


def pushed(digest: str = "p:r1") -> PushedRequest:
    return PushedRequest(digest=Digest(digest), request=REQUEST, expires=Millis(NOW + 90_000))


def question(digest: str = "p:q1") -> Question:
    return Question(
        digest=Digest(digest),
        request=replace(REQUEST, state=None, jkt="j" * 43),
        account_id=ADA[0],
        session=Digest("p:s1"),
        expires=Millis(NOW + 600_000),
    )


def code(digest: str = "p:c1") -> Code:
    return Code(
        digest=Digest(digest),
        request=REQUEST,
        account_id=ADA[0],
        account_epoch=ADA[1],
        expires=Millis(NOW + 60_000),
        kept_until=Millis(NOW + 900_000),
    )


def device(digest: str = "p:d1", user_code: str = "p:u1", **changes: Any) -> DeviceRequest:
    made = DeviceRequest(
        digest=Digest(digest),
        user_code=Digest(user_code),
        credential_id=OWN,
        scope="account:read",
        jkt=None,
        address="192.0.2.7",
        interval_s=5,
        polled=None,
        account_id=None,
        account_epoch=None,
        denied=False,
        expires=Millis(NOW + 600_000),
    )
    return replace(made, **changes)


def produced(digest: str = "p:t1") -> Produced:
    made = token(digest, audience="account", key_digest=NO_KEY, key_epoch=None)
    return made, event(detail={"token": digest})


def nothing(_: object) -> None:
    return None


def reused(_: Code) -> Reused:
    return event(Act.TOKEN_REVOKED), ()


async def acts(store: Store) -> list[str]:
    rows = [row for head in await store.audit_heads() for row in await store.audit_rows(
        head.chain, after=0, most=100
    )]  # fmt: skip
    return [str(row.event) for row in rows]


async def _enrolled(store: Store) -> None:
    await store.enrol(
        Enrolment(clients=[client()], credentials=[credential()], applications=[application()]),
        event=event(),
    )


async def test_an_application_is_found_as_it_was_put(store: Store) -> None:
    assert await store.find_application(OWN) is None
    assert await store.find_registered(OWN) is None
    await _enrolled(store)
    assert await store.find_application(OWN) == application()
    assert await store.find_registered(OWN) == (credential(), client(), application())
    again = Enrolment(applications=[application(scopes=("installations:read",))])
    assert (await store.enrol(again, event=event()))["applications"] == 0
    assert await store.find_application(OWN) == application()


async def test_a_registered_application_counts_as_its_client_does(store: Store) -> None:
    await _enrolled(store)
    await store.revoke_client(client().id, now=NOW, event=event())
    found = await store.find_registered(OWN)
    assert found is not None
    assert found[1].status is Status.REVOKED


async def test_a_pushed_request_becomes_a_question_once(store: Store) -> None:
    assert await store.find_pushed((Digest("p:r1"),)) is None
    await store.add_pushed(pushed())
    digests = (Digest("q:new"), Digest("p:r1"))
    assert await store.find_pushed(digests) == pushed()
    assert await store.ask(question(), instead_of=digests)
    assert await store.find_pushed(digests) is None
    assert await store.find_question((Digest("p:q1"),)) == question()
    assert not await store.ask(question("p:q2"), instead_of=digests)
    assert await store.find_question((Digest("p:q2"),)) is None


async def test_a_question_takes_the_place_of_another_once(store: Store) -> None:
    await store.ask(question(), instead_of=())
    assert await store.ask(question("p:q2"), instead_of=(Digest("q:new"), Digest("p:q1")))
    assert await store.find_question((Digest("p:q1"),)) is None
    assert await store.find_question((Digest("p:q2"),)) == question("p:q2")
    assert not await store.ask(question("p:q3"), instead_of=(Digest("p:q1"),))


async def test_of_two_questions_at_once_for_one_request_one_is_put(store: Store) -> None:
    await store.add_pushed(pushed())
    asked = [store.ask(question(f"p:q{n}"), instead_of=(Digest("p:r1"),)) for n in range(10)]
    assert sum(await asyncio.gather(*asked)) == 1


async def test_a_question_needs_no_pushed_request(store: Store) -> None:
    assert await store.ask(question(), instead_of=())
    assert await store.find_question((Digest("p:q1"),)) == question()


async def test_a_question_is_decided_once_and_its_event_is_written_once(store: Store) -> None:
    await store.ask(question(), instead_of=())
    before = len(await acts(store))
    given = event(Act.CONSENT_GIVEN)
    answers = [store.decide(Digest("p:q1"), code(f"p:c{n}"), event=given) for n in range(5)]
    assert sum(await asyncio.gather(*answers)) == 1
    assert await store.find_question((Digest("p:q1"),)) is None
    assert len(await acts(store)) == before + 1


async def test_p07_a_code_produces_once_and_its_reuse_takes_back(store: Store) -> None:
    await _enrolled(store)
    await store.ask(question(), instead_of=())
    await store.decide(Digest("p:q1"), code(), event=event(Act.CONSENT_GIVEN))
    digests = (Digest("p:c1"),)
    assert (
        await store.redeem(digests, RecordId("other"), lambda _: produced(), reused=reused) is None
    )
    assert await store.redeem(digests, OWN, lambda _: produced(), reused=reused) == code()
    found = await store.find_grant((Digest("p:t1"),))
    assert found is not None
    assert found.token.status is Status.ACTIVE
    assert await store.account_of(Digest("p:t1")) == ADA
    again = await store.redeem(digests, OWN, lambda _: produced("p:t2"), reused=reused)
    assert again == replace(code(), used=True, token=Digest("p:t1"))
    found = await store.find_grant((Digest("p:t1"),))
    assert found is not None
    assert found.token.status is Status.REVOKED
    assert await store.find_grant((Digest("p:t2"),)) is None


async def test_p07_a_code_that_produced_nothing_is_used_all_the_same(store: Store) -> None:
    await store.ask(question(), instead_of=())
    await store.decide(Digest("p:q1"), code(), event=event(Act.CONSENT_GIVEN))
    assert await store.redeem((Digest("p:c1"),), OWN, nothing, reused=reused) == code()
    found = await store.redeem((Digest("p:c1"),), OWN, lambda _: produced(), reused=reused)
    assert found == replace(code(), used=True)
    assert await store.find_grant((Digest("p:t1"),)) is None


async def test_p07_of_many_redemptions_at_once_one_produces(store: Store) -> None:
    await _enrolled(store)
    await store.ask(question(), instead_of=())
    await store.decide(Digest("p:q1"), code(), event=event(Act.CONSENT_GIVEN))
    made: list[Code] = []

    def produce(found: Code) -> Produced:
        made.append(found)
        return produced(f"p:t{len(made)}")

    await asyncio.gather(
        *[store.redeem((Digest("p:c1"),), OWN, produce, reused=reused) for _ in range(10)]
    )
    assert len(made) == 1


async def test_a_token_without_an_account_opens_none(store: Store) -> None:
    await _enrolled(store)
    await store.add_token(token(), event=event())
    assert await store.account_of(Digest("p:t1")) is None
    assert await store.account_of(Digest("p:unknown")) is None


async def test_a_device_waits_until_a_person_answers_once(store: Store) -> None:
    await _enrolled(store)
    assert await store.add_device_request(device())
    assert not await store.add_device_request(device("p:d2"))
    assert await store.find_by_user_code((Digest("p:u1"),)) == device()
    assert await store.find_by_user_code((Digest("p:u2"),)) is None
    assert await store.answer_device(Digest("p:d1"), ADA, event=event(Act.CONSENT_GIVEN))
    assert not await store.answer_device(Digest("p:d1"), None, event=event(Act.CONSENT_DENIED))
    answered = device(account_id=ADA[0], account_epoch=ADA[1])
    assert await store.find_by_user_code((Digest("p:u1"),)) == answered


async def test_a_device_that_asks_too_early_waits_longer(store: Store) -> None:
    await store.add_device_request(device())
    digests = (Digest("p:d1"),)
    assert await store.poll(digests, RecordId("other"), nothing, now=NOW) is None
    assert await store.poll(digests, OWN, nothing, now=NOW) == device()
    soon = Millis(NOW + 4_999)
    found = await store.poll(digests, OWN, nothing, now=soon)
    assert found == device(polled=NOW)
    assert found.too_early(soon)
    later = await store.poll(digests, OWN, nothing, now=Millis(NOW + 20_000))
    assert later == device(polled=soon, interval_s=10)
    assert not later.too_early(Millis(NOW + 20_000))


async def test_a_device_gets_its_token_once(store: Store) -> None:
    await _enrolled(store)
    await store.add_device_request(device())
    await store.answer_device(Digest("p:d1"), ADA, event=event(Act.CONSENT_GIVEN))
    digests = (Digest("p:d1"),)
    found = await store.poll(digests, OWN, lambda _: produced(), now=NOW)
    assert found == device(account_id=ADA[0], account_epoch=ADA[1])
    assert await store.account_of(Digest("p:t1")) == ADA
    assert await store.poll(digests, OWN, lambda _: produced("p:t2"), now=NOW) is None
    assert await store.find_by_user_code((Digest("p:u1"),)) is None


async def test_a_device_that_was_refused_stays_refused(store: Store) -> None:
    await store.add_device_request(device())
    assert await store.answer_device(Digest("p:d1"), None, event=event(Act.CONSENT_DENIED))
    assert not await store.answer_device(Digest("p:d1"), ADA, event=event(Act.CONSENT_GIVEN))
    found = await store.poll((Digest("p:d1"),), OWN, nothing, now=NOW)
    assert found is not None
    assert found.denied


def reported() -> Notice:
    return Notice(
        id=RecordId("n_report"), account_id=ADA[0], kind=NoticeKind.REPORTED,
        client_id=None, initial_access_id=None, at=NOW, name="Desk 3", address="192.0.2.7",
    )  # fmt: skip


async def test_a_question_that_is_reported_tells_the_person_in_the_same_unit(store: Store) -> None:
    given = event(Act.CONSENT_REPORTED)
    assert not await store.decide(Digest("p:q1"), None, event=given, told=[reported()])
    assert await store.notices_of(ADA[0], most=5) == []
    await store.ask(question(), instead_of=())
    assert await store.decide(Digest("p:q1"), None, event=given, told=[reported()])
    assert [one.kind for one in await store.notices_of(ADA[0], most=5)] == [NoticeKind.REPORTED]


async def test_a_device_that_is_reported_tells_the_person_once(store: Store) -> None:
    given = event(Act.CONSENT_REPORTED)
    await store.add_device_request(device())
    assert await store.answer_device(Digest("p:d1"), ADA, event=event(Act.CONSENT_GIVEN))
    assert not await store.answer_device(Digest("p:d1"), None, event=given, told=[reported()])
    assert await store.notices_of(ADA[0], most=5) == []


COMPUTER = Computer(name="Desk 3", computer_type="public", installation_id="i" * 43)


def access(id_: str = "ia_1", digest: str = "p:ia1") -> InitialAccess:
    return InitialAccess(
        id=RecordId(id_),
        digest=Digest(digest),
        kind=InitialAccessKind.BROWSER,
        owner=ADA[0],
        site="Main library",
        label="Desk 3",
        template=Template(computer_type="public"),
        computer=COMPUTER,
        max_uses=1,
        uses=0,
        not_before=NOW,
        expires=Millis(NOW + 300_000),
        networks=UNRESTRICTED,
        software_ids=UNRESTRICTED,
        bound_jkt="j" * 43,
        status=Status.ACTIVE,
        revoked_reason=None,
        created=NOW,
        last_used=None,
    )


def of_a_computer() -> tuple[Question, Code]:
    wish = replace(REQUEST, computer=COMPUTER, address="192.0.2.7", jkt="j" * 43)
    approved = replace(wish, computer=replace(COMPUTER, name="Desk by the window"))
    made = replace(code(), request=approved, site="Main library")
    return replace(question(), request=wish), made


async def test_what_a_computer_says_is_kept_from_its_wish_to_its_code(store: Store) -> None:
    asked, approved = of_a_computer()
    wish = PushedRequest(digest=Digest("p:r1"), request=asked.request, expires=NOW)
    await store.add_pushed(wish)
    assert await store.find_pushed((Digest("p:r1"),)) == wish
    await store.ask(asked, instead_of=(Digest("p:r1"),))
    assert await store.find_question((Digest("p:q1"),)) == asked
    await store.decide(Digest("p:q1"), approved, event=event(Act.CONSENT_GIVEN))
    assert await store.redeem((Digest("p:c1"),), OWN, nothing, reused=reused) == approved


async def test_p07_a_computers_code_that_comes_twice_ends_its_token_and_tells_its_owner(
    store: Store,
) -> None:
    asked, approved = of_a_computer()
    await store.ask(asked, instead_of=())
    await store.decide(Digest("p:q1"), approved, event=event(Act.CONSENT_GIVEN))

    def told(found: Code) -> Reused:
        notice = Notice(
            id=RecordId("n_1"), account_id=found.account_id, kind=NoticeKind.CODE_USED_TWICE,
            client_id=None, initial_access_id=found.initial_access, at=NOW, name="Desk 3",
        )  # fmt: skip
        return event(Act.INITIAL_ACCESS_REVOKED, reason="code_used_twice"), (notice,)

    def produce(_: Code) -> Produced:
        return access(), event(Act.INITIAL_ACCESS_MADE)

    digests = (Digest("p:c1"),)
    assert await store.redeem(digests, OWN, produce, reused=told) == approved
    assert await store.find_initial_access((Digest("p:ia1"),)) == access()
    again = await store.redeem(digests, OWN, produce, reused=told)
    assert again == replace(approved, used=True, initial_access=RecordId("ia_1"))
    ended = await store.find_initial_access((Digest("p:ia1"),))
    assert ended is not None
    assert (ended.status, ended.revoked_reason) == (Status.REVOKED, "code_used_twice")
    (notice,) = await store.notices_of(ADA[0], most=9)
    assert (notice.kind, notice.initial_access_id) == (NoticeKind.CODE_USED_TWICE, "ia_1")
    assert sum("initial_access.revoked" in one for one in await acts(store)) == 1


async def test_a_question_may_become_a_token_that_is_shown(store: Store) -> None:
    asked, _ = of_a_computer()
    await store.ask(asked, instead_of=())
    given = event(Act.CONSENT_GIVEN)
    assert await store.decide(Digest("p:q1"), access(), event=given)
    assert await store.find_initial_access((Digest("p:ia1"),)) == access()
    assert not await store.decide(Digest("p:q1"), access("ia_2", "p:ia2"), event=given)
    assert await store.find_initial_access((Digest("p:ia2"),)) is None


async def test_a_device_that_is_a_computer_gets_what_was_approved(store: Store) -> None:
    await store.add_device_request(device(computer=COMPUTER))
    assert await store.find_by_user_code((Digest("p:u1"),)) == device(computer=COMPUTER)
    named = replace(COMPUTER, name="Desk by the window")
    given = event(Act.CONSENT_GIVEN)
    assert await store.answer_device(
        Digest("p:d1"), ADA, event=given, computer=named, site="Main library"
    )
    answered = device(computer=named, site="Main library", account_id=ADA[0], account_epoch=ADA[1])

    def produce(found: DeviceRequest) -> Produced:
        assert found == answered
        return access(), event(Act.INITIAL_ACCESS_MADE)

    assert await store.poll((Digest("p:d1"),), OWN, produce, now=NOW) == answered
    assert await store.find_initial_access((Digest("p:ia1"),)) == access()
    assert await store.poll((Digest("p:d1"),), OWN, produce, now=NOW) is None
