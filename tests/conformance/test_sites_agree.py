"""Whatever an administrator says in whatever order, SQLite answers as memory does."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from keyin.domain.events import ADMINISTRATOR, Act, Event
from keyin.domain.records import Digest, Lineage, Origin, RecordId, Status
from keyin.stores.memory import MemoryStore
from keyin.stores.sqlite import open_store
from tests.fakes.records import NOW, client, client_key, credential, enrolment, token, word

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from keyin.oauth.administration_ports import Word
    from keyin.oauth.ports import Enrolment
    from tests.conformance.stores import Store

Answer = TypeVar("Answer")

QUICK = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 - a folder of its own there
"""Where no commit waits for a disk: there are thousands."""
NAMES = st.sampled_from(["a", "b", "c"])
PLACES = st.none() | st.sampled_from(["", "one", "two", "\U0001f600"])
EVENT = Event(act=Act.SITE_CHANGED, actor=ADMINISTRATOR, at=NOW)
LINEAGES = st.builds(
    Lineage, site=PLACES, software_id=PLACES, software_version=PLACES,
    origin=st.just(Origin.ADMINISTRATOR),
)  # fmt: skip
STATUSES = st.sampled_from(Status)
CLIENTS = st.builds(client, NAMES, lineage=LINEAGES, status=STATUSES)
CREDENTIALS = st.builds(
    credential, NAMES, client_id=NAMES.map(RecordId), oauth2_client_id=NAMES, lineage=LINEAGES
)
KEYS = st.builds(client_key, NAMES, credential_id=NAMES.map(RecordId))
TOKENS = st.builds(token, NAMES, client_id=NAMES.map(RecordId), credential_id=NAMES.map(RecordId))
ENROLMENTS = st.builds(
    enrolment,
    clients=st.lists(CLIENTS, max_size=3),
    credentials=st.lists(CREDENTIALS, max_size=3),
    client_keys=st.lists(KEYS, max_size=2),
    tokens=st.lists(TOKENS, max_size=2),
)
WORDS = st.builds(
    word, status=STATUSES, reason=st.none() | st.just("lost"), now=st.just(NOW),
    event=st.just(EVENT),
)  # fmt: skip
NAMED = st.sampled_from(["one", "two", "\U0001f600", "three"])


class TwoStores(RuleBasedStateMachine):
    """Does everything twice and compares."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="keyin-sites-", dir=QUICK))
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
        self.both(lambda store: store.enrol(records, event=EVENT))

    @rule(name=NAMED, word=WORDS, ending=st.booleans())
    def set_site(self, name: str, word: Word, *, ending: bool) -> None:
        self.both(lambda store: store.set_site(name, word, ending=ending))

    @rule(id_=NAMED, version=NAMED, word=WORDS, ending=st.booleans())
    def set_software(self, id_: str, version: str, word: Word, *, ending: bool) -> None:
        self.both(lambda store: store.set_software(id_, version, word, ending=ending))

    @rule(name=NAMES, word=WORDS, only_from=st.frozensets(STATUSES, min_size=1))
    def set_client(self, name: str, word: Word, only_from: frozenset[Status]) -> None:
        id_ = RecordId(name)
        self.both(lambda store: store.set_client_status(id_, word, only_from=only_from))

    @rule(name=NAMES)
    def end(self, name: str) -> None:
        self.both(lambda store: store.end_client_key(name, event=EVENT))
        self.both(lambda store: store.end_token([Digest(name)], event=EVENT))

    @rule(after=st.integers(0, 4), site=PLACES, status=st.none() | STATUSES)
    def page(self, after: int, site: str | None, status: Status | None) -> None:
        self.both(
            lambda store: store.client_pictures(after=after, most=2, site=site, status=status)
        )

    @rule()
    def open_again(self) -> None:
        self.sqlite.close()
        self.sqlite = open_store(self.folder / "s")

    @invariant()
    def answers_agree(self) -> None:
        for name in "abc":
            self.both(lambda store, name=name: store.find_credential(name))  # type: ignore[misc]  # bound early
            self.both(lambda store, name=name: store.find_grant([Digest(name)]))  # type: ignore[misc]  # bound early
            self.both(lambda store, name=name: store.clients_named(name))  # type: ignore[misc]  # bound early
        self.both(lambda store: store.sites(after="", most=9))
        self.both(lambda store: store.software(after=("", ""), most=9))
        self.both(lambda store: store.audit_heads())
        self.both(lambda store: store.client_pictures(after=0, most=9, site=None, status=None))


TwoStores.TestCase.settings = settings(
    max_examples=40,
    stateful_step_count=12,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize=True,
)
test_sqlite_answers_administrators_as_memory_does = TwoStores.TestCase
