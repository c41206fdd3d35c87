"""What the SQLite store remembers: bounded, and never older than the last commit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from keyin.domain.environment import Millis
from keyin.domain.key_policy import KeyPolicy
from keyin.domain.records import Digest, SafeId, Status
from keyin.oauth.ports import Enrolment
from keyin.settings.ports import KeyAndSafe
from keyin.stores.sqlite import SqliteStore, open_store
from keyin.stores.sqlite.remembered import LARGEST, MOST_BYTES, REMEMBERED, RememberedSafes
from tests.fakes.records import NOW, client, credential, event, key, safe, token

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

K1 = (Digest("p:k1"),)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    opened = open_store(tmp_path / "store.sqlite3")
    yield opened
    opened.close()


def _found(number: int, size: int) -> tuple[Digest, KeyAndSafe]:
    digest = Digest(f"p:{number}")
    return digest, KeyAndSafe(key=key(digest), safe=safe(sealed=bytes(size)))


def test_p82_remembered_safes_are_bounded_in_bytes_and_in_number() -> None:
    remembered = RememberedSafes()
    for number in range(3 * MOST_BYTES // LARGEST):
        remembered.put(*_found(number, LARGEST))
        assert sum(len(one.safe.sealed) for one in remembered.values() if one.safe) <= MOST_BYTES
    assert len(remembered) > 0
    for number in range(3 * REMEMBERED):
        remembered.put(*_found(number, 0))
        assert len(remembered) <= REMEMBERED
    remembered.clear()
    assert (len(remembered), remembered.bytes) == (0, 0)


def test_a_large_safe_is_not_remembered() -> None:
    remembered = RememberedSafes()
    digest, found = _found(1, LARGEST + 1)
    assert remembered.put(digest, found) is found
    assert len(remembered) == 0


async def _site(store: SqliteStore) -> None:
    records = Enrolment(
        clients=[client()],
        credentials=[credential()],
        keys=[key(), key("p:k2", safe_id=SafeId("s_1"))],
        safes=[safe()],
    )
    await store.enrol(records, event=event())


async def _seen(store: SqliteStore) -> KeyAndSafe:
    found = await store.find_safe(K1)
    assert found is not None
    assert await store.find_safe(K1) is found
    return found


def _sealed(changed: bytes) -> Any:
    return lambda found: replace(found, safe=safe(sealed=changed))


async def test_a_changed_safe_is_found_at_once_whichever_key_changed_it(store: SqliteStore) -> None:
    await _site(store)
    for number, digest in enumerate(("p:k1", "p:k2", "p:k1")):
        await _seen(store)
        content = b"state %d" % number
        await store.change_safe((Digest(digest),), _sealed(content))
        found = await _seen(store)
        assert found.safe is not None
        assert found.safe.sealed == content


async def test_whatever_is_written_of_a_key_is_found_at_once(store: SqliteStore) -> None:
    await _site(store)
    await _seen(store)
    policy = KeyPolicy(read_only=True)
    await store.set_key_policy(K1, policy, now=Millis(NOW + 1), event=event())
    assert (await _seen(store)).key.policy == policy
    await store.revoke_key(K1, reason="lost", now=NOW, event=event())
    assert (await _seen(store)).key.status is Status.REVOKED
    await store.enrol(Enrolment(safes=[safe("s_2")], keys=[key("p:k3")]), event=event())
    assert (await store.find_safe((Digest("p:k3"),))) is not None


async def test_what_nobody_has_is_not_remembered(store: SqliteStore) -> None:
    assert await store.find_safe((Digest("p:none"),)) is None
    assert len(store._memory.safes) == 0


async def test_a_grant_changes_no_safe_and_so_nothing_is_forgotten(store: SqliteStore) -> None:
    await _site(store)
    found = await _seen(store)
    await store.add_token(token(), event=event())
    assert await store.find_safe(K1) is found
