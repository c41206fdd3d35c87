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


def _routes(house: Household, ids: set[str]) -> list[str]:
    """Return what the cloud was asked under these names, in order."""
    return [line["route"] for line in _lines(house.cloud) if line.get("request_id") in ids]


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
        over_the_socket = _shared(house)
        assert len(over_the_socket) == 1
        assert house.keyin("logout").returncode == 0
        of_the_key_out = _shared(house, but=over_the_socket)
        assert len(of_the_key_out) == 1
        assert _routes(house, of_the_key_out) == ["/oauth2/revoke"]
        login = send(house.flow_manager.url, "GET", f"/user/{house.marks.key}/login")
        assert login.status == 200
        over_http = _shared(house, but=over_the_socket | of_the_key_out)
        assert len(over_http) == 1
        assert _routes(house, over_the_socket) == [
            "/.well-known/oauth-authorization-server",
            "/oauth2/token",
            "/oauth2/token",  # with the nonce
            "/settings/query",
            "/solutions/{digest}",
        ]
        # what was learned at the first key-in is known at the second
        assert _routes(house, over_http) == ["/oauth2/token", "/settings/query"]


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
