"""What was found or saved is taken from memory while it is all as it was, never after."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from keyin.domain.records import Digest, RecordId, SafeId, Status, StoredGrant
from keyin.oauth.administration_ports import Word
from keyin.oauth.ports import Enrolment
from keyin.settings.errors import Rejected, Why
from keyin.settings.ports import KeyAndSafe
from keyin.stores.postgres import open_store, saving, tokens
from keyin.stores.postgres.connection import Server
from keyin.stores.postgres.known import MOST_BYTES, REMEMBERED, Known, KnownGrant
from keyin.stores.postgres.lookups import Lookups
from keyin.stores.postgres.transaction import Transaction
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
    before, after = await _before_and_after(stores, CHANGES[what])
    assert after is not None
    assert after is not before
    if what == "registry":
        assert await stores[0].registries_version(at_grant=True) == 2
    else:
        assert _all_of(after) != _all_of(before)


async def _before_and_after(
    stores: tuple[PostgresStore, PostgresStore],
    change: Callable[[PostgresStore], Awaitable[object]],
) -> tuple[StoredGrant | None, StoredGrant | None]:
    """Return what the first store finds, known from before, and what once the other changed it."""
    one, other = stores
    before = await one.find_grant(T1)
    assert await one.find_grant(T1) is before
    await change(other)
    after = await one.find_grant(T1)
    assert _all_of(after) == _all_of(await other.find_grant(T1))
    return before, after


def _all_of(grant: StoredGrant | None) -> tuple[object, ...]:
    return (grant, grant and grant.safe)


@needs_postgres
@pytest.mark.parametrize(
    "by_hand",
    [
        "UPDATE tokens SET status = 'revoked'",
        "DELETE FROM tokens",
        "UPDATE credentials SET epoch = 7",
        "UPDATE clients SET status = 'suspended'",
        "UPDATE keys SET epoch = 7",
        "DELETE FROM keys",
        "UPDATE safes SET sealed = 'new'",
        "DELETE FROM safes",
        "INSERT INTO sites (name, status, created) VALUES ('main hall', 'suspended', 0)",
        "INSERT INTO software (id, version, status, created) VALUES ('s', '1', 'suspended', 0)",
        "UPDATE meta SET value = '9' WHERE name = 'store_epoch'",
        *(f"TRUNCATE {table}" for table in ("tokens", "credentials", "clients", "keys")),
    ],
)
async def test_p03_what_is_changed_by_hand_is_seen_at_the_next_use(
    stores: tuple[PostgresStore, PostgresStore], by_hand: str
) -> None:
    async def change(_: PostgresStore) -> None:
        postgres.cluster().sql(by_hand, database=postgres.cluster().names[-1])

    before, after = await _before_and_after(stores, change)
    assert _all_of(after) != _all_of(before)


@needs_postgres
async def test_what_no_grant_rests_on_leaves_the_known_ones_known(
    stores: tuple[PostgresStore, PostgresStore], asked: list[str]
) -> None:
    one, other = stores
    await one.find_grant(T1)
    asked.clear()
    await other.add_token(token("p:t2"), event=event())
    records = Enrolment(clients=[client("client-2")], credentials=[], keys=[], safes=[])
    await other.enrol(records, event=event())
    await one.find_grant(T1)
    assert asked == [tokens._STATE.sql]


@needs_postgres
async def test_two_who_change_grants_at_once_both_move_the_number(
    stores: tuple[PostgresStore, PostgresStore],
) -> None:
    one, other = stores
    cluster = postgres.cluster()

    def number() -> int:
        return int(cluster.sql("SELECT number FROM grants_changed", database=cluster.names[-1]))

    before = number()
    await asyncio.gather(
        *[
            store.set_software(name, str(version), WORD, ending=False)
            for version in range(10)
            for name, store in (("a", one), ("b", other))
        ]
    )
    # what is written together moves it once
    assert before + 2 <= number() <= before + 20


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
    one._lookups.server.connections += 1
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
            self.server.connections += 1
            one._grants.find(())  # as another caller's
        return found

    with monkeypatch.context() as patched:
        patched.setattr(Lookups, "rows", anew)
        assert await one.find_grant(T1)
    assert asked.pop() == tokens._FIND.sql
    if query == "_FIND":
        assert await one.find_grant(T1)
        assert asked == [tokens._FIND.sql]


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Note what the writing connection is asked."""
    statements: list[str] = []
    fetch = Transaction.fetch

    async def noting(self: Transaction, sql: str, *args: object) -> list[Row]:
        statements.append(sql)
        return await fetch(self, sql, *args)

    monkeypatch.setattr(Transaction, "fetch", noting)
    return statements


@needs_postgres
async def test_who_saves_what_it_found_or_saved_before_reads_nothing(
    stores: tuple[PostgresStore, PostgresStore], asked: list[str], written: list[str]
) -> None:
    one, other = stores
    for text in (b"first", b"second"):
        await one.find_grant(T1)
        await one.change_safe(K1, _to(text))
    assert written == [saving._SAVE_ONE] * 2
    assert asked == [tokens._FIND.sql, tokens._STATE.sql]
    found = await one.find_grant(T1)
    assert found is not None
    assert found == await other.find_grant(T1)
    assert found.safe == safe(sealed=b"second")


@needs_postgres
async def test_saves_of_one_turn_are_one_statement(
    stores: tuple[PostgresStore, PostgresStore], written: list[str]
) -> None:
    one, other = stores
    k2 = (Digest("p:k2"),)
    records = Enrolment(keys=[key("p:k2", safe_id="s_2")], safes=[safe("s_2")])
    await one.enrol(records, event=event())
    written.clear()
    await asyncio.gather(one.change_safe(K1, _adding(b"-1")), one.change_safe(k2, _adding(b"-2")))
    assert written == [saving._LOOK, saving._SAVE]
    for digests, text in ((K1, b"-1"), (k2, b"-2")):
        found = await other.find_safe(digests)
        assert found is not None
        assert found.safe is not None
        assert found.safe.sealed == safe().sealed + text


@needs_postgres
async def test_a_save_upon_what_another_worker_changed_is_made_of_that(
    stores: tuple[PostgresStore, PostgresStore], written: list[str]
) -> None:
    one, other = stores
    await one.find_grant(T1)
    await other.change_safe(K1, _to(b"theirs"))
    written.clear()
    await one.change_safe(K1, _adding(b"-ours"))
    assert written[0] == saving._SAVE_ONE
    found = await other.find_safe(K1)
    assert found is not None
    assert found.safe == safe(sealed=b"theirs-ours")
    written.clear()
    await one.change_safe(K1, _adding(b"!"))
    assert written == [saving._LOOK, saving._SAVE_ONE], "what turned out old is known no more"


@needs_postgres
async def test_a_refusal_rests_on_what_is_there_and_not_on_what_is_known(
    stores: tuple[PostgresStore, PostgresStore],
) -> None:
    one, other = stores
    await one.find_grant(T1)
    await other.change_safe(K1, _to(b"theirs"))
    await one.change_safe(K1, _adding(b"-ours", onto=b"theirs"))
    with pytest.raises(Rejected):
        await one.change_safe(K1, _adding(b"", onto=b"something else"))
    await other.revoke_key(K1, reason=None, now=NOW, event=event())
    with pytest.raises(Rejected):
        await one.change_safe(K1, _if_active)


def _to(text: bytes) -> Callable[[KeyAndSafe | None], KeyAndSafe]:
    def change(found: KeyAndSafe | None) -> KeyAndSafe:
        assert found is not None
        return KeyAndSafe(key=found.key, safe=safe(sealed=text))

    return change


def _adding(text: bytes, *, onto: bytes = b"") -> Callable[[KeyAndSafe | None], KeyAndSafe]:
    """Return the change that adds to what is there, if it begins so."""

    def change(found: KeyAndSafe | None) -> KeyAndSafe:
        assert found is not None
        assert found.safe is not None
        if not found.safe.sealed.startswith(onto):
            raise Rejected(Why.NOT_ALLOWED)
        return KeyAndSafe(key=found.key, safe=replace(found.safe, sealed=found.safe.sealed + text))

    return change


def _if_active(found: KeyAndSafe | None) -> KeyAndSafe:
    assert found is not None
    if found.key.status is not Status.ACTIVE:
        raise Rejected(Why.NOT_ALLOWED)
    return KeyAndSafe(key=found.key, safe=safe(sealed=b"never"))


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
    server = Server("")
    known: Known[KnownGrant] = Known(server)
    large = 64 * 1024

    def remember(number: int, size: int) -> None:
        grant = _grant(number, size)
        known.remember(grant.token.digest, KnownGrant(grant, ()), 0)

    for number in range(3 * MOST_BYTES // large):
        remember(number, large)
        assert known.bytes <= MOST_BYTES
    for _ in range(2):
        remember(1, large)
    assert known.bytes == len(known) * large
    for number in range(2 * REMEMBERED):
        remember(number, 0)
    assert (len(known), known.bytes) == (REMEMBERED, 0)
    assert known.find((Digest("p:1"),)) is None
    last = token(f"p:{2 * REMEMBERED - 1}").digest
    assert known.find((last,)) is not None
    server.connections = 1
    assert known.find((last,)) is None
    assert (len(known), known.bytes) == (0, 0)
    remember(1, 0)
    assert known.find((Digest("p:1"),)) is None, "it is from before"
