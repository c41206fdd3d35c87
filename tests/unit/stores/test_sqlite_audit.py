"""Events and transactions: what is undone leaves no event, and no gap in the chain."""

from __future__ import annotations

import asyncio
import sqlite3
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from keyin.domain.errors import StoreUnavailable
from keyin.domain.events import Act, Event
from keyin.stores.sqlite import SqliteStore, audit, open_store
from keyin.stores.sqlite.connection import WritingConnection, connect
from keyin.stores.sqlite.writer import Writer
from keyin.wire.audit_chain import Walk
from tests.fakes.records import NOW, event, token

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    opened = open_store(tmp_path / "store.sqlite3")
    yield opened
    opened.close()


async def actors(store: SqliteStore) -> list[str]:
    rows = await store.audit_rows("main", after=0, most=1000)
    walk = Walk("main")
    assert all(walk.step(row) for row in rows), walk.bad
    return [msgspec.json.decode(row.event)["actor"] for row in rows]


def by(actor: str, **more: Any) -> Event:
    return Event(act=Act.TOKEN_ISSUED, at=NOW, actor=actor, **more)


async def test_what_a_unit_undoes_leaves_no_event(store: SqliteStore) -> None:
    def half_done(connection: sqlite3.Connection) -> None:
        audit.append(connection, by("undone"))
        raise LookupError("mine")

    outcomes = await asyncio.gather(
        store.record(by("before")),
        store._writer.run(half_done),
        store.record(by("after")),
        return_exceptions=True,
    )
    assert isinstance(outcomes[1], LookupError)
    assert await actors(store) == ["before", "after"]


@pytest.mark.parametrize("together", [True, False])
async def test_a_grant_that_cannot_be_stored_leaves_no_event(
    store: SqliteStore, *, together: bool
) -> None:
    works = [
        store.add_token(token("p:1"), event=by("1")),
        store.add_token(token("p:2", audience=None), event=by("no record")),
        store.add_token(token("p:3"), event=by("3")),
    ]
    if together:
        outcomes = await asyncio.gather(*works, return_exceptions=True)
    else:
        outcomes = [(await asyncio.gather(one, return_exceptions=True))[0] for one in works]
    assert isinstance(outcomes[1], StoreUnavailable)
    assert sorted(await actors(store)) == ["1", "3"]


@pytest.mark.parametrize("together", [True, False])
async def test_a_grant_whose_event_cannot_be_written_is_no_grant(
    store: SqliteStore, *, together: bool
) -> None:
    broken = by("broken", detail={"x": object()})
    works = [
        store.add_token(token("p:1"), event=by("1")),
        store.add_token(token("p:2"), event=broken),
        store.add_token(token("p:3"), event=by("3")),
    ]
    if together:
        outcomes = await asyncio.gather(*works, return_exceptions=True)
    else:
        outcomes = [(await asyncio.gather(one, return_exceptions=True))[0] for one in works]
    assert isinstance(outcomes[1], TypeError)
    assert sorted(await actors(store)) == ["1", "3"]
    with sqlite3.connect(
        store._writer._connection.execute("PRAGMA database_list").fetchone()[2]
    ) as other:
        assert other.execute("SELECT digest FROM tokens ORDER BY 1").fetchall() == [
            ("p:1",),
            ("p:3",),
        ]
    other.close()


async def test_a_commit_that_fails_leaves_no_event_and_no_gap(store: SqliteStore) -> None:
    await store.record(by("before"))
    await store._writer.run(lambda c: c.execute("PRAGMA max_page_count = 1").fetchone())
    outcomes = await asyncio.gather(
        *[store.record(by("x" * 90_000)) for _ in range(3)], return_exceptions=True
    )
    assert all(isinstance(one, StoreUnavailable) for one in outcomes)
    await store._writer.run(lambda c: c.execute("PRAGMA max_page_count = 100000").fetchone())
    await store.record(by("after"))
    assert await actors(store) == ["before", "after"]


async def test_the_chain_goes_on_when_the_store_is_opened_again(
    store: SqliteStore, tmp_path: Path
) -> None:
    await asyncio.gather(*[store.add_token(token(f"p:{n}"), event=by(str(n))) for n in range(50)])
    store.close()
    again = open_store(tmp_path / "store.sqlite3")
    await again.record(event(Act.ALERT, actor="later"))
    assert len(await actors(again)) == 51
    again.close()


def test_no_row_is_changed_or_removed_by_mistake(tmp_path: Path) -> None:
    store = open_store(tmp_path / "store.sqlite3")
    connection = store._writer._connection
    audit.append(connection, by("1"))
    for change in ("UPDATE audit SET at = 0", "DELETE FROM audit"):
        with pytest.raises(sqlite3.IntegrityError, match="never"):
            connection.execute(change)
    store.close()


async def test_the_chain_goes_on_after_what_was_undone(store: SqliteStore) -> None:
    def half_done(connection: sqlite3.Connection) -> None:
        audit.append(connection, by("undone"))
        raise LookupError("mine")

    await store.record(by("before"))
    with pytest.raises(LookupError):
        await store._writer.run(half_done)
    await store.record(by("after"))
    assert await actors(store) == ["before", "after"]


class FullAtTheEnd(WritingConnection):
    """Finds no room for one commit."""

    full = False

    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
        if self.full and sql == "COMMIT":
            self.full = False
            raise sqlite3.OperationalError("disk I/O error")
        return super().execute(sql, parameters)


async def test_the_chain_goes_on_where_a_commit_came_to_nothing(
    store: SqliteStore, tmp_path: Path
) -> None:
    path = tmp_path / "store.sqlite3"
    writing = sqlite3.connect(path, isolation_level=None, factory=FullAtTheEnd)
    other = SqliteStore(connect(path, read_only=True), Writer(writing))
    await other.record(by("before"))
    writing.full = True
    with pytest.raises(StoreUnavailable):
        await other.record(by("lost"))
    await other.record(by("after"))
    assert await actors(store) == ["before", "after"]
    other.close()
