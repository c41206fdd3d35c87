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
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from keyin.domain.errors import RequesterUnreachable
from keyin.remote.access_requester import RequesterClient
from keyin.wire.signing_key import read_private
from tests.fakes.cloud import CREDENTIAL, PRIVATE, PRIVATE_JWK, FakeCloud, running_cloud
from tests.properties.requester.place import (
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
    assert PRIVATE not in outcome.stderr
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
    public = {name: value for name, value in PRIVATE_JWK.items() if name != "d"}
    keys = [public, {**PRIVATE_JWK, "d": "x"}, {**PRIVATE_JWK, "crv": "P-384"}, PRIVATE, None]
    others = [{**CREDENTIAL, "private_key": key} for key in keys]
    for nonsense in (["x"], {"client_id": "a"}, no_id, more, *others):
        place.write_credential(nonsense)
        refused_start(place)


def test_a_credential_of_the_time_before_key_pairs_is_told_what_to_do(place: Place) -> None:
    place.write_credential({"client_id": "library-7", "client_secret": PRIVATE})
    assert "keyin requester new-key" in refused_start(place)


def test_a_key_without_an_id_is_no_reason_not_to_start(place: Place, cloud: FakeCloud) -> None:
    place.write_credential({"private_key": PRIVATE_JWK})
    with place.serving():
        assert place.ask("status")["enrolled"] is False
        assert place.ask("token", gpii_key="alice-key")["error"] == "not_enrolled"
    assert cloud.paths == []


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


_EXAMPLE = {  # RFC 7517, A.2
    "kty": "EC",
    "crv": "P-256",
    "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
    "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
    "d": "870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE",
}


@pytest.mark.parametrize(
    "credential",
    [
        {"client_id": "pilot-computer", "private_key": PRIVATE_JWK},
        {"client_id": "another", "private_key": _EXAMPLE},
    ],
)
def test_o13_published_credentials_are_for_loopback_only(
    place: Place, cloud: FakeCloud, credential: dict[str, Any]
) -> None:
    place.write_credential(credential)
    public = read_private(json.dumps(credential["private_key"]).encode()).public
    cloud.clients = {credential["client_id"]: public}
    with place.serving():
        assert place.ask("token", gpii_key="alice-key")["ok"]
    place.cloud = "https://cloud.example"
    assert "published" in refused_start(place)


@needs_other_account
def test_p62_another_account_gets_not_one_byte(place: Place, cloud: FakeCloud) -> None:
    with place.serving(allow=[os.geteuid(), 12_345]) as process:
        said = ask_as(NOBODY, place.folder, str(place.socket), place.token_request())
        assert said == {"uid": NOBODY, "bytes": 0, "last": ""}
        assert f'"uid":{NOBODY}' in process.output
        assert place.ask("token", gpii_key="alice-key")["ok"]
    assert cloud.grants == 1


@needs_other_account
def test_p62_root_is_an_account_like_any_other(place: Place) -> None:
    with place.serving(allow=["user:nobody"]):
        assert ask_at(place.socket, place.token_request()) == {}
        said = ask_as(NOBODY, place.folder, str(place.socket), place.token_request())
        assert json.loads(said["last"])["ok"] is True


@needs_other_account
def test_p62_an_account_gets_in_by_its_group(place: Place) -> None:
    with place.serving(allow=["group:nogroup"]):
        assert ask_at(place.socket, place.token_request()) == {}
        said = ask_as(NOBODY, place.folder, str(place.socket), place.token_request())
        assert json.loads(said["last"])["ok"] is True


@needs_other_account
def test_one_accounts_tokens_are_never_given_to_another(place: Place, cloud: FakeCloud) -> None:
    with place.serving(allow=[0, NOBODY]):
        mine = ask_at(place.socket, place.token_request())
        theirs = json.loads(
            ask_as(NOBODY, place.folder, str(place.socket), place.token_request())["last"]
        )
        assert mine["access_token"] != theirs["access_token"]
        assert place.ask("forget")["forgotten"] == 1  # mine alone
        ask_as(NOBODY, place.folder, str(place.socket), place.token_request())
    assert cloud.grants == 2


def test_p62_an_empty_allow_list_allows_nobody(place: Place, cloud: FakeCloud) -> None:
    with place.serving(allow=[]):
        assert ask_at(place.socket, place.token_request()) == {}
    assert cloud.paths == []


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
        key = {**place.token_request(), "gpii_key": "x" * 1025}
        assert ask_at(place.socket, key)["error"] == "bad_request"
        idle = [socket.socket(socket.AF_UNIX) for _ in range(2)]
        for sock in idle:
            sock.settimeout(20)
            sock.connect(str(place.socket))
        wait_for(lambda: ask_at(place.socket, place.token_request()) == {})
        for sock in idle:
            while sock.recv(100):
                pass
            sock.close()
        assert ask_at(place.socket, place.token_request())["ok"]


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
        ("transport = 'tcp'\n", "`transport`"),
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
        body = place.token_request()
        with httpx.Client(trust_env=False) as client:
            assert client.post(url, json=body).status_code == 401
            assert client.post(url, json=body, headers={"Authorization": "Bearer x"}).is_error
            assert client.post(url, json=body, headers={**right, "Origin": "null"}).is_error
            assert client.post(url, json=body, headers={**right, "Host": "evil.example"}).is_error
            assert client.get(url, headers=right).status_code == 404
            assert client.post(url, content=b"[", headers=right).status_code == 400
            assert cloud.paths == []
            answer = client.post(url, json=body, headers=right)
            assert (answer.status_code, answer.json()["ok"]) == (200, True)
        assert "unsafe" in process.output
    assert not token_file.exists()
