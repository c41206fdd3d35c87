"""Every store writes the audit log alike: with the act, in one chain, or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from keyin.domain.environment import Millis
from keyin.domain.events import Act, Event
from keyin.domain.records import Digest, RecordId
from keyin.domain.refusal_counts import RefusalCount
from keyin.oauth.ports import Enrolment
from keyin.wire.audit_chain import Head, Walk, beginning
from keyin.wire.audit_checkpoints import Checkpoint
from tests.fakes.records import NOW, client, client_key, credential, event, key, token

if TYPE_CHECKING:
    from tests.conformance.stores import Store

T1, K1 = (Digest("p:t1"),), (Digest("p:k1"),)
EVERYTHING = Enrolment(
    clients=[client()],
    credentials=[credential()],
    keys=[key()],
    client_keys=[client_key()],
    tokens=[token("p:t1", key_digest="p:k1")],
)


async def written(store: Store) -> list[dict[str, Any]]:
    """Return the events; the chain is walked on the way."""
    walk = Walk("main")
    rows = await store.audit_rows("main", after=0, most=1000)
    assert all(walk.step(row) for row in rows), walk.bad
    (*_, head) = [beginning("main"), *await store.audit_heads()]
    assert head == walk.head
    return [msgspec.json.decode(row.event) for row in rows]


async def test_the_chain_of_an_empty_store_is_empty(store: Store) -> None:
    assert await written(store) == []
    assert await store.audit_heads() == []


async def test_a_token_comes_with_its_event(store: Store) -> None:
    told = Event(
        act=Act.TOKEN_ISSUED,
        at=NOW,
        actor="main-hall",
        client=RecordId("client-1"),
        site="main hall",
        key="k_1",
        address="192.0.2.1",
        request_id="12345678",
        detail={"scope": "settings:read", "grant": "password"},
    )
    await store.add_token(token(), event=told)
    (found,) = await written(store)
    assert found == {
        "act": "token.issued",
        "actor": "main-hall",
        "address": "192.0.2.1",
        "at": NOW,
        "client": "client-1",
        "detail": {"grant": "password", "scope": "settings:read"},
        "key": "k_1",
        "outcome": "done",
        "request_id": "12345678",
        "site": "main hall",
    }


@pytest.mark.parametrize("there", [True, False])
async def test_each_act_that_changes_something_leaves_one_event(store: Store, there: bool) -> None:  # noqa: FBT001 - a parameter
    if there:
        await store.enrol(EVERYTHING, event=event(Act.CLIENT_REGISTERED))
    before = await written(store)
    acts = [
        await store.revoke_token(T1, event=event(Act.TOKEN_REVOKED)),
        await store.revoke_key(K1, reason="lost", now=NOW, event=event(Act.KEY_REVOKED)),
        await store.revoke_client_key("kid-1", event=event(Act.CLIENT_KEY_REVOKED)),
        await store.revoke_credential(
            RecordId("credential-1"), reason=None, now=NOW, event=event(Act.CREDENTIAL_REVOKED)
        ),
        await store.revoke_client(RecordId("client-1"), now=NOW, event=event(Act.CLIENT_REVOKED)),
    ]
    assert acts == [there] * 5
    told = [one["act"] for one in (await written(store))[len(before) :]]
    expected = [
        Act.TOKEN_REVOKED,
        Act.KEY_REVOKED,
        Act.CLIENT_KEY_REVOKED,
        Act.CREDENTIAL_REVOKED,
        Act.CLIENT_REVOKED,
    ]
    assert told == (expected if there else [])


async def test_acts_upon_the_whole_store_leave_an_event_too(store: Store) -> None:
    await store.bump_store_epoch(event=event(Act.EPOCH_MOVED))
    await store.enrol(Enrolment(), event=event(Act.IMPORTED, detail={"keys": "0"}))
    await store.record(event(Act.ALERT, reason="limit"))
    assert [one["act"] for one in await written(store)] == [
        Act.EPOCH_MOVED,
        Act.IMPORTED,
        Act.ALERT,
    ]


async def test_rows_come_page_by_page(store: Store) -> None:
    for number in range(7):
        await store.record(event(Act.ALERT, at=Millis(number)))
    pages = [await store.audit_rows("main", after=after, most=3) for after in (0, 3, 6, 7)]
    assert [[row.at for row in page] for page in pages] == [[0, 1, 2], [3, 4, 5], [6], []]
    assert await store.audit_rows("other", after=0, most=3) == []


async def test_checkpoints_are_kept_in_order_and_never_replaced(store: Store) -> None:
    def checkpoint(seq: int, signature: str) -> Checkpoint:
        return Checkpoint(head=Head("main", seq, bytes([seq]) * 32), at=NOW, signature=signature)

    for one in (checkpoint(7, "b"), checkpoint(3, "a"), checkpoint(7, "c")):
        await store.add_checkpoint(one)
    assert await store.audit_checkpoints() == [checkpoint(3, "a"), checkpoint(7, "b")]


async def test_of_old_checkpoints_the_last_of_each_hour_stays(store: Store) -> None:
    hour = 3_600_000
    times = (0, 1, hour - 1, hour, 2 * hour, 2 * hour + 5, 3 * hour, 3 * hour + 1)
    made = [
        Checkpoint(head=Head("main", seq, b"\0" * 32), at=Millis(at), signature=str(seq))
        for seq, at in enumerate(times, 1)
    ]
    for one in made:
        await store.add_checkpoint(one)
    await store.thin_checkpoints(before=Millis(3 * hour))
    assert [one.head.seq for one in await store.audit_checkpoints()] == [3, 4, 6, 7, 8]


async def test_old_counts_are_forgotten(store: Store) -> None:
    counts = [RefusalCount(Millis(minute), "scope", "192.0.2.0/24", 1) for minute in (0, 60_000)]
    await store.add_refusal_counts(counts)
    await store.forget_refusal_counts(before=Millis(60_000))
    assert await store.refusal_counts(since=Millis(0)) == counts[1:]


async def test_counts_of_refusals_add_up(store: Store) -> None:
    one = RefusalCount(Millis(60_000), "wrong_secret", "192.0.2.0/24", 2)
    two = RefusalCount(Millis(120_000), "wrong_secret", "192.0.2.0/24", 1)
    await store.add_refusal_counts([one, two])
    await store.add_refusal_counts([one])
    twice = RefusalCount(Millis(60_000), "wrong_secret", "192.0.2.0/24", 4)
    assert await store.refusal_counts(since=Millis(0)) == [twice, two]
    assert await store.refusal_counts(since=Millis(120_000)) == [two]
