"""P93 over a real store: whatever is done to the audit log's tables, `verify` names the row.

A cloud makes the log and signs it when it ends; then somebody who may write the store, but has not
the secrets, does something to it.
"""

from __future__ import annotations

import shutil
import signal
import sqlite3
from typing import TYPE_CHECKING

import pytest

from keyin.wire.audit_chain import Head, Row, link
from tests import audit_log
from tests.audit_log import tampering, verified
from tests.cloud_documents import FREE, SECRET, everything
from tests.cloud_process import copied, import_documents, serving
from tests.oauth_client import ISSUER, registered
from tests.started import run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Change = Callable[[sqlite3.Connection], object]

CLIENT = (FREE, SECRET)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a log of three runs: two that were signed at their ends, and a copy of all."""
    folder = tmp_path_factory.mktemp("p93")
    data, copy = folder / "data", folder / "copy.jsonl"
    import_documents(data, everything())
    for _ in range(2):
        with serving(data, "--issuer", ISSUER, "--audit-copy", copy) as cloud:
            computer = registered(data)
            for _ in range(3):
                assert cloud.token("alice", CLIENT).status == 200
                computer.token(cloud)
    return folder


@pytest.fixture
def log(made: Path, tmp_path: Path) -> Path:
    """Give a log of the test's own."""
    return copied(made, tmp_path / "own")


def verdict(folder: Path, *, with_copy: bool = True) -> object:
    copy = ("--copy", folder / "copy.jsonl") if with_copy else ()
    code, report = verified(folder / "data", *copy)
    (chain,) = report["chains"]
    assert report["ok"] is (chain["bad"] is None) is (code == 0)
    return chain["bad"] and (chain["bad"]["seq"], chain["bad"]["fault"])


def ends(data: Path) -> list[int]:
    """Return the rows at which the log was signed."""
    with audit_log.opened(data) as store:
        query = "SELECT seq FROM audit_checkpoints ORDER BY seq"
        return [row[0] for row in store.execute(query)]


def test_p93_an_untouched_log_is_whole(log: Path) -> None:
    assert verdict(log) is None
    assert verdict(log, with_copy=False) is None
    code, report = verified(log / "data")
    length = audit_log.length(log / "data")
    assert (code, report) == (
        0,
        {"ok": True, "chains": [{"chain": "main", "rows": length, "vouched": length, "bad": None}]},
    )


def test_p93_an_honest_program_cannot_change_or_remove_a_row(log: Path) -> None:
    for change in (
        "UPDATE audit SET at = at + 1 WHERE seq = 3",
        "DELETE FROM audit WHERE seq = 3",
    ):
        with audit_log.opened(log / "data") as store, pytest.raises(sqlite3.IntegrityError):
            store.execute(change)
    assert verdict(log) is None


RENUMBER = (
    "UPDATE audit SET seq = -seq - {0} WHERE seq > {1}",
    "UPDATE audit SET seq = -seq WHERE seq < 0",
)


def edit(store: sqlite3.Connection) -> None:
    store.execute("UPDATE audit SET event = replace(event, '127.0.0.1', '192.0.2.9') WHERE seq = 9")


def backdate(store: sqlite3.Connection) -> None:
    store.execute("UPDATE audit SET at = at - 3600000 WHERE seq = 9")


def rehash_one(store: sqlite3.Connection) -> None:
    """Change an event, and its hash to what fits: the next row fits no more."""
    before = store.execute("SELECT hash FROM audit WHERE seq = 8").fetchone()[0]
    event = store.execute("SELECT event FROM audit WHERE seq = 9").fetchone()[0]
    event = event.replace("127.0.0.1", "192.0.2.9")
    row = (event, link(before, event.encode()))
    store.execute("UPDATE audit SET event = ?, hash = ? WHERE seq = 9", row)


def remove(store: sqlite3.Connection) -> None:
    store.execute("DELETE FROM audit WHERE seq = 9")


def remove_and_close_up(store: sqlite3.Connection) -> None:
    store.execute("DELETE FROM audit WHERE seq = 9")
    store.execute(RENUMBER[0].format(-1, 9))
    store.execute(RENUMBER[1])


def insert(store: sqlite3.Connection) -> None:
    store.execute(RENUMBER[0].format(1, 8))
    store.execute(RENUMBER[1])
    store.execute(
        "INSERT INTO audit (chain, seq, at, event, hash) "
        "SELECT chain, 9, at, event, hash FROM audit WHERE seq = 5"
    )


def swap(store: sqlite3.Connection) -> None:
    store.execute("UPDATE audit SET seq = -11 WHERE seq = 9")
    store.execute("UPDATE audit SET seq = 9 WHERE seq = 11")
    store.execute("UPDATE audit SET seq = 11 WHERE seq = -11")


def remove_first(store: sqlite3.Connection) -> None:
    store.execute("DELETE FROM audit WHERE seq = 1")


def remove_all(store: sqlite3.Connection) -> None:
    store.execute("DELETE FROM audit")


def rewrite_from(store: sqlite3.Connection, first: int) -> None:
    """Write everything anew from a row on, so that the chain fits."""
    query = "SELECT chain, seq, at, event, hash FROM audit WHERE seq >= ? ORDER BY seq"
    rows = [Row(*row) for row in store.execute(query, (first - 1,))]
    head = Head(rows[0].chain, rows[0].seq, rows[0].hash)
    for row in rows[1:]:
        event = row.event.replace("127.0.0.1", "192.0.2.9").replace("administrator", "somebody")
        head = Head(head.chain, row.seq, link(head.hash, event.encode()))
        changed = (event, head.hash, row.seq)
        store.execute("UPDATE audit SET event = ?, hash = ? WHERE seq = ?", changed)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (edit, (9, "changed")),
        (backdate, (9, "changed")),
        (rehash_one, (9, "other_copy")),
        (remove, (9, "missing")),
        (remove_and_close_up, (9, "changed")),
        (insert, (9, "changed")),
        (swap, (9, "changed")),
        (remove_first, (1, "missing")),
        (remove_all, (1, "missing")),
        (lambda store: rewrite_from(store, 9), (9, "other_copy")),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_p93_each_tampering_is_named_at_its_first_row(
    log: Path, change: Change, expected: tuple[int, str]
) -> None:
    with tampering(log / "data") as store:
        change(store)
    assert verdict(log) == expected
    without, first = verdict(log, with_copy=False), ends(log / "data")[0]
    if expected[1] == "other_copy":  # what is known without the copy is a little less
        assert without in ((10, "changed"), (1, "unsigned"), (first + 1, "unsigned"))
    else:
        assert without == expected


def test_p93_an_end_that_is_cut_off_shows_even_with_its_checkpoint(log: Path) -> None:
    first, last = ends(log / "data")
    with tampering(log / "data") as store:
        store.execute("DELETE FROM audit WHERE seq > ?", (last - 2,))
    assert verdict(log, with_copy=False) == (last - 1, "missing")
    with tampering(log / "data") as store:
        store.execute("DELETE FROM audit_checkpoints WHERE seq > ?", (first,))
    assert verdict(log, with_copy=False) == (last - 1, "missing")
    (log / "data" / "secrets" / "audit-anchor").unlink()
    assert verdict(log, with_copy=False) is None  # nothing outside the store speaks for it now
    assert verdict(log) == (last - 1, "missing")  # but the copy


def test_p93_checkpoints_cannot_be_made_without_the_key(log: Path) -> None:
    first, last = ends(log / "data")
    with tampering(log / "data") as store:
        rewrite_from(store, last)
        hash_ = store.execute("SELECT hash FROM audit WHERE seq = ?", (last,)).fetchone()[0]
        store.execute("UPDATE audit_checkpoints SET hash = ? WHERE seq = ?", (hash_, last))
    assert verdict(log, with_copy=False) == (first + 1, "unsigned")


def test_p92_the_cloud_raises_the_alarm_and_does_not_sign_what_was_cut_off(log: Path) -> None:
    """It says so, and leaves alone what speaks against the log."""
    data = log / "data"
    _, last = ends(data)
    with tampering(data) as store:
        store.execute("DELETE FROM audit WHERE seq > ?", (last - 2,))
        store.execute("DELETE FROM audit_checkpoints WHERE seq >= ?", (last,))
    with serving(data) as cloud:
        assert cloud.token("alice", CLIENT).status == 200
    assert '"event":"audit_broken"' in cloud.process.output
    alert = audit_log.events(data, last - 2)[0]
    assert (alert["act"], alert["reason"]) == ("alert", "audit_broken")
    assert verdict(log, with_copy=False) is not None


def test_p93_a_log_in_use_is_verified_and_left_alone(log: Path) -> None:
    data, copy = log / "data", log / "copy.jsonl"
    with serving(data, "--audit-copy", copy) as cloud:
        for _ in range(3):
            assert cloud.token("alice", CLIENT).status == 200
            assert verdict(log) is None
        length = audit_log.length(data)
    assert audit_log.length(data) == length
    assert verdict(log) is None


def test_p93_after_kill_9_every_answered_act_has_its_event(tmp_path: Path) -> None:
    data, copy = tmp_path / "data", tmp_path / "copy.jsonl"
    import_documents(data, everything())
    answered: list[str] = []
    for _ in range(3):
        with serving(data, "--audit-copy", copy) as cloud:
            for number in range(10):
                request_id = f"{len(answered):08}-{number}"
                form = {"grant_type": "password", "client_id": FREE, "client_secret": SECRET}
                form |= {"username": "alice", "password": "dummy"}
                reply = cloud.form("/access_token", form, {"X-Request-Id": request_id})
                assert reply.status == 200
                answered.append(request_id)
            cloud.process.process.send_signal(signal.SIGKILL)
            cloud.process.process.wait(20)
        assert verified(data)[0] == 0
    told = [event.get("request_id") for event in audit_log.events(data)]
    assert [one for one in told if one] == answered
    with serving(data, "--audit-copy", copy):
        pass
    assert verdict(tmp_path) is None
    assert copy.read_bytes().count(b'"event":') == audit_log.length(data)


def test_p93_after_kill_9_the_refusal_of_a_proven_request_has_its_event(tmp_path: Path) -> None:
    data = tmp_path / "data"
    import_documents(data, everything())
    desk = registered(data)
    for times in range(1, 4):
        with serving(data, "--issuer", ISSUER) as cloud:
            assert desk.exchange(cloud, "nobody").status == 400
            cloud.process.process.send_signal(signal.SIGKILL)
            cloud.process.process.wait(20)
        refusals = [one for one in audit_log.events(data) if one["act"] == "token.refused"]
        assert [one["reason"] for one in refusals] == ["unknown_key"] * times


def test_p93_verify_speaks_to_people_and_refuses_what_it_cannot_read(log: Path) -> None:
    data = log / "data"
    done = run("cloud", "audit", "verify", "--data", data, environment={"LANGUAGE": "en"})
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Chain main: ")
    with tampering(data) as store:
        edit(store)
    done = run("cloud", "audit", "verify", "--data", data, environment={"LANGUAGE": "en"})
    assert done.returncode == 1
    assert done.stdout == ("Chain main, row 9: it was changed, or does not belong there.\n")
    shutil.rmtree(data / "secrets")
    assert run("cloud", "audit", "verify", "--data", data).returncode == 3
