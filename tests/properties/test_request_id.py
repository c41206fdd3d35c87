"""One name for one key-in: the request id stands in the log of each process that took part."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from tests.cloud_process import send
from tests.household import Household, household

if TYPE_CHECKING:
    from pathlib import Path

    from tests.started import Started

POLLS, POLL_S = 250, 0.02


def _lines(process: Started) -> list[dict[str, Any]]:
    return [json.loads(line) for line in process.output.splitlines() if line.startswith("{")]


def _ids(process: Started) -> set[str]:
    return {line["request_id"] for line in _lines(process) if "request_id" in line}


def _shared(house: Household, but: set[str] | None = None) -> set[str]:
    """Return what all three name, once there is something; pipes are read a moment later."""
    for _ in range(POLLS):
        shared = set.intersection(*map(_ids, house.processes.values())) - (but or set())
        if shared:
            return shared
        time.sleep(POLL_S)
    raise AssertionError([process.output for process in house.processes.values()])


def test_a_request_id_passes_through_all_three_processes(tmp_path: Path) -> None:
    with household(tmp_path) as house:
        assert house.keyin("login", "-", key=house.marks.key).returncode == 0
        assert house.keyin("logout").returncode == 0
        over_the_socket = _shared(house)
        assert len(over_the_socket) == 1
        login = send(house.flow_manager.url, "GET", f"/user/{house.marks.key}/login")
        assert login.status == 200
        over_http = _shared(house, but=over_the_socket)
        assert len(over_http) == 1
        asked = [line for line in _lines(house.cloud) if line.get("request_id") in over_http]
        assert [line["route"] for line in asked] == ["/access_token", "/{key}/settings/{device}"]


def test_a_key_in_that_fails_has_its_name_in_all_three_as_well(tmp_path: Path) -> None:
    with household(tmp_path) as house:
        assert house.keyin("login", "-", key="nobody-has-this-key").returncode != 0
        assert len(_shared(house)) == 1


def test_an_id_that_could_forge_a_line_is_replaced(tmp_path: Path) -> None:
    with household(tmp_path) as house:
        for given in ("short", "x" * 65, "a b c d e f g h", "<script>alert(1)</script>"):
            reply = house.ask_cloud("GET", "/health", headers={"X-Request-Id": given})
            assert reply.headers["x-request-id"] != given
            assert given not in house.cloud.output
