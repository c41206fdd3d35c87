"""What every store owes to client keys and used proofs."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from keyin.domain.environment import Millis
from keyin.domain.events import Act
from keyin.domain.records import Digest, ProofUse, RecordId, Status
from keyin.oauth.ports import Enrolment
from tests.fakes.records import NOW, client, client_key, credential, event, key, token

if TYPE_CHECKING:
    from tests.conformance.stores import Store


def use(digest: str = "d1", namespace: str = "assertion", lives: int = 60_000) -> ProofUse:
    return ProofUse(namespace=namespace, digest=digest, expires=Millis(NOW + lives))


async def test_a_key_is_found_as_it_was_put(store: Store) -> None:
    assert await store.find_client_key("kid-1") is None
    assert (await store.enrol(Enrolment(client_keys=[client_key()]), event=event()))[
        "client_keys"
    ] == 1
    assert await store.find_client_key("kid-1") == client_key()
    assert await store.find_client_key("KID-1") is None


async def test_a_key_belongs_to_its_first_credential_for_ever(store: Store) -> None:
    await store.enrol(Enrolment(client_keys=[client_key()]), event=event())
    other = client_key(credential_id=RecordId("credential-2"))
    assert (await store.enrol(Enrolment(client_keys=[other]), event=event()))["client_keys"] == 0
    assert await store.find_client_key("kid-1") == client_key()


async def test_the_last_use_is_noted(store: Store) -> None:
    await store.enrol(Enrolment(client_keys=[client_key()]), event=event())
    await store.note_key_use("kid-1", now=NOW)
    await store.note_key_use("unknown", now=NOW)
    assert await store.find_client_key("kid-1") == client_key(last_used=NOW)


async def test_p3_revoking_a_client_key_ends_the_tokens_of_its_credential(store: Store) -> None:
    await store.enrol(
        Enrolment(
            clients=[client()],
            credentials=[credential()],
            keys=[key()],
            client_keys=[client_key(), client_key("kid-2")],
        ),
        event=event(),
    )
    await store.add_token(token(cnf_jkt="someone"), event=event())
    assert await store.revoke_client_key("kid-1", event=event())
    assert not await store.revoke_client_key("unknown", event=event())
    found = await store.find_grant((Digest("p:t1"),))
    assert found is not None
    assert found.token.cnf_jkt == "someone"
    assert (found.token.credential_epoch, found.credential.epoch) == (0, 1)
    assert found.credential.status is Status.ACTIVE
    revoked = client_key(status=Status.REVOKED, epoch=1)
    assert await store.find_client_key("kid-1") == revoked
    assert await store.find_client_key("kid-2") == client_key("kid-2")
    assert (await store.enrol(Enrolment(client_keys=[client_key()]), event=event()))[
        "client_keys"
    ] == 0


async def test_p13_a_proof_comes_once(store: Store) -> None:
    assert await store.remember([use()], now=NOW)
    assert not await store.remember([use()], now=NOW)
    assert await store.remember([use(namespace="proof")], now=NOW)
    assert await store.remember([use("d2")], now=NOW)


async def test_p13_of_two_at_once_one_is_first(store: Store) -> None:
    answers = await asyncio.gather(*[store.remember([use()], now=NOW) for _ in range(20)])
    assert sum(answers) == 1


async def test_p13_one_old_among_new_ones_is_told_and_all_are_used(store: Store) -> None:
    await store.remember([use("old")], now=NOW)
    assert not await store.remember([use("new"), use("old")], now=NOW)
    assert not await store.remember([use("new")], now=NOW)
    assert not await store.remember([use("twice"), use("twice")], now=NOW)


async def test_p13_to_look_whether_a_proof_came_uses_none_up(store: Store) -> None:
    await store.remember([use("old")], now=NOW)
    assert await store.came_before([use("new"), use("old")]) == use("old")
    assert await store.came_before([use("new"), use("old", namespace="proof")]) is None
    assert await store.remember([use("new")], now=NOW)


async def test_p13_proofs_are_used_up_with_the_event_of_a_refusal(store: Store) -> None:
    first, other, refused = use("first"), use("other"), event(Act.TOKEN_REFUSED)
    heads = [await store.audit_heads()]
    assert await store.spend([first], event=refused) is None
    heads.append(await store.audit_heads())
    assert await store.spend([other, first], event=refused) == first
    assert await store.spend([other]) == other
    assert await store.spend([use("without")]) is None
    assert await store.spend([]) is None
    assert await store.came_before([use("without")]) == use("without")
    heads.append(await store.audit_heads())
    assert heads[0] != heads[1] == heads[2]


async def test_p13_of_two_refusals_with_one_proof_one_has_its_event(store: Store) -> None:
    refused = event(Act.TOKEN_REFUSED)
    outcomes = await asyncio.gather(*[store.spend([use()], event=refused) for _ in range(20)])
    assert sorted(one is None for one in outcomes) == [False] * 19 + [True]
    assert [head.seq for head in await store.audit_heads()] == [1]


async def test_p13_proofs_are_used_up_with_the_token_they_are_for(store: Store) -> None:
    await store.enrol(
        Enrolment(clients=[client()], credentials=[credential()], keys=[key()]), event=event()
    )
    first, other = use("first"), use("other")
    heads = [await store.audit_heads()]
    assert await store.add_token(token("p:t1"), event=event(), uses=[first]) is None
    heads.append(await store.audit_heads())
    assert await store.add_token(token("p:t2"), event=event(), uses=[other, first]) == first
    heads.append(await store.audit_heads())
    assert await store.find_grant((Digest("p:t1"),)) is not None
    assert await store.find_grant((Digest("p:t2"),)) is None
    assert heads[0] != heads[1] == heads[2]
    assert not await store.remember([other], now=NOW)


async def test_p13_of_two_tokens_with_one_proof_one_is_given(store: Store) -> None:
    outcomes = await asyncio.gather(
        *[store.add_token(token(f"p:{n}"), event=event(), uses=[use()]) for n in range(20)]
    )
    assert outcomes.count(None) == 1
