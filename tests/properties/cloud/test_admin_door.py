"""The administrator's socket of a started cloud: whose it is, what it bears, who may squat."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from keyin.wire.admin import SERVICE, SOCKET
from keyin.wire.frames import frame
from tests.cloud_documents import everything
from tests.cloud_process import import_documents, serving
from tests.oauth_client import ISSUER, registered
from tests.properties.requester.place import ask_as
from tests.started import run

if TYPE_CHECKING:
    from collections.abc import Iterator


NOBODY = 65534
HELLO = {"v": 1, "service": SERVICE}
LISTEN = """
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.bind(sys.argv[1])
s.listen()
print("up", flush=True)
c, _ = s.accept()
c.settimeout(5)
print(len(c.recv(99)), flush=True)
"""
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="becoming another account needs root")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    import_documents(folder, everything())
    return folder


@pytest.fixture
def open_place() -> Iterator[Path]:
    """Make a folder that every account can reach, with everything in `data`."""
    folder = Path(tempfile.mkdtemp(prefix="keyin-"))
    try:
        folder.chmod(0o755)
        import_documents(folder / "data", everything())
        yield folder
    finally:
        shutil.rmtree(folder)


@contextmanager
def talking(data: Path) -> Iterator[socket.socket]:
    """Connect to the door, as an administrator's program does."""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(10)
        directory = os.open(data, os.O_PATH)
        sock.connect(f"/proc/self/fd/{directory}/{SOCKET}")
        os.close(directory)
        yield sock


def received(sock: socket.socket) -> Any:
    """Return the next message; None where the other end hung up."""
    head = sock.recv(2)
    if len(head) < 2:
        return None
    body = b""
    while len(body) < int.from_bytes(head, "big"):
        body += sock.recv(65_536)
    return json.loads(body)


def told(sock: socket.socket, message: object) -> Any:
    sock.sendall(frame(json.dumps(message).encode()))
    return received(sock)


def clients(data: Path) -> list[Any]:
    done = run("client", "list", "--data", data, "--json")
    assert done.returncode == 0, done.stderr
    listed: list[Any] = json.loads(done.stdout)["clients"]
    return listed


def test_p62_the_socket_is_its_accounts_alone_and_goes_with_the_cloud(data: Path) -> None:
    with serving(data):
        status = (data / SOCKET).lstat()
        assert stat.S_ISSOCK(status.st_mode)
        assert stat.S_IMODE(status.st_mode) == 0o600
        assert clients(data)
    assert not (data / SOCKET).exists()
    assert clients(data)


@needs_root
def test_p62_another_account_gets_not_one_byte(open_place: Path) -> None:
    """Also where the directory and the socket were opened to it by mistake."""
    data, place = open_place / "data", open_place / "place"
    with serving(data):
        data.chmod(0o755)
        (data / SOCKET).chmod(0o666)
        place.mkdir(mode=0o755)
        ask = {"v": 1, "id": "1", "op": "client.list"}
        said = ask_as(NOBODY, place, str(data / SOCKET), HELLO, ask)
    assert (said["uid"], said["bytes"]) == (NOBODY, 0)


@needs_root
def test_p64_who_squats_on_the_name_is_told_nothing(open_place: Path) -> None:
    """Another account listens where the cloud would: it hears no op, and no token in one."""
    data, squat = open_place / "data", open_place / "squat"
    squat.mkdir(mode=0o755)
    os.chown(squat, NOBODY, NOBODY)
    with subprocess.Popen(
        ["/usr/bin/python3", "-I", "-c", LISTEN, squat / "s"],
        user=NOBODY, group=NOBODY, extra_groups=[], cwd="/", env={}, text=True,
        stdout=subprocess.PIPE,
    ) as squatter:  # fmt: skip
        assert squatter.stdout is not None
        assert squatter.stdout.readline() == "up\n"
        (squat / "s").rename(data / SOCKET)
        with held(data):
            done = run("token", "revoke", "--data", data, stdin="at_canary")
        assert done.returncode == 3, done.stderr
        assert "another keyin process" in done.stderr
        assert squatter.stdout.readline() == "0\n"


@contextmanager
def held(data: Path) -> Iterator[None]:
    """Hold the store's lock in a process that is no cloud."""
    script = (
        "import sys; from pathlib import Path; from keyin.stores.opening import open_data;"
        "o = open_data(Path(sys.argv[1]), None, exclusive=True); print('up', flush=True);"
        "sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, data],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdin is not None
        assert holder.stdout.readline() == "up\n"
        yield
        holder.stdin.close()


def test_while_an_import_has_the_store_the_verb_says_so(data: Path) -> None:
    with held(data):
        done = run("client", "list", "--data", data)
    assert done.returncode == 3
    assert "another keyin process has the store" in done.stderr


def test_after_a_crash_the_dead_socket_is_in_nobodys_way(data: Path) -> None:
    with serving(data) as cloud:
        cloud.process.process.send_signal(signal.SIGKILL)
        cloud.process.process.wait(10)
    assert (data / SOCKET).exists()
    assert clients(data)
    with serving(data, "--issuer", ISSUER) as again:
        assert registered(data).client_id
        assert again.request("GET", "/ready").status == 200
    assert not (data / SOCKET).exists()


@pytest.mark.parametrize("kind", ["link", "file", "directory"])
def test_p64_what_stands_in_the_way_is_left_alone(tmp_path: Path, data: Path, kind: str) -> None:
    elsewhere = tmp_path / "elsewhere"
    if kind == "link":
        (data / SOCKET).symlink_to(elsewhere)
    elif kind == "file":
        (data / SOCKET).write_text("mine")
    else:
        (data / SOCKET).mkdir()
    done = run("cloud", "serve", "--data", data, "--listen", "127.0.0.1:0")
    assert done.returncode == 3
    assert "it is left alone" in done.stderr
    assert (data / SOCKET).lstat()
    assert not elsewhere.exists()


def test_p64_a_data_directory_that_others_can_write_is_refused(data: Path) -> None:
    data.chmod(0o777)
    done = run("cloud", "serve", "--data", data, "--listen", "127.0.0.1:0")
    assert done.returncode == 3
    assert "other accounts can write the directory" in done.stderr


BAD = [
    {"v": 1, "id": "1", "op": "client.list", "sql": "DROP TABLE clients"},
    {"v": 1, "id": "1", "op": "store.drop"},
    {"v": 1, "id": "1", "op": "client.suspend"},
    {"v": 1, "id": "1", "op": "client.suspend", "client": ["free"]},
    {"v": 1, "id": "1", "op": "client.list", "most": 10**9},
    {"v": 2, "id": "1", "op": "client.list"},
    {"v": 1, "id": "1", "op": ["client.list"]},
    {"id": "1"},
]


def test_p80_what_is_no_op_is_refused_and_the_door_stays_open(data: Path) -> None:
    with serving(data) as cloud:
        with talking(data) as sock:
            assert told(sock, HELLO) == HELLO
            for message in BAD:
                reply = told(sock, message)
                assert (reply["ok"], reply["error"]) == (False, "bad_request"), message
            assert told(sock, {"v": 1, "id": "9", "op": "client.list"})["ok"]
        for noise in (b"\xff\xff" + b"x" * 65_535, b"\0\0", b"GET / HTTP/1.1\r\n\r\n"):
            with talking(data) as sock:
                sock.sendall(noise)
                assert received(sock) in (HELLO, None)
        assert clients(data)
        assert cloud.request("GET", "/ready").status == 200


def test_p65_connections_are_bounded_and_given_back(data: Path) -> None:
    with serving(data):
        many = [talking(data) for _ in range(8)]
        open_ = [one.__enter__() for one in many]
        assert all(told(sock, HELLO) == HELLO for sock in open_)
        with talking(data) as ninth:
            assert received(ninth) is None
        for one in many:
            one.__exit__(None, None, None)
        assert clients(data)


def test_a_very_long_path_is_no_reason_to_be_without_a_door(tmp_path: Path, data: Path) -> None:
    far = tmp_path / ("far-" * 40) / "data"
    far.parent.mkdir()
    shutil.copytree(data, far)
    with serving(far):
        assert clients(far)


def test_p91_no_token_of_an_op_stands_in_a_log_or_an_argument(data: Path) -> None:
    with serving(data) as cloud:
        done = run("token", "revoke", "--data", data, stdin="at_canary_of_an_op\n")
        assert done.returncode == 5
        assert "canary" not in cloud.process.output + done.stdout + done.stderr
    refused = run("token", "revoke", "at_canary_of_an_op", "--data", data)
    assert refused.returncode == 2
    assert "canary" not in refused.stdout + refused.stderr
