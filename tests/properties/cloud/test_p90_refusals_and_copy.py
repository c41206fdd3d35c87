"""P90: who is not let in fills no disk; what is written is in a second place within a second."""

from __future__ import annotations

import http.client
import json
import signal
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from tests import audit_log
from tests.audit_log import verified
from tests.cloud_documents import FREE, SECRET, everything
from tests.cloud_process import Cloud, import_documents, serving
from tests.oauth_application import Person, hidden
from tests.oauth_client import ISSUER, registered
from tests.started import run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CLIENT = (FREE, SECRET)
SOON_S = 10
REFUSALS = 10_000


@pytest.fixture
def data(tmp_path: Path) -> Path:
    import_documents(tmp_path / "data", everything())
    return tmp_path / "data"


def until(holds: Callable[[], bool]) -> None:
    """Wait for what comes within a second or two."""
    end = time.monotonic() + SOON_S
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)


def copied(copy: Path) -> list[dict[str, Any]]:
    """Return the events of the copy; the last line may be just being written."""
    lines = copy.read_bytes().split(b"\n")[:-1] if copy.exists() else []
    return [line["event"] for line in map(json.loads, lines) if "event" in line]


def test_p90_ten_thousand_refusals_before_authentication_are_a_few_rows(data: Path) -> None:
    with serving(data, "--issuer", ISSUER, "--trusted-proxy", "127.0.0.0/8") as cloud:
        before = audit_log.length(data)  # the first start of a store builds the enrolment client in
        for path in ("/access_token", "/oauth2/token"):
            _refused(cloud, path, times=REFUSALS // 2)
    assert audit_log.length(data) == before
    done = run("cloud", "audit", "refusals", "--data", data, "--json")
    counts = json.loads(done.stdout)["refusals"]
    assert sum(one["count"] for one in counts) == REFUSALS
    assert {one["network"] for one in counts} == {f"192.0.{n}.0/24" for n in range(4)}
    minutes = {one["minute"] for one in counts}
    reasons = {one["reason"] for one in counts}
    assert len(reasons) <= 3
    assert len(counts) <= len(minutes) * len(reasons) * 4
    assert verified(data)[0] == 0


def test_p90_a_refusal_of_who_proved_themselves_is_written_when_it_is_told(data: Path) -> None:
    """Whatever way it proves itself: `kill -9` at the moment of the answer loses no event."""
    computer = registered(data)
    for number in range(3):
        with serving(data, "--issuer", ISSUER) as cloud:
            computer.learn_nonce(cloud)
            before = audit_log.length(data)
            by_key = computer.exchange(cloud, "a key that never was")
            by_secret = cloud.token("a key that never was", CLIENT)
            cloud.process.process.kill()
            assert (by_key.status, by_secret.status) == (400, 401), number
        told = [(one["act"], one["reason"]) for one in audit_log.events(data, before)]
        assert told == [("token.refused", "unknown_key")] * 2


def test_p90_sign_ins_under_unknown_names_are_counted(data: Path) -> None:
    with serving(data, "--issuer", ISSUER) as cloud:
        before = audit_log.length(data)
        for number in range(5):
            stranger = Person(f"nobody {number}", "a password that is wrong")
            page = stranger.get(cloud, "/login")
            form = {**hidden(page), "name": stranger.name, "password": stranger.password}
            assert stranger.post(cloud, "/login", form).status == 403
    assert audit_log.length(data) == before
    counts = json.loads(run("cloud", "audit", "refusals", "--data", data, "--json").stdout)
    (one,) = {(count["reason"], count["network"]) for count in counts["refusals"]}
    assert one == ("not_allowed", "127.0.0.0/24")
    assert sum(count["count"] for count in counts["refusals"]) == 5


def _refused(cloud: Cloud, path: str, *, times: int) -> None:
    """Be refused so often, over one connection, from a thousand addresses."""
    place = urlsplit(cloud.url)
    connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=20)
    for number in range(times):
        headers = {
            "X-Forwarded-For": f"192.0.{number % 4}.{number % 250}",
            "Content-Type": "application/x-www-form-urlencoded",
        }
        form = f"grant_type=password&client_id={FREE}&client_secret=wrong{number}"
        connection.request("POST", path, f"{form}&username=alice&password=x", headers)
        reply = connection.getresponse()
        reply.read()
        assert reply.status in (401, 429)
    connection.close()


def test_p90_every_event_is_in_the_second_place_within_a_second(data: Path) -> None:
    copy = data.parent / "copy.jsonl"
    with serving(data, "--audit-copy", copy) as cloud:
        assert copied(copy) == audit_log.events(data)  # what was there before it was switched on
        for _ in range(5):
            assert cloud.token("alice", CLIENT).status == 200
        until(lambda: copied(copy) == audit_log.events(data))
    assert verified(data, "--copy", copy)[0] == 0


def test_p90_a_second_place_that_is_rotated_goes_on_in_a_new_file(data: Path) -> None:
    copy, old = data.parent / "copy.jsonl", data.parent / "copy.jsonl.1"
    with serving(data, "--audit-copy", copy) as cloud:
        cloud.token("alice", CLIENT)
        until(lambda: copied(copy) == audit_log.events(data))
        copy.rename(old)
        cloud.process.process.send_signal(signal.SIGHUP)
        cloud.token("alice", CLIENT)
        until(lambda: len(copied(copy)) == 1)
        copy.unlink()
        cloud.token("alice", CLIENT)
        until(lambda: len(copied(copy)) == 1)
    assert copied(copy) == audit_log.events(data)[-1:]
    assert verified(data, "--copy", old)[0] == 0
    assert verified(data, "--copy", copy)[0] == 0


def _break(copy: Path) -> None:
    """Put a folder in the file's place, since nobody may be kept from writing as root."""
    copy.unlink()
    copy.mkdir()


def test_p92_a_second_place_that_fails_raises_the_alarm_and_is_completed(data: Path) -> None:
    copy = data.parent / "copy.jsonl"
    operators = ("--ops-listen", "127.0.0.1:0")
    with serving(data, "--audit-copy", copy, *operators, listeners=2) as cloud:
        _break(copy)
        until(lambda: '"event":"audit_copy_failed"' in cloud.process.output)
        assert cloud.token("alice", CLIENT).status == 200
        metrics = cloud.request("GET", "/metrics", ops=True).body
        assert b'keyin_audit_copy_alarms_total{kind="failed"} 1' in metrics
        copy.rmdir()
        until(lambda: '"event":"audit_copy_restored"' in cloud.process.output)
    alerts = [event["reason"] for event in copied(copy) if event["act"] == "alert"]
    assert alerts == ["audit_copy_failed", "audit_copy_restored"]
    assert verified(data, "--copy", copy)[0] == 0


def test_p90_where_the_second_place_is_required_nobody_is_answered_without_it(
    data: Path, tmp_path: Path
) -> None:
    copy, file = tmp_path / "copy.jsonl", tmp_path / "cloud.toml"
    file.write_text(f'audit_copy = "{copy}"\naudit_copy_required = true\n')
    with serving(data, "--config", file) as cloud:
        assert cloud.token("alice", CLIENT).status == 200
        _break(copy)
        until(lambda: cloud.token("alice", CLIENT).status == 503)
        before = audit_log.length(data)
        assert cloud.token("alice", CLIENT).status == 503
        assert cloud.request("GET", "/ready").status == 503
        assert cloud.request("GET", "/health").status == 200
        assert audit_log.length(data) == before
        copy.rmdir()
        until(lambda: cloud.token("alice", CLIENT).status == 200)


def test_p90_a_second_place_that_cannot_be_written_keeps_the_cloud_from_starting(
    data: Path,
) -> None:
    done = run("cloud", "serve", "--data", data, "--audit-copy", data)
    assert done.returncode == 3
    assert "second copy" in done.stderr


def test_p90_the_log_is_shown_by_time_act_and_client(data: Path) -> None:
    with serving(data) as cloud:
        began = time.time()
        cloud.token("alice", CLIENT)
        cloud.token("a key that never was", CLIENT)
        shown = _shown(cloud, "--act", "token.issued", "--client", FREE)
    assert [line["event"]["act"] for line in shown] == ["token.issued"]
    assert shown[0]["event"] in audit_log.events(data)
    since = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(began - 1))
    acts = [line["event"]["act"] for line in _shown(cloud, "--since", since)]
    assert acts[-2:] == ["token.issued", "token.refused"]
    assert _shown(cloud, "--since", "2999-01-01") == []
    text = run("cloud", "audit", "show", "--data", data, "--act", "token.refused").stdout
    assert text.count("\n") == 1
    assert " token.refused refused free " in text
    assert "reason=unknown_key" in text


def _shown(cloud: Cloud, *more: str) -> list[dict[str, Any]]:
    done = run("cloud", "audit", "show", "--data", cloud.data, "--json", *more)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]
