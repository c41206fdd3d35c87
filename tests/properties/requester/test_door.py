"""Who gets in, how much they may ask, and what an access requester refuses to start with."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from keyin.domain.errors import RequesterUnreachable
from keyin.remote.access_requester import RequesterClient
from tests.fakes.cloud import FakeCloud, running_cloud
from tests.properties.requester.place import (
    CREDENTIAL,
    NOBODY,
    Place,
    ask_as,
    ask_at,
    needs_other_account,
    new_place,
    wait_for,
)
from tests.started import run

if TYPE_CHECKING:
    from collections.abc import Iterator

TOKEN = {"v": 1, "id": "1", "op": "token", "gpii_key": "alice-key"}
_LISTENING = "0A"


@pytest.fixture
def cloud() -> Iterator[FakeCloud]:
    with running_cloud() as one:
        yield one


@pytest.fixture
def place(cloud: FakeCloud) -> Iterator[Place]:
    with new_place(cloud.url) as one:
        yield one


def refused_start(place: Place, **kwargs: str) -> str:
    outcome = run("requester", "serve", "--config", place.config(**kwargs))  # type: ignore[arg-type]  # texts only here
    assert outcome.returncode == 3
    assert "Next step: " in outcome.stderr
    assert CREDENTIAL["client_secret"] not in outcome.stderr
    return outcome.stderr


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660, 0o620, 0o700])
def test_p61_a_credential_that_others_can_read_or_change_is_refused(
    place: Place, mode: int
) -> None:
    place.write_credential(mode=mode)
    assert f"{mode:04o}" in refused_start(place)


def test_p61_a_link_a_folder_or_nonsense_is_no_credential(place: Place) -> None:
    place.credential.rename(place.folder / "elsewhere")
    place.credential.symlink_to(place.folder / "elsewhere")
    refused_start(place)
    place.credential.unlink()
    place.credential.mkdir(mode=0o700)
    refused_start(place)
    place.credential.rmdir()
    no_id, more = {**CREDENTIAL, "client_id": ""}, {**CREDENTIAL, "more": "1"}
    for nonsense in (["x"], {"client_id": "a"}, no_id, more):
        place.write_credential(nonsense)
        refused_start(place)


def test_p61_a_folder_that_others_can_write_is_refused(place: Place) -> None:
    folder = place.folder / "open"
    folder.mkdir()
    place.credential.rename(folder / "credential.json")
    folder.chmod(0o777)
    config = place.config()
    config.write_text(config.read_text().replace("'credential.json'", "'open/credential.json'"))
    outcome = run("requester", "serve", "--config", config)
    assert outcome.returncode == 3
    assert "0777" in outcome.stderr


@needs_other_account
def test_p61_another_accounts_credential_is_refused(place: Place) -> None:
    os.chown(place.credential, NOBODY, NOBODY)
    assert f"uid {NOBODY}" in refused_start(place)


@pytest.mark.parametrize(
    "credential",
    [
        {"client_id": "pilot-computer", "client_secret": "another"},
        {"client_id": "another", "client_secret": "pilot-computer-secret"},
        {"client_id": "nova-computer", "client_secret": "nova-computer-secret"},
    ],
)
def test_o13_published_credentials_are_for_loopback_only(
    place: Place, cloud: FakeCloud, credential: dict[str, str]
) -> None:
    place.write_credential(credential)
    cloud.credentials = {credential["client_id"]: credential["client_secret"]}
    with place.serving():
        assert place.ask("token", gpii_key="alice-key")["ok"]
    place.cloud = "https://cloud.example"
    assert "published" in refused_start(place)


@needs_other_account
def test_p62_another_account_gets_not_one_byte(place: Place, cloud: FakeCloud) -> None:
    with place.serving(allow=[os.geteuid(), 12_345]) as process:
        said = ask_as(NOBODY, place.folder, str(place.socket), TOKEN)
        assert said == {"uid": NOBODY, "bytes": 0, "last": ""}
        assert f'"uid":{NOBODY}' in process.output
        assert place.ask("token", gpii_key="alice-key")["ok"]
    assert cloud.grants == 1


@needs_other_account
def test_p62_root_is_an_account_like_any_other(place: Place) -> None:
    with place.serving(allow=["user:nobody"]):
        assert ask_at(place.socket, TOKEN) == {}
        said = ask_as(NOBODY, place.folder, str(place.socket), TOKEN)
        assert json.loads(said["last"])["ok"] is True


@needs_other_account
def test_p62_an_account_gets_in_by_its_group(place: Place) -> None:
    with place.serving(allow=["group:nogroup"]):
        assert ask_at(place.socket, TOKEN) == {}
        said = ask_as(NOBODY, place.folder, str(place.socket), TOKEN)
        assert json.loads(said["last"])["ok"] is True


@needs_other_account
def test_one_accounts_tokens_are_never_given_to_another(place: Place, cloud: FakeCloud) -> None:
    with place.serving(allow=[0, NOBODY]):
        mine = ask_at(place.socket, TOKEN)
        theirs = json.loads(ask_as(NOBODY, place.folder, str(place.socket), TOKEN)["last"])
        assert mine["access_token"] != theirs["access_token"]
        assert place.ask("forget")["forgotten"] == 1  # mine alone
        ask_as(NOBODY, place.folder, str(place.socket), TOKEN)
    assert cloud.grants == 2


def test_p62_an_empty_allow_list_allows_nobody(place: Place, cloud: FakeCloud) -> None:
    with place.serving(allow=[]):
        assert ask_at(place.socket, TOKEN) == {}
    assert cloud.requests == []


def test_p63_the_process_listens_on_no_tcp_port(place: Place) -> None:
    with place.serving() as process:
        place.ask("token", gpii_key="alice-key")
        assert tcp_listeners(process.process.pid) == []
    assert tcp_listeners(os.getpid()), "the cloud, in this process, would have been seen"


def tcp_listeners(pid: int) -> list[str]:
    """Return the listening TCP sockets among the file descriptors of a process."""
    inodes = set()
    try:
        for fd in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(FileNotFoundError):  # closed since it was listed
                inodes.add(str(fd.readlink()).removeprefix("socket:[").removesuffix("]"))
    except PermissionError:
        pytest.skip("only root sees the descriptors of a process that is not dumpable")
    rows = [
        line.split()
        for table in ("tcp", "tcp6")
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]
    ]
    return [row[1] for row in rows if row[3] == _LISTENING and row[9] in inodes]


def test_p64_a_foreign_thing_at_the_socket_is_left_alone(place: Place) -> None:
    place.socket.write_text("precious")
    assert "left alone" in refused_start(place)
    assert place.socket.read_text() == "precious"
    place.socket.unlink()
    place.folder.chmod(0o777)
    place.credential.chmod(0o600)
    config = place.config()
    outcome = run("requester", "serve", "--config", config)
    assert outcome.returncode == 3
    place.folder.chmod(0o755)


@needs_other_account
async def test_p64_the_client_says_nothing_to_another_accounts_server(place: Place) -> None:
    with place.serving():
        shutil.chown(place.folder, NOBODY)
        with pytest.raises(RequesterUnreachable, match="unexpected account"):
            await RequesterClient.at(place.socket).status()
        status = await RequesterClient.at(place.socket, expect_uid=os.geteuid()).status()
        assert status.cloud == place.cloud
    place.folder.chmod(0o777)
    with pytest.raises(RequesterUnreachable, match="anyone could serve"):
        await RequesterClient.at(place.socket).status()
    place.folder.chmod(0o755)


def test_p65_callers_are_counted_and_told_when_to_come_back(place: Place) -> None:
    with place.serving(more="[limits]\nburst = 3\nrequests_per_minute = 6\n"):
        answers = [place.ask("status") for _ in range(5)]
        assert [one["ok"] for one in answers] == [True] * 3 + [False] * 2
        assert answers[-1]["error"] == "rate_limited"
        assert 1 <= answers[-1]["fields"]["retry_after"] <= 10


def test_p65_long_idle_and_many_connections_are_closed(place: Place) -> None:
    more = "[limits]\nidle_seconds = 1\nconnections_per_caller = 2\n"
    with place.serving(more=more):
        key = {**TOKEN, "gpii_key": "x" * 1025}
        assert ask_at(place.socket, key)["error"] == "bad_request"
        idle = [socket.socket(socket.AF_UNIX) for _ in range(2)]
        for sock in idle:
            sock.settimeout(20)
            sock.connect(str(place.socket))
        wait_for(lambda: ask_at(place.socket, TOKEN) == {})
        for sock in idle:
            while sock.recv(100):
                pass
            sock.close()
        assert ask_at(place.socket, TOKEN)["ok"]


def test_p69_the_process_leaves_no_core_and_lets_nobody_look_in(place: Place) -> None:
    with place.serving() as process:
        proc = Path(f"/proc/{process.process.pid}")
        limits = (proc / "limits").read_text()
        core = next(line for line in limits.splitlines() if line.startswith("Max core"))
        assert core.split()[4:6] == ["0", "0"]
        status = dict(
            line.split(":", 1) for line in (proc / "status").read_text().splitlines() if ":" in line
        )
        assert status["Umask"].strip() == "0077"
        if os.geteuid() == 0 and "memory_lock" not in process.output:
            assert int(status["VmLck"].split()[0]) > 0


def test_p69_not_even_its_own_account_may_look_into_its_memory() -> None:
    code = (
        "import ctypes, keyin.access_requester.hardening as h; h.harden();"
        "print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))"  # PR_GET_DUMPABLE
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == "0\n"


@pytest.mark.parametrize(
    ("more", "word"),
    [
        ("colour = 1\n", "colour"),
        ("[limits]\nburst = 0\n", "burst"),
        ("[limits]\nmore = 1\n", "more"),
        ("verify = false\n", "verify"),
        ("client_secret = 'x'\n", "client_secret"),
        ("transport = 'tcp'\n", "tcp"),
        ("transport = 'supervise'\n", "flow_manager"),
        ("transport = 'inherited'\n", "inherit-fd"),
        ("transport = 'unsafe-loopback-http'\n", "unsafe-loopback-http"),
        ("[broken", "wrong"),
    ],
)
def test_an_unknown_key_or_value_is_refused_by_name(place: Place, more: str, word: str) -> None:
    assert word in refused_start(place, more=more)


def test_an_allow_entry_that_names_nobody_is_refused(place: Place) -> None:
    for entry in ("user:no-such-account", "group:no-such-group", "everyone", "root", -1):
        outcome = run("requester", "serve", "--config", place.config(allow=[entry]))
        assert outcome.returncode == 3
        assert str(entry) in outcome.stderr


def test_p67_a_configuration_that_others_can_change_is_refused(place: Place) -> None:
    config = place.config()
    config.chmod(0o666)
    outcome = run("requester", "serve", "--config", config)
    assert outcome.returncode == 3
    assert "can change" in outcome.stderr


def test_loopback_http_needs_its_transport_its_section_its_flag_and_its_token(
    place: Place, cloud: FakeCloud
) -> None:
    section = '[unsafe_loopback_http]\nlisten = "{}"\ntoken_file = "token"\n'
    chosen = 'transport = "unsafe-loopback-http"\n'
    flag = "--unsafe-loopback-http"
    for more, flags in (
        (section.format("127.0.0.1:0"), [flag]),
        (chosen + section.format("127.0.0.1:0"), []),
        (chosen, [flag]),
        (chosen + section.format("0.0.0.0:0"), [flag]),
        (chosen + section.format("localhost:0"), [flag]),
    ):
        outcome = run("requester", "serve", "--config", place.config(more=more), *flags)
        assert outcome.returncode == 3, more
    with place.serving(flag, more=chosen + section.format("127.0.0.1:0")) as process:
        token_file = place.folder / "token"
        assert token_file.stat().st_mode & 0o777 == 0o600
        right = {"Authorization": f"Bearer {token_file.read_text()}"}
        url = process.url + "/access-token"
        body = {"gpii_key": "alice-key"}
        with httpx.Client(trust_env=False) as client:
            assert client.post(url, json=body).status_code == 401
            assert client.post(url, json=body, headers={"Authorization": "Bearer x"}).is_error
            assert client.post(url, json=body, headers={**right, "Origin": "null"}).is_error
            assert client.post(url, json=body, headers={**right, "Host": "evil.example"}).is_error
            assert client.get(url, headers=right).status_code == 404
            assert client.post(url, content=b"[", headers=right).status_code == 400
            assert cloud.requests == []
            answer = client.post(url, json=body, headers=right)
            assert (answer.status_code, answer.json()["ok"]) == (200, True)
        assert "unsafe" in process.output
    assert not token_file.exists()
