"""Whatever is done, SQLite answers as memory does: a machine that tries sequences of units."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from msgspec.structs import replace

from keyin.domain.environment import Millis
from keyin.domain.records import (
    UNRESTRICTED,
    CredentialPolicy,
    Digest,
    Lineage,
    Origin,
    RecordId,
    SafeId,
    Status,
)
from keyin.settings.ports import KeyAndSafe
from keyin.stores.memory import MemoryStore
from keyin.stores.sqlite import open_store
from tests.fakes.records import NOW, client, credential, enrolment, event, key, safe, token

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from keyin.oauth.ports import Enrolment
    from tests.conformance.stores import Store

Answer = TypeVar("Answer")

NAMES = st.sampled_from(["a", "b", "c"])
TEXT = st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
NUMBERS = st.integers(0, 2**53)
TIMES = NUMBERS.map(Millis)
STATUS = st.sampled_from(Status)
ALLOWED = st.just(UNRESTRICTED) | st.lists(st.text('ab"\\,[]é', max_size=5), max_size=3).map(tuple)
LINEAGES = st.builds(
    Lineage,
    owner=TEXT,
    site=TEXT,
    software_id=TEXT,
    software_version=TEXT,
    origin=st.sampled_from(Origin),
)
CLIENTS = st.builds(
    client, NAMES, name=TEXT, lineage=LINEAGES, status=STATUS, epoch=NUMBERS,
    created=TIMES, updated=st.none() | TIMES, legacy_until=st.none() | TIMES,
)  # fmt: skip
POLICIES = st.builds(
    CredentialPolicy, networks=ALLOWED, writable=ALLOWED,
    may_create_keys=st.booleans(), may_create_safes=st.booleans(),
)  # fmt: skip
CREDENTIALS = st.builds(
    credential, NAMES, client_id=NAMES.map(RecordId), oauth2_client_id=NAMES, policy=POLICIES,
    lineage=LINEAGES, status=STATUS, revoked_reason=TEXT, revoked=st.none() | TIMES,
)  # fmt: skip
SAFES = st.builds(
    safe, NAMES, kind=st.sampled_from(["user", "snapset"]), sealed=st.binary(max_size=9),
    updated=st.none() | TIMES,
)  # fmt: skip
KEYS = st.builds(
    key, NAMES, sealed=st.binary(max_size=9), safe_id=st.none() | NAMES.map(SafeId), status=STATUS,
    lineage=LINEAGES, low_entropy=st.booleans(), prefs_set_id=TEXT, revoked=st.none() | TIMES,
)  # fmt: skip
TOKENS = st.builds(
    token, NAMES, client_id=NAMES.map(RecordId), credential_id=NAMES.map(RecordId),
    key_digest=NAMES.map(Digest), key_epoch=st.none() | NUMBERS, status=STATUS,
    expires=st.integers(0, 9).map(Millis), lineage=LINEAGES,
)  # fmt: skip
ENROLMENTS = st.builds(
    enrolment,
    clients=st.lists(CLIENTS, max_size=2),
    credentials=st.lists(CREDENTIALS, max_size=2),
    safes=st.lists(SAFES, max_size=2),
    keys=st.lists(KEYS, max_size=2),
    tokens=st.lists(TOKENS, max_size=2),
    holds_test_credentials=st.booleans(),
)


async def _collect(store: Store) -> list[Any]:
    lists = (store.all_clients(), store.all_credentials(), store.all_keys(), store.all_safes())
    return [[one async for one in records] for records in lists]


class TwoStores(RuleBasedStateMachine):
    """Does everything twice and compares."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="keyin-stores-"))
        self.runner = asyncio.Runner()
        self.memory: Store = MemoryStore()
        self.sqlite: Store = open_store(self.folder / "s")

    def teardown(self) -> None:
        self.sqlite.close()
        self.runner.close()
        shutil.rmtree(self.folder)

    def both(self, work: Callable[[Store], Awaitable[Answer]]) -> None:
        async def run(store: Store) -> Answer:
            return await work(store)

        expected = self.runner.run(run(self.memory))
        assert self.runner.run(run(self.sqlite)) == expected

    @rule(records=ENROLMENTS)
    def enrol(self, records: Enrolment) -> None:
        self.both(lambda store: store.enrol(records, event=event()))

    @rule(made=TOKENS)
    def add_token(self, made: Any) -> None:
        self.both(lambda store: store.add_token(made, event=event()))

    @rule(found=NAMES, made=KEYS, opens=st.none() | SAFES)
    def change_safe(self, found: str, made: Any, opens: Any) -> None:
        def change(there: KeyAndSafe | None) -> KeyAndSafe:
            if there is None or there.safe is None:
                return KeyAndSafe(key=made, safe=opens)
            return replace(there, safe=replace(there.safe, sealed=there.safe.sealed + b"."))

        self.both(lambda store: store.change_safe([Digest(found)], change))

    @rule(digests=st.lists(NAMES.map(Digest), min_size=1, max_size=2, unique=True), reason=TEXT)
    def revoke_key(self, digests: list[Digest], reason: str | None) -> None:
        self.both(
            lambda store: store.revoke_key(digests[:1], reason=reason, now=NOW, event=event())
        )

    @rule(name=NAMES, reason=TEXT)
    def revoke_others(self, name: str, reason: str | None) -> None:
        id_ = RecordId(name)
        self.both(lambda store: store.revoke_credential(id_, reason=reason, now=NOW, event=event()))
        self.both(lambda store: store.revoke_client(id_, now=NOW, event=event()))
        self.both(lambda store: store.revoke_token([Digest(name)], event=event()))

    @rule(before=st.integers(0, 10).map(Millis))
    def purge(self, before: Millis) -> None:
        self.both(lambda store: store.sweep("tokens", expired_before=before, most=1000))

    @rule()
    def bump(self) -> None:
        self.both(lambda store: store.bump_store_epoch(event=event()))

    @rule()
    def open_again(self) -> None:
        self.sqlite.close()
        self.sqlite = open_store(self.folder / "s")

    @invariant()
    def answers_agree(self) -> None:
        for name in "abc":
            digest = [Digest(name), Digest("none")]
            self.both(lambda store, name=name: store.find_credential(name))  # type: ignore[misc]  # bound early
            self.both(lambda store, digest=digest: store.find_grant(digest))  # type: ignore[misc]  # bound early
            self.both(lambda store, digest=digest: store.find_safe(digest))  # type: ignore[misc]  # bound early
            self.both(lambda store, digest=digest: store.find_key(digest))  # type: ignore[misc]  # bound early
        self.both(_collect)
        self.both(lambda store: store.holds_test_credentials())
        self.both(lambda store: store.known_safes([SafeId("a"), SafeId("none")]))
        self.both(lambda store: store.audit_heads())


TwoStores.TestCase.settings = settings(
    max_examples=40,
    stateful_step_count=12,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize=True,
)
test_sqlite_answers_as_memory_does = TwoStores.TestCase
