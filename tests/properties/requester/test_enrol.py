"""`keyin requester enrol` and its neighbours: processes, sockets and files; the cloud is a fake."""

from __future__ import annotations

import json
import os
import pwd
import re
import shutil
import socket
import ssl
import stat
import subprocess
import time
import tomllib
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import trustme

from keyin.cli.processes import command
from tests.fakes.cloud import running_cloud
from tests.fakes.enrolling_cloud import REGISTER, EnrollingCloud
from tests.fakes.sender import new_sender, proven
from tests.properties.requester.bare import PERSON, Bare, new_bare
from tests.properties.requester.place import (
    ANYBODYS_PYTHON,
    NOBODY,
    needs_other_account,
    readable_asker,
    wait_for,
)
from tests.properties.requester.test_door import tcp_listeners

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def cloud() -> Iterator[EnrollingCloud]:
    with running_cloud(EnrollingCloud()) as one:
        assert isinstance(one, EnrollingCloud)
        yield one


@pytest.fixture
def bare() -> Iterator[Bare]:
    with new_bare() as one, one.serving():
        yield one


def listening_ports(pid: int) -> set[int]:
    """Return the TCP ports that this process listens on."""
    return {int(place.rpartition(":")[2], 16) for place in tcp_listeners(pid)}


def browse(url: str) -> httpx.Response:
    return httpx.get(url, trust_env=False)


@needs_other_account
def test_a_persons_browser_is_opened_as_they_and_the_computer_is_enrolled(
    cloud: EnrollingCloud, bare: Bare
) -> None:
    with bare.enrolling("--cloud", cloud.url) as said:
        begun = said.until("begun")
        wait_for(lambda: bool(bare.opened.read_text()))
        assert bare.opened.read_text().strip() == begun["url"]
        assert browse(cloud.approve(begun["url"])).status_code == 303
        enrolled = said.until("enrolled")
        assert said.end() == (0, "")
    assert enrolled["client_id"] == bare.client_id
    assert enrolled["fingerprint"] == begun["fingerprint"]
    assert (enrolled["stage"], enrolled["name"]) == ("enrolled", "Desk 3")
    assert tomllib.loads(bare.config.read_text())["cloud"] == cloud.url
    assert stat.S_IMODE(bare.files.credential.stat().st_mode) == 0o600
    assert bare.ask("status")["enrolled"]
    assert pwd.getpwnam(PERSON).pw_uid == NOBODY


@needs_other_account
def test_p70_the_listener_is_loopback_only_shared_with_nobody_and_gone_afterwards(
    cloud: EnrollingCloud, bare: Bare
) -> None:
    pid = bare.process.process.pid
    assert listening_ports(pid) == set()
    with bare.enrolling("--cloud", cloud.url) as said:
        begun = said.until("begun")
        (port,) = listening_ports(pid)
        right = cloud.approve(begun["url"])
        assert urlsplit(right).netloc == f"127.0.0.1:{port}"
        for place in ("127.0.0.1", "0.0.0.0"):  # noqa: S104 - what another program might try
            with socket.socket() as other:
                other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
                with pytest.raises(OSError, match="in use"):
                    other.bind((place, port))
        ours = {ip for ip in own_addresses() if not ip.startswith("127.")}
        for ip in ours:
            with pytest.raises(OSError, match=r"refused|timed out"):
                socket.create_connection((ip, port), timeout=2)
        assert browse(right).status_code == 303
        said.until("enrolled")
    assert listening_ports(pid) == set()
    with pytest.raises(httpx.ConnectError):
        browse(right)


def own_addresses() -> set[str]:
    found = {info[4][0] for info in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)}
    return {str(ip) for ip in found}


@needs_other_account
def test_p71_all_but_one_exact_request_is_as_if_nobody_listened(
    cloud: EnrollingCloud, bare: Bare
) -> None:
    with bare.enrolling("--cloud", cloud.url) as said:
        right = cloud.approve(said.until("begun")["url"])
        port = urlsplit(right).port
        target = right.partition(f":{port}")[2]
        assert port
        for head in (
            f"POST {target} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n",
            f"OPTIONS {target} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nOrigin: http://e\r\n\r\n",
            f"GET {target} HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n",
            f"GET {target} HTTP/1.1\r\nHost: rebound.example:{port}\r\n\r\n",
            f"GET {target} HTTP/1.1\r\n\r\n",
            f"GET {target}&state=x HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n",
            f"GET /favicon.ico HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n",
            "\r\n\r\n",
        ):
            answer = raw(port, head.encode())
            assert answer.startswith(b"HTTP/1.1 404 "), head
            assert answer.endswith(b"\r\n\r\n")
            assert b"access-control" not in answer.lower()
            assert b"localhost" not in answer
            assert b"example" not in answer
        answer = raw(port, f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
        assert answer.startswith(b"HTTP/1.1 303 ")
        assert f"Location: {cloud.url}/enrolled?ok=1\r\n".encode() in answer
        code = parse_qs(urlsplit(right).query)["code"][0]
        assert code.encode() not in answer
        said.until("enrolled")


def raw(port: int, content: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as sock:
        sock.sendall(content)
        answer = b""
        while more := sock.recv(4096):
            answer += more
    return answer


@needs_other_account
def test_p70_a_flood_of_half_requests_does_not_keep_the_browser_out(
    cloud: EnrollingCloud, bare: Bare
) -> None:
    with bare.enrolling("--cloud", cloud.url) as said:
        right = cloud.approve(said.until("begun")["url"])
        port = urlsplit(right).port
        flood = [socket.create_connection(("127.0.0.1", port), timeout=10) for _ in range(200)]
        for one in flood[:100]:
            one.sendall(b"GET /oauth2/callback?code=x")
        try:
            assert browse(right).status_code == 303
            said.until("enrolled")
        finally:
            for one in flood:
                one.close()


def test_without_a_screen_a_browser_elsewhere_is_used(cloud: EnrollingCloud, bare: Bare) -> None:
    with bare.enrolling("--cloud", cloud.url, screen=False) as said:
        begun = said.until("begun")
        assert begun["url"] == f"{cloud.url}/device"
        cloud.type_code(begun["user_code"])
        said.until("enrolled")
        assert said.end() == (0, "")
    assert listening_ports(bare.process.process.pid) == set()


def test_without_screen_and_device_code_there_is_a_code_to_paste(
    cloud: EnrollingCloud, bare: Bare
) -> None:
    cloud.device_code = False
    refused = bare.enrol("--cloud", cloud.url, screen=False)
    assert (refused.code, refused.error["error"]) == (5, "not_offered")
    assert f"{cloud.url}/manage/enrolment-codes/new" in refused.error["next_step"]
    code = cloud.new_code()
    wrong = bare.enrol("--code", "-", stdin=code[:-2] + "\n", screen=False)
    assert (wrong.code, wrong.error["error"]) == (5, "code_wrong")
    done = bare.enrol("--code", "-", stdin=code + "\n", screen=False)
    assert (done.code, done.last["client_id"]) == (0, bare.client_id)
    again = bare.enrol("--again", "--code", "-", stdin=code + "\n", screen=False)
    assert (again.code, again.error["error"]) == (5, "not_taken")
    assert done.last["client_id"] == bare.client_id


def test_a_code_on_the_command_line_is_refused(bare: Bare, cloud: EnrollingCloud) -> None:
    code = cloud.new_code()
    done = bare.keyin("enrol", "--cloud", cloud.url, "--code", code)
    assert done.returncode == 2
    assert code not in done.stdout + done.stderr
    assert cloud.paths == []


def test_a_file_enrols_whoever_has_it_and_its_count_holds(cloud: EnrollingCloud) -> None:
    file = None
    for number in range(3):
        with new_bare() as bare, bare.serving():
            bare.machine(f"{number + 1}" * 32)
            file = file or cloud.new_file(uses=2)
            path = bare.folder / "site.iat"
            path.write_bytes(file)
            done = bare.enrol("--cloud", cloud.url, "--iat-file", path)
            assert (done.code, bool(bare.client_id)) == ((0, True) if number < 2 else (5, False))
    assert cloud.paths.count(REGISTER) == 3


def test_a_site_file_in_an_image_is_used_at_the_first_start(cloud: EnrollingCloud) -> None:
    with new_bare() as bare:
        (bare.folder / "stick").write_bytes(cloud.new_file())
        shutil.copyfile(bare.folder / "stick", bare.folder / "site")
        (bare.folder / "site").chmod(0o600)
        bare.configure("file = 'site'\n", cloud=cloud.url)
        with bare.serving():
            wait_for(lambda: bare.client_id is not None)
            first = bare.client_id
            done = bare.keyin("seal", "--iat-file", bare.folder / "stick", "--json")
            assert json.loads(done.stdout)["told_cloud"], done.stderr
        with bare.serving():
            time.sleep(0.5)
            assert bare.client_id is None
        bare.machine("b" * 32, boot=2)
        with bare.serving():
            wait_for(lambda: bare.client_id not in {None, first})


def test_who_is_enrolled_already_is_told_so_and_keeps_its_identity(
    cloud: EnrollingCloud, bare: Bare
) -> None:
    bare.enrol("--cloud", cloud.url, "--code", "-", stdin=cloud.new_code() + "\n")
    first = bare.client_id
    done = bare.enrol("--cloud", cloud.url)
    assert (done.code, done.last["client_id"]) == (0, first)
    bare.enrol("--again", "--code", "-", stdin=cloud.new_code() + "\n")
    assert bare.client_id not in {None, first}


def test_an_attempt_elsewhere_that_fails_leaves_everything_as_it_was(
    cloud: EnrollingCloud, bare: Bare
) -> None:
    bare.enrol("--cloud", cloud.url, "--code", "-", stdin=cloud.new_code() + "\n")
    before, config = bare.client_id, bare.config.read_bytes()
    with running_cloud(EnrollingCloud()) as other:
        assert isinstance(other, EnrollingCloud)
        other.initial.clear()
        refused = bare.enrol(
            "--cloud", other.url, "--code", "-", stdin=cloud.new_code() + "\n", screen=False
        )
        assert (refused.code, refused.error["error"]) == (5, "not_taken")
    assert (bare.client_id, bare.config.read_bytes()) == (before, config)
    unreachable = bare.enrol("--cloud", "https://127.0.0.1:1", screen=False)
    assert unreachable.code == 4
    assert bare.config.read_bytes() == config
    done = bare.enrol("--cloud", cloud.url)
    assert (done.code, done.last["client_id"]) == (0, before)
    assert bare.keyin("rotate").returncode == 0


def test_rotate_and_leave_are_one_command_each(cloud: EnrollingCloud, bare: Bare) -> None:
    assert bare.keyin("leave").returncode == 5
    bare.enrol("--cloud", cloud.url, "--code", "-", stdin=cloud.new_code() + "\n")
    token = {"gpii_key": "alice-key", **proven(new_sender(), cloud.url)}
    assert bare.ask("token", **token)["ok"]
    assert bare.ask("status")["tokens"] == 1
    before = bare.files.held()
    done = bare.keyin("rotate", "--json")
    after = bare.files.held()
    assert (done.returncode, before and after and before.public != after.public) == (0, True)
    assert json.loads(done.stdout)["fingerprint"] in bare.keyin("enrol").stdout
    assert bare.keyin("leave").returncode == 0
    assert bare.client_id is None
    status = bare.ask("status")
    assert (status["enrolled"], status["tokens"]) == (False, 0), "tokens go with who they are of"


@needs_other_account
def test_p62_the_administrators_door_is_for_root_and_our_own_account(bare: Bare) -> None:
    script = readable_asker(bare.folder)
    source = script.read_text().replace("keyin-requester", "keyin-requester-administration")
    script.write_text(source)
    door = bare.folder / "admin.sock"
    assert stat.S_IMODE(door.stat().st_mode) == 0o600
    door.chmod(0o666)  # should the mode fail one day, the kernel's word still counts
    message = json.dumps({"v": 1, "id": "1", "op": "enrol_status"})
    words = [ANYBODYS_PYTHON, "-I", str(script), str(door), message]
    mine = subprocess.run(words, check=True, capture_output=True, text=True, timeout=60)
    assert json.loads(json.loads(mine.stdout)["last"])["ok"]
    other = subprocess.run(
        words, user=NOBODY, group=NOBODY, extra_groups=[], cwd="/", env={},
        check=True, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert json.loads(other.stdout)["bytes"] == 0


def test_p91_no_code_token_or_key_is_in_the_log_or_the_argument_lists(
    cloud: EnrollingCloud, bare: Bare
) -> None:
    code = cloud.new_code()
    bare.enrol("--cloud", cloud.url, "--code", "-", stdin=code + "\n")
    bare.keyin("rotate")
    content = bare.files.credential.read_text()
    held = json.loads(content)
    secrets = [code[8:40], held["private_key"]["d"], held["registered"]["token"]]
    assert not [word for word in secrets if word in bare.process.output]
    assert "enrolled" in bare.process.output


def test_p86_a_wrong_clock_is_named_and_the_command_goes_on_when_it_is_right(
    cloud: EnrollingCloud, bare: Bare
) -> None:
    cloud.clock_ahead_s = 7200
    with bare.enrolling("--cloud", cloud.url, screen=False) as said:
        wait_for(lambda: "clock" in said.complaint())
        assert re.search("(7199|720[01]) seconds away", said.complaint())
        cloud.clock_ahead_s = 0
        begun = said.until("begun")
        cloud.type_code(begun["user_code"])
        said.until("enrolled")
        assert said.end()[0] == 0
    assert bare.client_id


@needs_other_account
def test_a_code_can_be_pasted_while_the_browser_is_waited_for(
    cloud: EnrollingCloud, bare: Bare
) -> None:
    person, screen = os.openpty()
    words = command("requester", "enrol", "--cloud", cloud.url, "--config", bare.config)
    asking = subprocess.Popen(
        words, stdin=screen, stdout=subprocess.PIPE, text=True, env=bare.environment()
    )
    os.close(screen)
    try:
        wait_for(lambda: bool(bare.opened.read_text()))
        os.write(person, b"not a code\n")
        os.write(person, cloud.new_code().encode() + b"\n")
        said, _ = asking.communicate(timeout=60)
    finally:
        asking.kill()
        os.close(person)
    assert asking.returncode == 0, said
    for part in (
        "Your browser opens.",
        "Fingerprint",
        "paste it here",
        "This computer is enrolled.",
    ):
        assert part in said
    assert bare.client_id


def test_corpus_savedesktop_533_an_identity_that_is_copied_along_opens_nothing(
    cloud: EnrollingCloud, bare: Bare
) -> None:
    done = bare.enrol("--cloud", cloud.url, "--code", "-", stdin=cloud.new_code() + "\n")
    original, asked = done.last["client_id"], len(cloud.paths)
    with new_bare() as copy:
        copy.machine("b" * 32)
        shutil.copy2(bare.files.credential, copy.files.credential)
        copy.configure(cloud=cloud.url)
        with copy.serving():
            said = copy.status()
            assert said.returncode == 1
            assert "copied_identity" in said.stdout
            assert "give this computer an identity of its own" in said.stdout
            assert len(cloud.paths) == asked, "the cloud hears nothing of it"
            fresh = copy.enrol("--code", "-", stdin=cloud.new_code() + "\n")
            assert fresh.last["client_id"] not in {None, original}
    assert not cloud.registered[original].revoked
    assert bare.ask("status")["enrolled"]


def test_p22_who_enrols_trusts_the_authority_of_the_configuration_and_no_other(
    tmp_path: Path,
) -> None:
    authority, serving = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(serving)
    authority.cert_pem.write_to_path(tmp_path / "ours.pem")
    trustme.CA().cert_pem.write_to_path(tmp_path / "another.pem")
    with running_cloud(EnrollingCloud(), tls=serving) as cloud, new_bare() as bare:
        assert isinstance(cloud, EnrollingCloud)
        code = cloud.new_code()
        for name, exit_code in (("another", 4), ("ours", 0)):
            bare.configure(cloud=f"{cloud.url}'\nca = '{tmp_path / name}.pem")
            with bare.serving():
                done = bare.enrol("--code", "-", stdin=code + "\n")
                assert (done.code, bool(bare.client_id)) == (exit_code, exit_code == 0), done
