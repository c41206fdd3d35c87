"""The local socket: frames, hellos, who may ask, limits, and a clean end."""

from __future__ import annotations

import asyncio
import os
import socket
import stat
from typing import TYPE_CHECKING

import pytest

from keyin.domain.errors import ConfigurationError, Refused, RequesterUnreachable
from keyin.remote.byte_ends import memory_pair
from keyin.remote.ipc import IpcClient, IpcServer, Limits, Message, Peer, serve_unix
from keyin.wire.frames import frame

if TYPE_CHECKING:
    from pathlib import Path

SERVICE = "keyin-test"
ME = Peer(pid=os.getpid(), uid=os.geteuid(), gid=os.getegid())


async def echo(peer: Peer, request: Message) -> Message:
    if request["op"] == "refuse":
        raise Refused("key_refused", "no %(what)s", next_step="try %(what)s", what="luck")
    if request["op"] == "crash":
        raise ZeroDivisionError
    if request["op"] == "wait":
        await asyncio.sleep(request["seconds"])
    if request["op"] == "much":
        return {"ok": True, "much": "x" * 70_000}
    return {"ok": True, "uid": peer.uid, "said": request.get("said")}


def anyone(_: Peer) -> bool:
    return True


def place(folder: Path) -> Path:
    folder.chmod(0o755)
    return folder / "s.sock"


async def connect(path: Path, timeout: float = 5.0) -> IpcClient:  # noqa: ASYNC109 - handed on
    return await IpcClient.connect(path, service=SERVICE, expect_uid=os.geteuid(), timeout=timeout)


async def test_request_and_reply_over_a_unix_socket(tmp_path: Path) -> None:
    path = place(tmp_path)
    server = await serve_unix(path, service=SERVICE, allow=anyone, handle=echo)
    assert stat.S_IMODE(path.lstat().st_mode) == 0o600
    client = await connect(path)
    slow = asyncio.create_task(client.request("wait", seconds=0.2))
    answer = await client.request("echo", said="hello", absent=None)
    assert (answer["said"], answer["uid"]) == ("hello", os.geteuid())
    assert not slow.done()  # replies come in any order
    await slow
    await client.close()
    await server.close()
    assert not path.exists()


async def test_same_code_over_memory_and_over_an_inherited_pair() -> None:
    server = IpcServer(service=SERVICE, allow=anyone, handle=echo)
    here, there = memory_pair()
    server.attach(there, ME)
    client = await IpcClient.over(here, service=SERVICE)
    assert (await client.request("echo", said=1))["said"] == 1
    await client.close()
    mine, theirs = socket.socketpair()
    await server.adopt(theirs, Peer(1, 4242, 1))
    from keyin.remote.byte_ends import StreamEnd  # noqa: PLC0415 - only this test builds an end

    streams = await asyncio.open_unix_connection(sock=mine)
    client = await IpcClient.over(StreamEnd(*streams), service=SERVICE)
    assert (await client.request("echo"))["uid"] == 4242
    await client.close()
    await server.close()


async def test_refusals_and_crashes_are_told_by_code(tmp_path: Path) -> None:
    path = place(tmp_path)
    server = await serve_unix(path, service=SERVICE, allow=anyone, handle=echo)
    client = await connect(path)
    with pytest.raises(Refused, match="no luck") as refused:
        await client.request("refuse")
    assert (refused.value.code, refused.value.next_step) == ("key_refused", "try %(what)s")
    for op in ("crash", "much"):
        with pytest.raises(Refused) as internal:
            await client.request(op)
        assert internal.value.code == "internal"
    assert (await client.request("echo"))["ok"] is True
    await client.close()
    await server.close()


async def test_p62_a_caller_turned_away_gets_not_one_byte(tmp_path: Path) -> None:
    path = place(tmp_path)
    server = await serve_unix(path, service=SERVICE, allow=lambda _: False, handle=echo)
    reader, writer = await asyncio.open_unix_connection(path)
    assert await reader.read() == b""
    writer.close()
    with pytest.raises(RequesterUnreachable):
        await connect(path)
    await server.close()


async def test_a_caller_who_may_no_longer_ask_is_refused_mid_connection(tmp_path: Path) -> None:
    allowed = [True]
    path = place(tmp_path)
    server = await serve_unix(path, service=SERVICE, allow=lambda _: allowed[0], handle=echo)
    client = await connect(path)
    allowed[0] = False
    with pytest.raises(Refused) as refused:
        await client.request("echo")
    assert refused.value.code == "not_allowed"
    await client.close()
    await server.close()


async def test_p64_the_client_says_nothing_to_a_server_of_another_account(tmp_path: Path) -> None:
    path = place(tmp_path)
    heard: list[bytes] = []

    async def squat(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.read())
        writer.close()

    squatter = await asyncio.start_unix_server(squat, path)
    with pytest.raises(RequesterUnreachable, match="unexpected account"):
        await IpcClient.connect(path, service=SERVICE, expect_uid=os.geteuid() + 1)
    squatter.close()
    await squatter.wait_closed()
    assert heard in ([], [b""])


async def test_p64_foreign_things_at_the_path_are_left_alone(tmp_path: Path) -> None:
    path = place(tmp_path)
    path.write_text("precious")
    with pytest.raises(ConfigurationError, match="left alone"):
        await serve_unix(path, service=SERVICE, allow=anyone, handle=echo)
    assert path.read_text() == "precious"
    path.unlink()
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ConfigurationError, match="left alone"):
        await serve_unix(path, service=SERVICE, allow=anyone, handle=echo)


async def test_p64_a_directory_that_others_can_write_is_refused(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    for mode in (0o777, 0o1777, 0o775):
        shared.chmod(mode)
        with pytest.raises(ConfigurationError, match="can write"):
            await serve_unix(shared / "s", service=SERVICE, allow=anyone, handle=echo)
    with pytest.raises(ConfigurationError, match="cannot be used"):
        await serve_unix(tmp_path / "no" / "s", service=SERVICE, allow=anyone, handle=echo)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory away")
async def test_p64_a_directory_of_another_account_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    os.chown(other, 65534, 65534)
    with pytest.raises(ConfigurationError, match="another account"):
        await serve_unix(other / "s", service=SERVICE, allow=anyone, handle=echo)


async def test_a_dead_socket_is_replaced_and_a_live_one_is_not(tmp_path: Path) -> None:
    path = place(tmp_path)
    dead = socket.socket(socket.AF_UNIX)
    dead.bind(str(path))
    dead.close()
    server = await serve_unix(path, service=SERVICE, allow=anyone, handle=echo)
    with pytest.raises(ConfigurationError, match="already listens"):
        await serve_unix(path, service=SERVICE, allow=anyone, handle=echo)
    await (await connect(path)).close()
    await server.close()


async def test_p65_connections_are_limited_per_caller_and_idle_ones_closed(tmp_path: Path) -> None:
    path = place(tmp_path)
    limits = Limits(connections_per_uid=2, idle_seconds=0.1, hello_seconds=0.1)
    server = await serve_unix(path, service=SERVICE, allow=anyone, handle=echo, limits=limits)
    first, second = await connect(path), await connect(path)
    with pytest.raises(RequesterUnreachable):
        await connect(path)
    assert (await first.request("wait", seconds=0.3))["ok"]  # at work is not idle
    with pytest.raises(RequesterUnreachable):
        await second.request("echo")
    reader, writer = await asyncio.open_unix_connection(path)
    assert len(await reader.read()) > 2  # its hello, then the end: we never greeted
    writer.close()
    await (await connect(path)).close()
    for client in (first, second):
        await client.close()
    await server.close()


@pytest.mark.parametrize(
    "junk",
    [
        b"\0\0",
        b"\xff\xff" + b"[" * 65_535,
        frame(b"[]"),
        frame(b'{"v":2}'),
        b"GET / HTTP/1.1\r\n\r\n",
    ],
)
async def test_junk_ends_that_connection_only(tmp_path: Path, junk: bytes) -> None:
    path = place(tmp_path)
    limits = Limits(hello_seconds=0.3)
    server = await serve_unix(path, service=SERVICE, allow=anyone, handle=echo, limits=limits)
    reader, writer = await asyncio.open_unix_connection(path)
    writer.write(junk)
    await asyncio.wait_for(reader.read(), 2)
    writer.close()
    client = await connect(path)
    assert (await client.request("echo"))["ok"]
    await client.close()
    await server.close()


async def test_requests_without_id_or_op_are_bad_requests() -> None:
    server = IpcServer(service=SERVICE, allow=anyone, handle=echo)
    here, there = memory_pair()
    server.attach(there, ME)
    client = await IpcClient.over(here, service=SERVICE)
    for op in ("", "x" * 65):
        with pytest.raises(Refused) as refused:
            await client.request(op)
        assert refused.value.code == "bad_request"
    await client.close()
    await server.close()


async def test_a_server_that_dies_while_asked_is_unreachable(tmp_path: Path) -> None:
    path = place(tmp_path)
    limits = Limits(grace_seconds=0)
    server = await serve_unix(path, service=SERVICE, allow=anyone, handle=echo, limits=limits)
    client = await connect(path)
    asking = asyncio.create_task(client.request("wait", seconds=30))
    await asyncio.sleep(0.05)
    await server.close()
    with pytest.raises(RequesterUnreachable):
        await asking
    with pytest.raises(RequesterUnreachable):
        await client.request("echo")
    await client.close()
    with pytest.raises(RequesterUnreachable):
        await connect(path, timeout=1)
