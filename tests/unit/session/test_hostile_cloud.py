"""P80: whatever the cloud answers, a key-in ends in settings or in an error of ours."""

from __future__ import annotations

import asyncio
import copy
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keyin.domain.errors import KeyinError
from keyin.domain.keyin import Kind
from keyin.domain.secret import GpiiKey
from tests.fakes.flow_manager import SOLUTION, document, running
from tests.json_values import json_values

ALICE = GpiiKey("alice")
STEPS = ("start", "stop", "configure", "restore", "update", "isRunning")


def whole() -> dict[str, Any]:
    """Return an answer that has every member that is looked at."""
    made = document({"loud": 7})
    entry = made["solutionsRegistryEntries"][SOLUTION]
    options = {"a": "${{environment}.HOME}"}
    entry["launchHandlers"] = {"run": {"type": "test.values", "options": options}}
    entry["settingsHandlers"]["all"]["options"] = {"o": 1}
    entry["settingsHandlers"]["all"]["supportedSettings"] = {"loud": {}}
    entry["settingsHandlers"]["all"]["capabilitiesTransformations"] = {"x": "y"}
    entry |= {name: ["settings.all", "launchers.run"] for name in STEPS if name != "update"}
    entry["update"] = ["stop", "configure", "start"]
    entry["liveness"] = "live"
    return made


def places(node: Any, at: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    inner = node.items() if isinstance(node, dict) else ()
    return [at, *(place for name, value in inner for place in places(value, (*at, name)))]


PLACES = [place for place in places(whole()) if place]


def put(place: tuple[str, ...], value: object) -> dict[str, Any]:
    made = copy.deepcopy(whole())
    node: Any = made
    for name in place[:-1]:
        node = node[name]
    node[place[-1]] = value
    return made


def key_in_and_out(answer: dict[str, Any]) -> None:
    async def play(folder: Path) -> None:
        async with running(folder, doors=False) as played:
            before = copy.deepcopy(played.stores.state)
            played.neighbours.document = answer
            for kind in (Kind.LOGIN, Kind.LOGOUT):
                with suppress(KeyinError):
                    await played.manager.desk.submit(kind, ALICE, request_id="request-1")
            assert played.stores.state["test.values", SOLUTION] == before["test.values", SOLUTION]
            played.neighbours.document = None
            await played.manager.desk.submit(Kind.LOGIN, GpiiKey("bob"), request_id="request-2")

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(play(Path(folder)))


ODD: list[Any] = [None, 5, "text", [], {}, [None], [[1]], {"type": ["x"]}, {"a": None}]


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("place", PLACES, ids="/".join)
def test_p80_an_odd_member_ends_in_an_error_of_ours(place: tuple[str, ...], odd: object) -> None:
    key_in_and_out(put(place, odd))


@given(st.sampled_from(PLACES), json_values())
@settings(max_examples=150, deadline=None)
def test_p80_any_member_ends_in_an_error_of_ours(place: tuple[str, ...], odd: object) -> None:
    key_in_and_out(put(place, odd))
