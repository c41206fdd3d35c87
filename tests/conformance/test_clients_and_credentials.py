"""What every store owes the token endpoint about clients and credentials."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from keyin.domain.records import (
    UNRESTRICTED,
    CredentialPolicy,
    RecordId,
    Status,
    Unrestricted,
)
from keyin.oauth.ports import Enrolment
from tests.fakes.records import NOW, client, credential, event

if TYPE_CHECKING:
    from tests.conformance.stores import Store


async def test_an_unknown_client_id_finds_nothing(store: Store) -> None:
    assert await store.find_credential("nobody") is None


async def test_it_is_found_as_it_was_put(store: Store) -> None:
    await store.enrol(Enrolment(clients=[client()], credentials=[credential()]), event=event())
    assert await store.find_credential("main-hall") == (credential(), client())


async def test_every_field_may_be_empty_that_may(store: Store) -> None:
    bare = client(name=None, computer_type=None)
    await store.enrol(
        Enrolment(clients=[bare], credentials=[credential(revoked_reason=None)]), event=event()
    )
    found = await store.find_credential("main-hall")
    assert found is not None
    assert found[1] == bare


@pytest.mark.parametrize("networks", [UNRESTRICTED, (), ("10.0.0.0/8", "not-an-ip")])
@pytest.mark.parametrize("writable", [UNRESTRICTED, (), ("unrestricted",)])
async def test_nothing_allowed_stays_apart_from_no_limit(
    store: Store,
    networks: tuple[str, ...] | Unrestricted,
    writable: tuple[str, ...] | Unrestricted,
) -> None:
    policy = CredentialPolicy(
        networks=networks, writable=writable, may_create_keys=True, may_create_safes=False
    )
    await store.enrol(
        Enrolment(clients=[client()], credentials=[credential(policy=policy)]), event=event()
    )
    found = await store.find_credential("main-hall")
    assert found is not None
    assert found[0].policy == policy


async def test_a_credential_without_its_client(store: Store) -> None:
    await store.enrol(Enrolment(credentials=[credential()]), event=event())
    assert await store.find_credential("main-hall") == (credential(), None)


async def test_of_several_the_first_active_one(store: Store) -> None:
    revoked = credential("a", status=Status.REVOKED)
    await store.enrol(
        Enrolment(credentials=[revoked, credential("b"), credential("c")], clients=[client()]),
        event=event(),
    )
    found = await store.find_credential("main-hall")
    assert found is not None
    assert found[0].id == "b"


async def test_where_none_is_active_the_first(store: Store) -> None:
    both = [credential(id_, status=Status.REVOKED) for id_ in ("a", "b")]
    await store.enrol(Enrolment(credentials=both), event=event())
    found = await store.find_credential("main-hall")
    assert found is not None
    assert found[0].id == "a"


async def test_a_client_id_is_found_whole_and_exact(store: Store) -> None:
    await store.enrol(Enrolment(credentials=[credential()]), event=event())
    for other in ("", "main", "Main-Hall", "main-hall ", "main%", "main-hall\0", "' OR 1=1 --"):
        assert await store.find_credential(other) is None


async def test_enrolling_again_changes_nothing(store: Store) -> None:
    records = Enrolment(clients=[client()], credentials=[credential()])
    first = await store.enrol(records, event=event())
    again = await store.enrol(
        Enrolment(clients=[client(name="other")], credentials=[credential(secret_digest="p:x")]),
        event=event(),
    )
    assert (first["clients"], first["credentials"]) == (1, 1)
    assert (again["clients"], again["credentials"]) == (0, 0)
    assert await store.find_credential("main-hall") == (credential(), client())


async def test_revoking_moves_the_epoch_on(store: Store) -> None:
    await store.enrol(Enrolment(clients=[client()], credentials=[credential()]), event=event())
    assert await store.revoke_credential(
        RecordId("credential-1"), reason="lost", now=NOW, event=event()
    )
    assert await store.revoke_client(RecordId("client-1"), now=NOW, event=event())
    found = await store.find_credential("main-hall")
    assert found == (
        credential(status=Status.REVOKED, epoch=1, revoked_reason="lost", revoked=NOW),
        client(status=Status.REVOKED, epoch=1, updated=NOW),
    )


async def test_revoking_what_is_not_there_says_so(store: Store) -> None:
    assert not await store.revoke_credential(RecordId("x"), reason=None, now=NOW, event=event())
    assert not await store.revoke_client(RecordId("x"), now=NOW, event=event())


async def test_a_revocation_that_comes_in_is_taken_over_once(store: Store) -> None:
    await store.enrol(Enrolment(clients=[client()], credentials=[credential()]), event=event())
    revoked = credential(status=Status.REVOKED, revoked_reason="lost", revoked=NOW)
    gone = client(status=Status.REVOKED, updated=NOW)
    written = await store.enrol(Enrolment(clients=[gone], credentials=[revoked]), event=event())
    again = await store.enrol(Enrolment(clients=[gone], credentials=[revoked]), event=event())
    assert (written["clients"], written["credentials"]) == (1, 1)
    assert (again["clients"], again["credentials"]) == (0, 0)
    found = await store.find_credential("main-hall")
    assert found == (
        credential(status=Status.REVOKED, epoch=1, revoked_reason="lost", revoked=NOW),
        client(status=Status.REVOKED, epoch=1, updated=NOW),
    )


async def test_a_revoked_credential_does_not_come_back_by_enrolling(store: Store) -> None:
    await store.enrol(Enrolment(clients=[client()], credentials=[credential()]), event=event())
    await store.revoke_credential(RecordId("credential-1"), reason="lost", now=NOW, event=event())
    await store.enrol(Enrolment(clients=[client()], credentials=[credential()]), event=event())
    found = await store.find_credential("main-hall")
    assert found is not None
    assert found[0].status is Status.REVOKED


async def test_all_of_them_come_out_in_their_order(store: Store) -> None:
    clients = [client(f"c{number}") for number in range(450)]
    credentials = [credential(f"k{number}") for number in range(3)]
    await store.enrol(Enrolment(clients=clients, credentials=credentials), event=event())
    assert [one async for one in store.all_clients()] == clients
    assert [one async for one in store.all_credentials()] == credentials


async def test_published_test_credentials_leave_a_mark(store: Store) -> None:
    assert not await store.holds_test_credentials()
    await store.enrol(Enrolment(holds_test_credentials=True), event=event())
    await store.enrol(Enrolment(), event=event())
    assert await store.holds_test_credentials()
