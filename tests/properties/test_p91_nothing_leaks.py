"""P91: no key, token, secret or preference in anything that a process leaves behind.

One long day of a household whose keys, secret and preferences are marked, the computer's private
key included: key-ins that work and that fail, a cloud that is gone, requests of every wrong kind,
crashes. Then every place is searched.
"""

from __future__ import annotations

import base64
import json
import os
import signal
import socket
import subprocess
import sys
from base64 import urlsafe_b64decode
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from keyin.stores.host import SystemEntropy
from keyin.wire.signing_key import new_key
from tests import audit_log
from tests.cloud_process import send
from tests.household import BEFORE, Household, household, mark
from tests.leaks import found, found_in_files, told_by_proc
from tests.started import run
from tests.three_processes import CLIENT_ID

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

JSON = {"Content-Type": "application/json"}
DEVICE = "%7B%22OS%22%3A%7B%22id%22%3A%22linux%22%7D%2C%22solutions%22%3A%5B%5D%7D"


class Day:
    """What is done to the household, and every text that must not be found."""

    def __init__(self, house: Household) -> None:
        self.house = house
        marks = house.marks
        self.wrong_key, self.wrong_secret, self.body = mark("nokey"), mark("nosecret"), mark("body")
        self.wrong_private = new_key(SystemEntropy()).private_jwk()
        self.hidden = {marks.key, marks.secret, self.wrong_key, self.wrong_secret, self.body}
        for private in (house.private, self.wrong_private["d"]):
            self.hidden |= {private, urlsafe_b64decode(private + "=").hex()}
        self.preferences = {marks.language, marks.note, marks.elsewhere, str(marks.size)}

    @property
    def everything(self) -> set[str]:
        return self.hidden | self.preferences

    def key_in(self, key: str | None = None, *options: str) -> int:
        done = self.house.keyin("login", "-", *options, key=key or self.house.marks.key)
        # a dry run shows a person their own settings; nothing else that is printed may
        hidden = self.hidden if "--dry-run" in options else self.everything
        assert not found(hidden, (done.stdout + done.stderr).encode())
        if "--dry-run" in options:
            self.house.said.clear()
        return done.returncode

    def take_tokens(self) -> None:
        """Remember the token in use, and one more; neither may be found."""
        kept = self.house.ask_requester(op="token", gpii_key=self.house.marks.key)
        assert kept["token_type"] == "DPoP"
        form = {"grant_type": "password", "client_id": CLIENT_ID, "password": "dummy"}
        form |= {"client_secret": self.house.marks.secret, "username": self.house.marks.key}
        given = self.house.ask_cloud("POST", "/access_token", headers=JSON, body=json.dumps(form))
        self.hidden |= {kept["access_token"], given.json["access_token"]}
        self.token = given.json["access_token"]

    def search_files(self, *more: Path) -> None:
        """Look into every file but the one that the credential belongs in."""
        credential = self.house.folder / "requester" / "credential.json"
        assert found_in_files(self.everything, self.house.folder, but={credential, *more}) == {}

    def search_kernel(self) -> None:
        for name, process in self.house.processes.items():
            assert not found(self.everything, told_by_proc(process.process.pid)), name

    def search_printed(self) -> None:
        printed = self.house.printed
        assert not found(self.everything | {BEFORE}, printed.encode())
        assert "Traceback" not in printed


@pytest.fixture
def day(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Day]:
    (tmp_path / "tmp").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    with household(tmp_path) as house:
        yield Day(house)


@pytest.mark.timeout(180)
def test_p91_no_mark_is_found_anywhere_after_a_long_day(day: Day) -> None:
    house = day.house
    assert day.key_in(day.wrong_key) != 0
    assert day.key_in(None, "--dry-run") == 0
    assert day.key_in() == 0
    assert json.loads(house.reader.read_text()) == house.marks.settings()
    day.take_tokens()
    day.search_kernel()
    day.search_files(house.reader)
    _ask_the_cloud_wrongly(day)
    _ask_the_local_processes_wrongly(day)
    assert not found(day.everything, _what_operators_see(house))
    _crash(day, signal.SIGKILL)
    _crash(day, signal.SIGABRT)
    _spoil_the_credential(day)
    assert day.key_in() == 0
    house.cloud.end()
    assert house.keyin("logout").returncode == 0
    assert day.key_in() != 0
    assert "there were too many" not in house.printed  # it was refused for the reasons meant
    for process in house.processes.values():
        process.end()
    acts = {event["act"] for event in audit_log.events(house.folder / "cloud")}
    assert {"token.issued", "token.refused", "token.revoked", "store.imported"} <= acts
    assert (house.folder / "audit.jsonl").stat().st_size > 0
    day.search_files()  # the store with its audit log, and the log's copy, among them
    day.search_printed()


def _ask_the_cloud_wrongly(day: Day) -> None:
    house, key, secret = day.house, day.house.marks.key, day.house.marks.secret
    bearer = {"Authorization": f"Bearer {day.token}"}
    assert house.ask_cloud("GET", f"/{key}/settings/{DEVICE}", headers=bearer).status == 200
    for device in ("%7B", "[]", day.body, "%22" + day.body + "%22"):
        house.ask_cloud("GET", f"/{key}/settings/{device}", headers=bearer)
    for body in _wrong_bodies(day):
        for media in ("application/json", "text/plain", f"text/{day.body}"):
            headers = {**bearer, "Content-Type": media}
            reply = house.ask_cloud("PUT", f"/{key}/settings", headers=headers, body=body)
            assert reply.status < 500
            house.ask_cloud("POST", "/access_token", headers={"Content-Type": media}, body=body)
    for grant in ({"client_secret": day.wrong_secret}, {"username": day.wrong_key}, {}):
        form = {"grant_type": day.body, "client_id": CLIENT_ID, "client_secret": secret}
        form |= {"username": key, "password": day.wrong_secret, **grant}
        for grant_type in ("password", day.body):
            body = json.dumps({**form, "grant_type": grant_type})
            house.ask_cloud("POST", "/access_token", headers=JSON, body=body)
    for path in (
        f"/{key}",
        f"/{key}/nothing/here",
        f"/preferences/{key}",
        f"/%ff{key}/settings/x",
        f"/{key}/settings/%zz",
        f"/access_token/{key}?{key}={secret}",
        f"/?{key}",
    ):
        for method in ("GET", "POST", "DELETE", day.body):
            headers = {"Cookie": secret, "User-Agent": day.body, "Referer": f"http://{key}/"}
            house.ask_cloud(method, path, headers=headers)
    _raw(house.cloud.url, f"GET /{key} HTTP/9.9\r\n{secret}\r\n\r\n")
    _raw(house.cloud.url, f"{key}\r\n\r\n{secret}")
    _raw(house.cloud.url, f"GET /{key * 600} HTTP/1.1\r\nHost: {day.body}\r\n\r\n")


def _wrong_bodies(day: Day) -> list[str]:
    document: dict[str, Any] = {"contexts": {day.body: {"preferences": {day.body: day.body}}}}
    return [f'{{"{day.body}', f"={day.body}&%zz={day.body}", json.dumps(document),
            json.dumps([day.body]), json.dumps({day.body: {"contexts": day.body}})]  # fmt: skip


def _ask_the_local_processes_wrongly(day: Day) -> None:
    house, key = day.house, day.house.marks.key
    for path in (
        f"/user/{day.wrong_key}/logout",
        f"/user/{day.wrong_key}/login",
        f"/{key}",
        f"/user/{key}/{day.body}",
    ):
        send(house.flow_manager.url, "GET", path)
        send(house.flow_manager.url, "GET", path, headers={"Origin": f"http://{day.body}"})
        send(house.flow_manager.url, "GET", path, headers={"Host": day.body})
    _raw(house.flow_manager.url, f"GET /user/{key}/login\r\n{day.body}\r\n\r\n")
    control = house.folder / "run" / "keyin" / "flow-manager.sock"
    for place, service in ((house.requester_socket, "requester"), (control, "flow-manager")):
        hello = json.dumps({"v": 1, "service": f"keyin-{service}"})
        for text in (
            json.dumps({"v": 1, "id": "1", "op": "token", "gpii_key": [key]}),
            json.dumps({"v": 1, "id": "1", "op": day.body, "gpii_key": key}),
            json.dumps({"v": 1, "id": key, "op": "login", "gpii_key": key, day.body: 1}),
            json.dumps({"v": 1, "id": "1", "op": "login", "gpii_key": "\ud800" + key}),
            f'{{"{key}": {day.body}',
        ):
            _frames(place, hello, text)
        _frames(place, day.body, key)


def _raw(url: str, text: str) -> None:
    place = urlsplit(url)
    with socket.create_connection((place.hostname, place.port), timeout=20) as sock:
        sock.sendall(text.encode())
        sock.shutdown(socket.SHUT_WR)
        _drain(sock)


def _frames(place: Path, *texts: str) -> None:
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(20)
        sock.connect(str(place))
        for text in texts:
            sock.sendall(len(text.encode()).to_bytes(2, "big") + text.encode())
        sock.shutdown(socket.SHUT_WR)
        _drain(sock)


def _drain(sock: socket.socket) -> None:
    try:
        while sock.recv(65_536):
            pass
    except ConnectionError:
        pass


def _what_operators_see(house: Household) -> bytes:
    replies = [
        house.ask_cloud("GET", path, ops=ops)
        for path in ("/metrics", "/health", "/ready", "/revision", f"/{house.marks.key}")
        for ops in (True, False)
    ]
    assert b"keyin_answers_total" in replies[0].body
    return b"".join(reply.body + str(reply.headers).encode() for reply in replies)


def _crash(day: Day, how: signal.Signals) -> None:
    """End the flow manager in the middle of a session, look at what is left, start it again."""
    house = day.house
    assert day.key_in() == 0
    assert list((house.folder / "state").rglob("*.journal"))
    os.kill(house.flow_manager.process.pid, how)
    house.flow_manager.process.wait(20)
    day.search_files(house.reader)
    house.start_flow_manager()
    assert json.loads(house.reader.read_text()) == {"note": BEFORE}


def _spoil_the_credential(day: Day) -> None:
    """Give another key, a secret, then files that are none; then the right one again."""
    credential = day.house.folder / "requester" / "credential.json"
    right = credential.read_text()
    named = {"client_id": json.loads(right)["client_id"]}
    assert day.house.ask_requester(op="forget")["ok"]
    for text in (
        json.dumps({**named, "private_key": day.wrong_private}),
        json.dumps({"private_key": day.wrong_private}),
        json.dumps({**named, "private_key": {**day.wrong_private, "crv": day.wrong_secret}}),
        json.dumps({**named, "client_secret": day.wrong_secret}),
        json.dumps({day.wrong_secret: day.wrong_secret}),
        f"{{{day.wrong_secret}",
    ):
        credential.write_text(text)
        assert day.key_in() != 0
        assert not found(day.everything, day.house.keyin("requester", "status").stdout.encode())
    credential.write_text(right)


def test_p91_a_key_given_as_an_argument_is_refused_and_not_repeated() -> None:
    hidden = mark("key")
    done = run("login", hidden)
    assert done.returncode == 2
    assert not found({hidden}, (done.stdout + done.stderr).encode())


@pytest.mark.parametrize("offset", range(3))
def test_p91_the_search_finds_what_is_planted(tmp_path: Path, offset: int) -> None:

    hidden = mark("planted")
    (tmp_path / "deep").mkdir()
    journal = tmp_path / "deep" / "x.journal"
    for content in (
        hidden.encode(),
        base64.b64encode(b"x" * offset + hidden.encode() + b"more"),
        base64.urlsafe_b64encode(b"?" * offset + hidden.encode()),
        b"\xff" + hidden.encode().hex().encode(),
        hidden.encode("utf-16-le"),
    ):
        journal.write_bytes(content)
        assert found_in_files({hidden}, tmp_path) == {hidden: {journal}}
    journal.unlink()
    (tmp_path / "deep" / hidden).mkdir()
    assert set(found_in_files({hidden}, tmp_path)) == {hidden}


@pytest.mark.parametrize("where", ["argument", "environment"])
def test_p91_the_search_finds_what_the_kernel_shows(where: str) -> None:
    hidden = mark("planted")
    argument = hidden if where == "argument" else "nothing"
    environment = {**os.environ, "X": hidden if where == "environment" else ""}
    code = "print(flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", code, argument],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout
        process.stdout.readline()
        assert found({hidden}, told_by_proc(process.pid)) == {hidden}
        process.communicate(b"\n")
