"""Registries and codex as the store has them: read anew when one was put, and only then."""

from __future__ import annotations

import json
from typing import Any

import pytest

from keyin.domain.errors import InvalidDocument, StoreUnavailable
from keyin.settings.current import Current
from keyin.stores.memory import MemoryStore

DEVICE = json.dumps({"OS": {"id": "linux"}, "solutions": [{"id": "a"}, {"id": "b"}]})


class Counting(MemoryStore):
    reads = 0

    async def registries(self) -> dict[str, bytes]:
        self.reads += 1
        return await super().registries()


def _text(**solutions: Any) -> bytes:
    return json.dumps(solutions).encode()


def _current(store: MemoryStore) -> Current:
    return Current(store, [("linux", _text(a={"own": True}))], {})


async def test_a_registry_that_was_put_is_seen_at_the_next_look_by_who_holds_the_old_one() -> None:
    store = Counting()
    current = _current(store)
    await current.look()
    registries, codex = current.registries, current.codex
    own = registries.installed(DEVICE)
    assert json.loads(own.entries) == {"a": {"own": True}}
    await store.put_registry("linux", _text(a={"new": 1}, b={"new": 2}))
    assert registries.installed(DEVICE) is own
    await current.look()
    newer = registries.installed(DEVICE)
    assert json.loads(newer.entries) == {"a": {"new": 1}, "b": {"new": 2}}
    assert newer.registry not in {own.registry, None}
    assert list(registries.documents) == [newer.registry]
    assert len(codex) == 2
    assert [one.os for one in registries.all()] == ["linux"]


async def test_nothing_is_read_where_nothing_was_put() -> None:
    store = Counting()
    current = _current(store)
    for _ in range(5):
        await current.look()
    assert store.reads == 1
    await store.put_registry("win32", _text())
    for _ in range(5):
        await current.look()
    assert store.reads == 2


async def test_a_registry_that_cannot_be_read_stops_the_start_and_later_the_answers() -> None:
    store = MemoryStore()
    await store.put_registry("linux", _text(a=1))
    current = _current(store)
    with pytest.raises(InvalidDocument):
        await current.look()
    await store.put_registry("linux", _text(a={}))
    await current.look()
    await store.put_registry("linux", _text(a=1))
    for _ in range(2):
        with pytest.raises(StoreUnavailable):
            await current.look()
    await store.put_registry("linux", _text(a={}))
    await current.look()
