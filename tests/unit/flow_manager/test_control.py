"""The control socket's ops over a real Unix socket."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from keyin.domain.errors import CloudUnreachable, Refused
from keyin.remote.ipc_client import IpcClient
from keyin.wire.session import ERRORS, SERVICE, Login, Logout, request_of
from tests.fakes.flow_manager import Played, running

if TYPE_CHECKING:
    from collections.abc import Awaitable


async def client_of(played: Played) -> IpcClient:
    path = Path(played.manager.listeners[0].removeprefix("unix:"))
    return await IpcClient.connect(path, service=SERVICE, expect_uid=None)


async def code_of(asked: Awaitable[Any]) -> str:
    with pytest.raises(Refused) as caught:
        await asked
    assert caught.value.code in ERRORS
    return caught.value.code


async def test_login_status_logout(tmp_path: Path) -> None:
    async with running(tmp_path) as played:
        client = await client_of(played)
        login = await client.request("login", gpii_key="alice", request_id="request-1234")
        assert (login["answer"], login["settings"]) == ("login", 1)
        assert ("token", "request-1234") in played.neighbours.asked
        status = await client.request("status")
        assert status["keyed_in"] is True
        assert "alice" not in str(status)
        assert await code_of(client.request("logout", gpii_key="bob")) == "other_active"
        assert (await client.request("logout"))["answer"] == "logout"
        assert await code_of(client.request("logout")) == "nobody_active"
        assert (await client.request("login", gpii_key="reset"))["answer"] == "reset"
        await client.close()


async def test_failures_have_a_code_each(tmp_path: Path) -> None:
    async with running(tmp_path) as played:
        client = await client_of(played)
        refused: Any = played.neighbours.refused
        refused["a"] = Refused("key_refused", "no")
        refused["b"] = CloudUnreachable("no")
        refused["c"] = Refused("a code of nobody's", "no")
        codes = [await code_of(client.request("login", gpii_key=key)) for key in "abc"]
        assert codes == ["key_refused", "cloud_unreachable", "internal"]
        await client.close()


@pytest.mark.parametrize(
    "fields",
    [
        {"op": "login"},
        {"op": "login", "gpii_key": ""},
        {"op": "login", "gpii_key": "x" * 1025},
        {"op": "login", "gpii_key": 5},
        {"op": "login", "gpii_key": "x", "dry_run": "yes"},
        {"op": "login", "gpii_key": "x", "path": "/etc/passwd"},
        {"op": "login", "gpii_key": "x", "request_id": "short"},
        {"op": "shutdown"},
    ],
)
async def test_odd_requests_are_refused(fields: dict[str, Any], tmp_path: Path) -> None:
    async with running(tmp_path) as played:
        client = await client_of(played)
        fields = dict(fields)
        assert await code_of(client.request(fields.pop("op"), **fields)) == "bad_request"
        assert played.neighbours.asked == []
        await client.close()


async def test_the_event_loop_answers_while_a_login_is_at_work(tmp_path: Path) -> None:
    async with running(tmp_path) as played:
        played.neighbours.slow["slow"] = 1000
        client = await client_of(played)
        login = asyncio.create_task(client.request("login", gpii_key="slow"))
        async with asyncio.timeout(10):
            while not (status := await client.request("status"))["busy"]:
                pass  # the login is on its way
        assert status["keyed_in"] is False
        preview = await client.request("login", gpii_key="other", dry_run=True)
        assert len(preview["differences"]) == 1
        played.clock.time += 2000
        assert (await login)["answer"] == "login"
        await client.close()


def test_a_request_does_not_show_its_key() -> None:
    made = request_of({"v": 1, "id": "1", "op": "login", "gpii_key": "alice"})
    assert isinstance(made, Login)
    assert "alice" not in repr(made)
    out = request_of({"v": 1, "id": "1", "op": "logout", "gpii_key": "alice"})
    assert isinstance(out, Logout)
    assert "alice" not in repr(out)
