"""What an operator is told to look at, and what they are not bothered with."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from keyin.cloud.checking import MOST_NAMED, Checked, Matter, check
from keyin.domain.environment import Millis
from keyin.domain.events import pseudonym
from keyin.domain.key_policy import KeyPolicy
from keyin.domain.records import (
    NO_SECRET,
    UNRESTRICTED,
    Client,
    ClientKind,
    Credential,
    CredentialPolicy,
    Digest,
    Key,
    Status,
)
from keyin.oauth.ports import Enrolment
from keyin.stores.memory import MemoryStore
from tests.fakes import records
from tests.fakes.records import LINEAGE, NOW, event

DAY = 24 * 3_600_000
KNOWN = Digest("p:known")
AGAINST = Checked(now=NOW, soon=Millis(NOW + 60 * DAY), published=frozenset({KNOWN}))
NARROW = CredentialPolicy(
    networks=("10.0.0.0/8",), writable=(), may_create_keys=True, may_create_safes=True
)


def _client(**changes: Any) -> Client:
    return records.client(**changes)


def _credential(id_: str = "credential-1", **changes: Any) -> Credential:
    return records.credential(id_, **{"policy": NARROW, **changes})


def _key(**changes: Any) -> Key:
    return records.key(**{"low_entropy": False, **changes})


async def _found(**kinds: Any) -> dict[str, list[str]]:
    store = MemoryStore()
    kinds = {"clients": [_client()], "credentials": [_credential()], "keys": [_key()], **kinds}
    await store.enrol(Enrolment(**kinds), event=event())
    found = await check(store, AGAINST)
    return {matter.value: one.named for matter, one in found.items()}


async def test_a_store_in_order_bothers_nobody() -> None:
    assert await _found() == {}


def _policy(**changes: Any) -> list[Credential]:
    return [_credential(policy=replace(NARROW, **changes))]


NOBODYS = replace(LINEAGE, owner=None, site=None)


@pytest.mark.parametrize(
    ("records_", "matters"),
    [
        ({"credentials": _policy(networks=UNRESTRICTED)},
         {"keys-from-anywhere", "networks-unrestricted"}),
        ({"credentials": _policy(networks=UNRESTRICTED, may_create_safes=False)},
         {"networks-unrestricted"}),
        ({"credentials": _policy(writable=UNRESTRICTED)}, {"writing-unrestricted"}),
        ({"credentials": _policy(networks=("10.0.0.0/8", "10.0.0.0/99"))},
         {"networks-never-match"}),
        ({"credentials": _policy(networks=("10.0.0.0/99",))}, {"networks-never-match", "nowhere"}),
        ({"credentials": _policy(networks=())}, {"nowhere"}),
        ({"credentials": [_credential(secret_digest=KNOWN)]}, {"test-credentials"}),
        ({"clients": [_client(lineage=NOBODYS)]}, {"without-owner"}),
        ({"clients": [_client(lineage=replace(NOBODYS, site="annexe"))]}, set()),
        ({"clients": [_client(legacy_until=NOW)]}, {"old-route-ended"}),
        ({"clients": [_client(legacy_until=NOW)],
          "credentials": [_credential(secret_digest=NO_SECRET)]}, set()),
        ({"clients": [_client(legacy_until=NOW + 60 * DAY)]}, {"old-route-ends-soon"}),
        ({"clients": [_client(legacy_until=NOW + 61 * DAY)]}, set()),
        ({"clients": []}, {"without-client"}),
        ({"credentials": [_credential(), _credential("credential-2")]}, {"same-client-id"}),
        ({"credentials": [_credential(), _credential("credential-2", status=Status.REVOKED)]},
         set()),
    ],
)  # fmt: skip
async def test_each_matter_is_found_by_itself(records_: Any, matters: set[str]) -> None:
    found = await _found(**records_)
    assert set(found) == matters
    assert {name for named in found.values() for name in named} <= {"main-hall"}


async def test_a_published_id_and_the_stores_mark_are_told() -> None:
    credentials = [_credential(oauth2_client_id="pilot-computer")]
    found = await _found(credentials=credentials, holds_test_credentials=True)
    assert found == {"test-credentials": ["*", "pilot-computer"]}


@pytest.mark.parametrize("status", [Status.REVOKED, Status.SUSPENDED])
async def test_what_is_stopped_is_not_told(status: Status) -> None:
    bad = replace(NARROW, networks=UNRESTRICTED, writable=UNRESTRICTED)
    client = _client(status=status, lineage=NOBODYS, legacy_until=NOW)
    key = _key(low_entropy=True, status=Status.REVOKED)
    assert await _found(clients=[client], credentials=[_credential(policy=bad)], keys=[key]) == {}
    assert await _found(credentials=[_credential(policy=bad, status=status)]) == {}


async def test_an_application_needs_neither_networks_nor_an_owner() -> None:
    client = _client(kind=ClientKind.APPLICATION, lineage=NOBODYS)
    assert await _found(clients=[client], credentials=_policy(
        networks=UNRESTRICTED, writable=UNRESTRICTED, may_create_keys=False)) == {}  # fmt: skip


async def test_p44_weak_keys_are_named_by_pseudonym_unless_they_have_a_pin() -> None:
    weak = _key(low_entropy=True)
    guarded = records.key("p:k2", policy=KeyPolicy(pin=Digest("p:pin")))
    limited = records.key("p:k3", policy=KeyPolicy(read_only=True))
    found = await _found(keys=[weak, guarded, limited])
    assert found == {"weak-keys": [pseudonym(weak.digest), pseudonym(limited.digest)]}


async def test_all_are_counted_and_some_are_named() -> None:
    store = MemoryStore()
    keys = [records.key(f"p:k{number}") for number in range(MOST_NAMED + 5)]
    await store.enrol(Enrolment(keys=keys), event=event())
    found = await check(store, AGAINST)
    assert found[Matter.WEAK_KEYS].count == MOST_NAMED + 5
    assert len(found[Matter.WEAK_KEYS].named) == MOST_NAMED
