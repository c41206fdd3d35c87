"""`--workers`: one server to whoever asks, several processes to whoever looks; none is missed."""

from __future__ import annotations

import json
import os
import re
import signal
import time
from functools import partial
from typing import TYPE_CHECKING

import pytest

from tests import postgres
from tests.cloud_documents import FREE, SECRET, everything
from tests.cloud_process import Cloud, import_documents, serving
from tests.started import ELSEWHERE, run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = postgres.needs_postgres
CLIENT = (FREE, SECRET)
PATIENCE_S = 20


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = postgres.shared(tmp_path / "data")
    import_documents(folder, everything())
    return folder


@pytest.fixture
def cloud(data: Path) -> Iterator[Cloud]:
    with serving(data, "--ops-listen", "127.0.0.1:0", listeners=2) as running:
        yield running


def workers(cloud: Cloud) -> list[int]:
    return sorted(postgres.children(cloud.process.process.pid))


def until(what: str, is_so: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < end, what
        time.sleep(0.02)


def test_it_says_once_where_it_listens_and_ends_when_it_is_told(cloud: Cloud) -> None:
    assert len(workers(cloud)) == 2
    assert [cloud.token("alice", CLIENT).status for _ in range(10)] == [200] * 10
    began = time.monotonic()
    assert cloud.process.end() == 0
    assert time.monotonic() - began < 10
    assert cloud.process.output.count("listening on") == 2  # the operators' and the public one
    assert "worker_ended" not in cloud.process.output


def test_a_worker_that_is_killed_is_started_again_and_the_other_answers(cloud: Cloud) -> None:
    before = workers(cloud)
    for pid in before:
        there = workers(cloud)
        os.kill(pid, signal.SIGKILL)
        assert [cloud.token("alice", CLIENT).status for _ in range(5)] == [200] * 5
        until("a new worker", partial(_is_new, cloud, there))
    assert not set(before) & set(workers(cloud))
    assert cloud.process.output.count('"event":"worker_ended"') == 2
    assert cloud.process.output.count("listening on") == 2


def _is_new(cloud: Cloud, than: list[int]) -> bool:
    return len(set(workers(cloud)) - set(than)) == 1


def test_workers_end_with_the_process_above_them(cloud: Cloud) -> None:
    pids = workers(cloud)
    cloud.process.kill()
    until("the workers' end", lambda: not [pid for pid in pids if _runs(pid)])


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_workers_that_cannot_start_are_told_of_and_end_the_server(data: Path) -> None:
    broken = data.parent / "broken.pem"
    broken.write_text("no certificate")
    broken.chmod(0o600)
    done = run(
        *("cloud", "serve", "--data", data, "--listen", "127.0.0.1:0"),
        *("--tls-cert", broken, "--tls-key", broken),
    )
    assert done.returncode == 3, done.stderr
    assert "listening on" not in done.stdout
    assert '"event":"worker_failed"' in done.stderr
    assert "the certificate or its key cannot be used" in done.stderr


def test_on_sqlite_more_than_one_is_refused_with_the_reason(tmp_path: Path) -> None:
    serve = ("cloud", "serve", "--listen", "127.0.0.1:0", "--workers")
    two = run(*serve, "2", "--data", tmp_path / "d")
    assert two.returncode == 3
    assert "a store in SQLite has one server process" in two.stderr
    assert "postgresql://" in two.stderr
    assert run(*serve, "0", "--data", tmp_path / "d").returncode == 3


def test_a_schema_that_is_too_old_keeps_it_from_starting(tmp_path: Path) -> None:
    url = postgres.cluster().database(empty=True)
    done = run("cloud", "serve", "--database", url, "--secrets", tmp_path / "s", "--workers", "2")
    assert done.returncode == 3
    assert "keyin cloud migrate" in done.stderr
    assert not (tmp_path / "s").exists()


def test_a_database_is_served_with_its_own_secrets_only(data: Path, tmp_path: Path) -> None:
    url = json.loads((data / ELSEWHERE).read_text())["url"]
    none = run("cloud", "serve", "--database", url)
    assert none.returncode == 3
    assert "say where the secrets of this database are" in none.stderr
    other = run("cloud", "serve", "--database", url, "--secrets", tmp_path / "other")
    assert other.returncode == 3
    assert not (tmp_path / "other").exists()


def test_what_all_have_counted_is_what_operators_see(cloud: Cloud) -> None:
    for _ in range(30):
        cloud.request("GET", "/health")

    def seen() -> int:
        text = cloud.request("GET", "/metrics", ops=True).body.decode()
        found = re.search(r'answers_total\{route="/health",status="200"\} (\d+)', text)
        return int(found[1]) if found else 0

    until("thirty answers, whoever is asked", lambda: {seen() for _ in range(8)} == {30})


def test_the_second_copy_has_the_events_of_all_once(data: Path, tmp_path: Path) -> None:
    copy = tmp_path / "audit.jsonl"
    with serving(data, "--audit-copy", copy) as cloud:
        assert [cloud.token("alice", CLIENT).status for _ in range(20)] == [200] * 20
        for pid in workers(cloud)[:1]:  # perhaps the one that copies
            os.kill(pid, signal.SIGKILL)
        assert [cloud.token("alice", CLIENT).status for _ in range(20)] == [200] * 20

        def copied() -> int:
            return copy.read_text().count('"token.issued"')

        until("forty events", lambda: copied() >= 40)
        os.rename(copy, tmp_path / "old.jsonl")  # noqa: PTH104 - as logrotate does
        cloud.process.process.send_signal(signal.SIGHUP)
        assert cloud.token("alice", CLIENT).status == 200
        until("a new file", lambda: copy.exists() and copied() >= 1)
    events = (tmp_path / "old.jsonl").read_text() + copy.read_text()
    assert events.count('"token.issued"') == 41
    whole = run(
        *("cloud", "audit", "verify", "--data", data, "--json"),
        *("--copy", tmp_path / "old.jsonl", "--copy", copy),
    )
    assert json.loads(whole.stdout)["ok"], whole.stdout


def test_where_the_copy_is_required_no_worker_answers_without_it(
    data: Path, tmp_path: Path
) -> None:
    place = tmp_path / "mounted"
    place.mkdir()
    config = tmp_path / "cloud.toml"
    config.write_text("audit_copy_required = true\n")
    with serving(data, "--audit-copy", place / "audit.jsonl", "--config", config) as cloud:
        assert [cloud.token("alice", CLIENT).status for _ in range(6)] == [200] * 6
        os.rename(place, tmp_path / "away")  # noqa: PTH104 - a disk that is gone
        cloud.process.process.send_signal(signal.SIGHUP)
        until("all closed", lambda: _statuses(cloud) == {503})
        os.rename(tmp_path / "away", place)  # noqa: PTH104 - and back
        until("all open", lambda: _statuses(cloud) == {200})


def _statuses(cloud: Cloud) -> set[int]:
    return {cloud.token("alice", CLIENT).status for _ in range(8)}
