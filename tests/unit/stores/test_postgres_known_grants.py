"""A grant that was found is taken from memory while its whole state is as it was, never after."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from keyin.domain.records import Digest, RecordId, SafeId, Status, StoredGrant
from keyin.oauth.administration_ports import Word
from keyin.oauth.ports import Enrolment
from keyin.settings.ports import KeyAndSafe
from keyin.stores.postgres import open_store, tokens
from keyin.stores.postgres.known_grants import MOST_BYTES, REMEMBERED, KnownGrants
from keyin.stores.postgres.lookups import Lookups
from tests import postgres
from tests.fakes.records import NOW, client, credential, event, key, safe, token

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

    from keyin.stores.postgres import PostgresStore
    from keyin.stores.postgres.lookups import Lookup
    from keyin.stores.rows import Row

needs_postgres = postgres.needs_postgres
T1 = (Digest("p:t1"),)
K1 = (Digest("p:k1"),)
WORD = Word(status=Status.SUSPENDED, reason="why", now=NOW, event=event())


@pytest.fixture
async def stores() -> AsyncIterator[tuple[PostgresStore, PostgresStore]]:
    url = postgres.cluster().database()
    one, other = await open_store(url), await open_store(url)
    records = Enrolment(
        clients=[client()],
        credentials=[credential()],
        keys=[key(safe_id="s_1")],
        safes=[safe()],
    )
    await one.enrol(records, event=event())
    await one.add_token(token(T1[0]), event=event())
    await one.put_registry("linux", b"{}")
    await one.find_grant(T1)  # makes its connection
    yield one, other
    await one.aclose()
    await other.aclose()


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Note what is looked up."""
    queries: list[str] = []
    rows = Lookups.rows

    async def noting(self: Lookups, lookup: Lookup, keys: Sequence[str | int]) -> list[Row]:
        queries.append(lookup.sql)
        return await rows(self, lookup, keys)

    monkeypatch.setattr(Lookups, "rows", noting)
    return queries


@needs_postgres
async def test_a_token_that_is_used_again_is_asked_for_its_state_alone(
    stores: tuple[PostgresStore, PostgresStore], asked: list[str]
) -> None:
    first = await stores[0].find_grant(T1)
    assert first is not None
    assert first.safe == safe()
    assert await stores[0].find_grant(T1) is first
    assert asked == [tokens._FIND.sql, tokens._STATE.sql]


def _changed(found: KeyAndSafe | None) -> KeyAndSafe:
    assert found is not None
    return KeyAndSafe(key=found.key, safe=safe(sealed=b"new"))


def _relabelled(found: KeyAndSafe | None) -> KeyAndSafe:
    assert found is not None
    return KeyAndSafe(key=replace(found.key, safe_id=SafeId("s_2")), safe=safe("s_2"))


CHANGES: dict[str, Callable[[PostgresStore], Awaitable[object]]] = {
    "token": lambda store: store.revoke_token(T1, event=event()),
    "key": lambda store: store.revoke_key(K1, reason=None, now=NOW, event=event()),
    "credential": lambda store: store.revoke_credential(
        RecordId("credential-1"), reason=None, now=NOW, event=event()
    ),
    "client": lambda store: store.revoke_client(RecordId("client-1"), now=NOW, event=event()),
    "safe": lambda store: store.change_safe(K1, _changed),
    "another safe": lambda store: store.change_safe(K1, _relabelled),
    "site": lambda store: store.set_site("main hall", WORD, ending=False),
    "software": lambda store: store.set_software("s", "1", WORD, ending=False),
    "epoch": lambda store: store.bump_store_epoch(event=event()),
    "registry": lambda store: store.put_registry("linux", b'{"a":{}}'),
}


@needs_postgres
@pytest.mark.parametrize("what", sorted(CHANGES))
async def test_p03_what_another_worker_changes_is_seen_at_the_next_use(
    stores: tuple[PostgresStore, PostgresStore], what: str
) -> None:
    one, other = stores
    before = await one.find_grant(T1)
    assert await one.find_grant(T1) is before
    await CHANGES[what](other)
    after = await one.find_grant(T1)
    assert after == await other.find_grant(T1)
    assert after is not None
    assert after is not before
    if what == "registry":
        assert await one.registries_version(at_grant=True) == 2
    else:
        assert _all_of(after) != _all_of(before)


def _all_of(grant: StoredGrant | None) -> tuple[object, ...]:
    return (grant, grant and grant.safe)


@needs_postgres
async def test_a_token_that_is_gone_is_found_no_more(
    stores: tuple[PostgresStore, PostgresStore],
) -> None:
    one, _ = stores
    assert await one.find_grant(T1)
    postgres.cluster().sql("DELETE FROM tokens", database=postgres.cluster().names[-1])
    assert await one.find_grant(T1) is None


@needs_postgres
async def test_after_a_new_connection_nothing_is_known(
    stores: tuple[PostgresStore, PostgresStore], asked: list[str]
) -> None:
    one, _ = stores
    assert await one.find_grant(T1)
    one._lookups._server.connections += 1
    assert await one.find_grant(T1)
    assert asked == [tokens._FIND.sql] * 2


@needs_postgres
@pytest.mark.parametrize("query", ["_STATE", "_FIND"])
async def test_what_is_read_while_a_connection_is_made_is_not_relied_on(
    stores: tuple[PostgresStore, PostgresStore],
    asked: list[str],
    monkeypatch: pytest.MonkeyPatch,
    query: str,
) -> None:
    one, _ = stores
    if query == "_STATE":
        await one.find_grant(T1)
        asked.clear()
    rows = Lookups.rows

    async def anew(self: Lookups, lookup: Lookup, keys: Sequence[str | int]) -> list[Row]:
        found = await rows(self, lookup, keys)
        if lookup is getattr(tokens, query):
            self._server.connections += 1
            one._grants.find((), self.connections)  # as another caller's
        return found

    with monkeypatch.context() as patched:
        patched.setattr(Lookups, "rows", anew)
        assert await one.find_grant(T1)
    assert asked.pop() == tokens._FIND.sql
    if query == "_FIND":
        assert await one.find_grant(T1)
        assert asked == [tokens._FIND.sql]


def _grant(number: int, size: int) -> StoredGrant:
    return StoredGrant(
        token=token(f"p:{number}"),
        client=client(),
        credential=credential(),
        key=key(),
        store_epoch=0,
        safe=safe(sealed=bytes(size)),
    )


def test_p82_known_grants_are_bounded_in_bytes_and_in_number() -> None:
    known, large = KnownGrants(), 64 * 1024
    for number in range(3 * MOST_BYTES // large):
        known.remember(_grant(number, large), ())
        assert known.bytes <= MOST_BYTES
    for _ in range(2):
        known.remember(_grant(1, large), ())
    assert known.bytes == len(known) * large
    for number in range(2 * REMEMBERED):
        known.remember(_grant(number, 0), ())
    assert (len(known), known.bytes) == (REMEMBERED, 0)
    assert known.find((Digest("p:1"),), 0) is None
    assert known.find((token(f"p:{2 * REMEMBERED - 1}").digest,), 0) is not None
    assert known.find((token(f"p:{2 * REMEMBERED - 1}").digest,), 1) is None
    assert (len(known), known.bytes) == (0, 0)
