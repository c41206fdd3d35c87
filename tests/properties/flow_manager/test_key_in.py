"""Key in and out through the three started processes, and what the command says of it."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from keyin.flow_manager import hardening
from tests.started import run, started
from tests.three_processes import (
    KEY,
    SOLUTION,
    cloud_and_requester,
    person,
    serve,
    three_processes,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.three_processes import Computer

OLD = b'{"size": 10,\n "other": [1,2]}\n'


@pytest.fixture(scope="module")
def computer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Computer]:
    with three_processes(tmp_path_factory.mktemp("computer")) as made:
        made.settings.write_bytes(OLD)
        made.settings.chmod(0o644)
        os.utime(made.settings, ns=(7_000_000_000, 8_000_000_000))
        yield made


def as_it_was(computer: Computer) -> bool:
    status = computer.settings.stat()
    return (
        computer.settings.read_bytes() == OLD
        and status.st_mode & 0o7777 == 0o644
        and status.st_mtime_ns == 8_000_000_000
        and list((computer.folder / "state" / "keyin" / "journal").glob("*.journal")) == []
    )


def test_login_and_logout(computer: Computer) -> None:
    login = computer.keyin("login", "-", key=f"{KEY}\n")
    assert (login.returncode, login.stderr) == (0, "")
    assert "1 setting was made" in login.stdout
    assert json.loads(computer.settings.read_bytes()) == {"size": 24, "other": [1, 2]}
    assert json.loads(computer.keyin("status", "--json").stdout)["keyed_in"] is True
    logout = computer.keyin("logout", "--json")
    assert json.loads(logout.stdout)["answer"] == "logout"
    assert as_it_was(computer)


def test_a_key_file(computer: Computer) -> None:
    stick = computer.folder / ".gpii-user-token.txt"
    stick.write_text(f"\ufeff{KEY}\r\n", encoding="utf-8")
    login = computer.keyin("login", "--key-file", str(stick), "--json")
    assert json.loads(login.stdout) == {
        "answer": "login", "solutions": [SOLUTION], "settings": 1, "skipped": [],
    }  # fmt: skip
    assert computer.keyin("logout").returncode == 0
    assert as_it_was(computer)


def test_dry_run_writes_nothing(computer: Computer) -> None:
    before = {path: path.stat().st_mtime_ns for path in _everything(computer.folder)}
    shown = computer.keyin("login", "-", "--dry-run", key=KEY)
    assert shown.returncode == 0
    assert re.search(rf"{SOLUTION} +size +10 +24", shown.stdout)
    reply = json.loads(computer.keyin("login", "-", "--dry-run", "--json", key=KEY).stdout)
    assert reply["differences"] == [
        {"solution": SOLUTION, "setting": "size", "now": 10, "then": 24}
    ]
    assert as_it_was(computer)
    after = {path: path.stat().st_mtime_ns for path in _everything(computer.folder)}
    assert after == before
    assert json.loads(computer.keyin("status", "--json").stdout)["keyed_in"] is False


def _everything(folder: Path) -> list[Path]:
    """Name the person's files; the cloud's own store lies elsewhere."""
    places = [folder / name for name in ("config", "state", "run")]
    return [path for place in places for path in (place, *place.rglob("*"))]


def test_there_is_no_positional_key(computer: Computer) -> None:
    refused = computer.keyin("login", KEY)
    assert refused.returncode == 2
    assert as_it_was(computer)


@pytest.mark.parametrize("text", ["", "  \n", "x" * 1025, "one\ntwo"])
def test_what_is_no_key(computer: Computer, text: str) -> None:
    assert computer.keyin("login", "-", key=text).returncode == 3


def test_what_is_no_text_is_no_key(computer: Computer, tmp_path: Path) -> None:
    """Bytes that are no text end in a word to the person, in the C locale too."""
    file = tmp_path / "key"
    file.write_bytes(b"\xff\xfe\n")
    environment = {**computer.environment, "LC_ALL": "C.UTF-8"}
    for options in (("--key-file", str(file)), ("-",)):
        with file.open("rb") as stream:
            answer = subprocess.run(
                [sys.executable, "-m", "keyin", "login", *options],
                stdin=stream, env=environment, capture_output=True, text=True, check=False,
                timeout=30,
            )  # fmt: skip
        assert (answer.returncode, answer.stdout) == (3, "")
        assert answer.stderr.startswith("keyin: there is no key\n")


def test_a_key_is_not_asked_for_where_it_would_be_seen(computer: Computer) -> None:
    asked = subprocess.run(
        [sys.executable, "-m", "keyin", "login"],
        input=KEY, env=dict(computer.environment), capture_output=True, text=True, check=False,
        timeout=30, start_new_session=True,
    )  # fmt: skip
    assert (asked.returncode, asked.stdout) == (3, "")
    assert asked.stderr.startswith("keyin: there is no terminal")
    assert "--key-file" in asked.stderr


@pytest.mark.parametrize("text", ["restore", "readSetting"])
def test_reserved_words(computer: Computer, text: str) -> None:
    refused = computer.keyin("login", "-", "--json", key=text)
    assert refused.returncode == 5
    assert json.loads(refused.stderr)["error"] == "reserved_key"


def test_nobody_and_an_unknown_key(computer: Computer) -> None:
    assert computer.keyin("login", "-", key="noUser").returncode == 0
    unknown = computer.keyin("login", "-", "--json", key="nobody-has-this")
    assert (unknown.returncode, json.loads(unknown.stderr)["error"]) == (5, "key_refused")
    assert computer.keyin("logout").returncode == 5
    assert as_it_was(computer)


def test_logins_at_once_end_with_one_of_them_and_leave_nothing(computer: Computer) -> None:
    results: list[Any] = []
    threads = [
        threading.Thread(target=lambda: results.append(computer.keyin("login", "-", key=KEY)))
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [result.returncode for result in results] == [0, 0, 0]
    assert computer.keyin("logout").returncode == 0
    assert as_it_was(computer)


def test_without_a_flow_manager(tmp_path: Path) -> None:
    asked = run("status", "--json", environment=person(tmp_path))
    assert asked.returncode == 4
    assert json.loads(asked.stderr)["error"] == "flow_manager_unreachable"


def test_cloud_or_requester_away(tmp_path: Path) -> None:
    with three_processes(tmp_path) as computer:
        computer.cloud.end()
        down = computer.keyin("login", "-", "--json", key=KEY)
        assert (down.returncode, json.loads(down.stderr)["error"]) == (4, "cloud_unreachable")
        computer.requester.end()
        down = computer.keyin("login", "-", "--json", key=KEY)
        assert (down.returncode, json.loads(down.stderr)["error"]) == (4, "requester_unreachable")
        assert not computer.settings.exists()


def test_p45_a_key_with_a_pin_opens_with_it_alone(tmp_path: Path) -> None:
    pin, wrong = tmp_path / "pin", tmp_path / "wrong"
    pin.write_text("pin-of-alice-83b1\n")
    wrong.write_text("another-pin-77\n")
    with three_processes(tmp_path) as computer:
        policy = ("key", "policy", "-", "--pin-file", pin, "--data", tmp_path / "cloud")
        done = run(*policy, stdin=KEY)
        assert done.returncode == 0, done.stderr
        said = [done.stdout, done.stderr]
        for more, code in (((), 5), (("--pin-file", wrong), 5), (("--pin-file", pin), 0)):
            login = computer.keyin("login", "-", *map(str, more), key=KEY)
            assert login.returncode == code, login.stderr
            said += [login.stdout, login.stderr]
        assert json.loads(computer.settings.read_bytes()) == {"size": 24}
        shown = computer.keyin("login", "-", "--dry-run", "--pin-file", str(pin), key=KEY)
        assert shown.returncode == 0
        assert computer.keyin("logout").returncode == 0
    said += [one.output for one in (computer.cloud, computer.requester, computer.flow_manager)]
    for text in ("pin-of-alice", "another-pin", KEY):
        assert text not in "".join(said)


@pytest.mark.parametrize("text", ["", " \n", "x" * 65, "one\ntwo"])
def test_what_is_no_pin(computer: Computer, tmp_path: Path, text: str) -> None:
    (tmp_path / "pin").write_text(text)
    login = computer.keyin("login", "-", "--pin-file", str(tmp_path / "pin"), key=KEY)
    assert login.returncode == 3


def test_p64_a_server_of_another_account_is_told_nothing(tmp_path: Path) -> None:
    """Our own listener stands for the stranger: the flow manager expects another account's."""
    environment = person(tmp_path)
    (tmp_path / "linux.json5").write_text("{}")
    (tmp_path / "requester").mkdir(mode=0o755)
    place = tmp_path / "requester" / "socket"
    heard: list[bytes] = []
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(place))
        listener.listen()
        thread = threading.Thread(target=_listen, args=(listener, heard))
        thread.start()
        config = tmp_path / "flow-manager.toml"
        config.write_text("requester_uid = 12345\n")
        options = (*serve(tmp_path, "http://127.0.0.1:9", place), "--config", config)
        with started(*options, environment=environment):
            refused = run("login", "-", "--json", environment=environment, stdin=KEY)
        thread.join()
    assert refused.returncode == 4
    assert json.loads(refused.stderr)["error"] == "requester_unreachable"
    assert heard == [b""]


def _listen(listener: socket.socket, heard: list[bytes]) -> None:
    connection, _ = listener.accept()
    with connection:
        heard.append(connection.recv(100))


def test_p64_a_socket_in_a_folder_that_others_can_write_is_not_used(tmp_path: Path) -> None:
    environment = person(tmp_path)
    with cloud_and_requester(tmp_path) as (cloud, _, place):
        options = serve(tmp_path, cloud.url, place)
        with started(*options, environment=environment):
            place.parent.chmod(0o777)
            refused = run("login", "-", "--json", environment=environment, stdin=KEY)
            assert refused.returncode == 4
            place.parent.chmod(0o700)
            assert run("login", "-", environment=environment, stdin=KEY).returncode == 0


def test_p68_at_key_out_the_requester_holds_no_token_any_more(tmp_path: Path) -> None:
    with three_processes(tmp_path) as computer:
        place = tmp_path / "requester" / "socket"

        def tokens() -> int:
            asked = run("requester", "status", "--socket", place, "--json")
            assert asked.returncode == 0, asked.stderr
            count: int = json.loads(asked.stdout)["tokens"]
            return count

        assert computer.keyin("login", "-", key=KEY).returncode == 0
        assert tokens() == 1
        assert computer.keyin("logout").returncode == 0
        assert tokens() == 0
        assert computer.keyin("login", "-", "--dry-run", key=KEY).returncode == 0
        assert tokens() == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="becoming another account needs root")
def test_p69_after_hardening_a_process_belongs_to_root_in_proc() -> None:
    """What its own account could read there, or attach to, it cannot any more."""
    owner = "import os; print(os.stat('/proc/self/maps').st_uid)"
    program = f"{owner}\n{Path(hardening.__file__).read_text()}\nprint(harden())\n{owner}\n"
    told = subprocess.run(
        ["/usr/bin/python3", "-I", "-c", program.replace("from __future__ import annotations", "")],
        check=True, capture_output=True, text=True, timeout=30, user="nobody", cwd="/",
    )  # fmt: skip
    before, hardened, after = told.stdout.split()
    assert (before != "0", hardened, after) == (True, "True", "0")


def test_a_port_that_is_taken_is_told(tmp_path: Path) -> None:
    environment = person(tmp_path)
    (tmp_path / "linux.json5").write_text("{}")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        options = serve(tmp_path, "http://127.0.0.1:9", tmp_path / "none")
        listen = f"127.0.0.1:{taken.getsockname()[1]}"
        ended = run(*options, "--listen", listen, environment=environment)
    assert ended.returncode == 3
    assert "cannot listen" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_requester_may_start_the_flow_manager_itself(tmp_path: Path) -> None:
    environment = person(tmp_path)
    with cloud_and_requester(tmp_path) as (cloud, _, place):
        options = serve(tmp_path, cloud.url, Path("fd:{fd}"))
        # The requester hands its own environment to nobody.
        told = [f"{name}={value}" for name, value in environment.items()]
        command = ["/usr/bin/env", *told, sys.executable, "-m", "keyin", *map(str, options)]
        config = place.parent / "supervising.toml"
        config.write_text(
            f'cloud = "{cloud.url}"\ncredential = "credential.json"\ntransport = "supervise"\n'
            f"[flow_manager]\ncommand = {json.dumps(command)}\n"
        )
        with started("requester", "serve", "--config", config):
            control = tmp_path / "run" / "keyin" / "flow-manager.sock"
            for _ in range(100):
                if control.exists():
                    break
                time.sleep(0.1)
            assert run("login", "-", environment=environment, stdin=KEY).returncode == 0
            assert json.loads((tmp_path / "config" / "reader.json").read_bytes()) == {"size": 24}
            assert run("logout", environment=environment).returncode == 0
            assert not (tmp_path / "config" / "reader.json").exists()
