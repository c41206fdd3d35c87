"""The original's HTTP endpoints: recorded scripts, played over real loopback TCP."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from keyin.domain.errors import Refused
from tests.fakes.flow_manager import CLOUD, Neighbours, Played, running
from tests.local_cases import alike, cases
from tests.shared_data import needs_shared

if TYPE_CHECKING:
    from pathlib import Path

NOT_APPLICABLE = {
    "http-cloud-error": "the access requester's errors are a closed list: no foreign text passes",
    "http-suppressed": "off by default means that nothing listens",
}
OURS = {
    "http-same-key-twice": {
        "status": 200,
        "body": "User with GPII key slow was successfully logged in.",
    },
}
"""Where the original fails by accident (§12 #7)."""


@needs_shared
@pytest.mark.parametrize("case", cases("http-script"))
async def test_recorded_http_script(case: dict[str, Any], tmp_path: Path) -> None:
    if case["id"] in NOT_APPLICABLE:
        pytest.skip(NOT_APPLICABLE[case["id"]])
    neighbours = Neighbours(
        slow=case["given"].get("slowKeys", {}), refused={"nokey": Refused("key_refused", "no")}
    )
    async with (
        running(tmp_path, neighbours) as played,
        httpx.AsyncClient(base_url=played.manager.listeners[-1]) as client,
    ):
        await _play(case, played, client)


async def _play(case: dict[str, Any], played: Played, client: httpx.AsyncClient) -> None:
    background: list[asyncio.Task[None]] = []
    for step in case["steps"]:
        if "get" in step:
            await _check(client, step["get"], step["expect"])
        elif "background" in step:
            expected = OURS.get(case["id"], step["expect"])
            background.append(asyncio.create_task(_check(client, step["background"], expected)))
        elif "waitMs" in step:
            await asyncio.sleep(0.1)  # what was sent before has arrived
            played.clock.time += step["waitMs"]
        elif "join" in step:
            await asyncio.sleep(0.1)
            played.clock.time += 5000
            await asyncio.gather(*background)
        else:
            assert played.manager.desk.active().reveal() == step["expectActive"]
    await asyncio.sleep(0.05)
    played.clock.time += 5000
    await asyncio.gather(*background)


async def _check(client: httpx.AsyncClient, path: str, expected: dict[str, Any]) -> None:
    answer = await client.get(path)
    assert answer.status_code == expected["status"], answer.text
    if "body" in expected:
        assert answer.text == expected["body"]
        assert answer.headers["content-type"].startswith("text/html")
    if "json" in expected:
        wanted = dict(expected["json"])
        wanted["message"] = wanted["message"].replace("{cloud}", CLOUD)
        made = answer.json()
        assert alike({name: made.get(name) for name in wanted}, wanted), made
