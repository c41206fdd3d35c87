"""P106 over started processes: an import may be repeated, killed, and brought back by an export.

Nothing is there twice, nothing is missing, and who came over is answered as before.
"""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import time
from typing import TYPE_CHECKING, Any, Final

import pytest

from keyin.cli.processes import command
from tests.cloud_documents import (
    FREE,
    LINUX,
    LISTED,
    MAKER,
    NETWORKED,
    SECRET,
    client,
    credential,
    everything,
    key,
    preferences,
    safe,
)
from tests.cloud_process import Cloud, copied, import_documents, serving
from tests.postgres import needs_postgres, shared
from tests.started import run

if TYPE_CHECKING:
    from pathlib import Path

PEOPLE: Final = 2500
KILLS: Final = 5
TABLES: Final = ("clients", "credentials", "safes", "keys")


def _site(people: int) -> list[dict[str, Any]]:
    names = [f"person-{number}" for number in range(people)]
    pairs = [document for name in names for document in (key(name), safe(name))]
    return [client(), credential(FREE), *pairs]


def _rows(data: Path) -> int:
    """Count what is in the store so far; nothing where there is none."""
    try:
        connection = sqlite3.connect(f"file:{data / 'keyin.sqlite3'}?mode=ro", uri=True)
        try:
            counted = [connection.execute(f"SELECT count(*) FROM {one}") for one in TABLES]  # noqa: S608 - ours
            return sum(one.fetchone()[0] for one in counted)
        finally:
            connection.close()
    except sqlite3.OperationalError:
        return 0


def _killed_import(data: Path, file: Path, after: int) -> None:
    """Begin an import, and kill it as soon as there are so many records."""
    importing = subprocess.Popen(
        command("cloud", "import", "--data", data, file), stdout=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 60
    while importing.poll() is None and _rows(data) < after and time.monotonic() < deadline:
        time.sleep(0.002)
    importing.send_signal(signal.SIGKILL)
    importing.wait(timeout=20)


def test_p106_an_import_killed_in_the_middle_is_completed_by_the_next(tmp_path: Path) -> None:
    data, file = tmp_path / "data", tmp_path / "site.json"
    documents = _site(PEOPLE)[::-1]
    file.write_text(json.dumps({"docs": documents}))
    halves = []
    for number in range(1, KILLS + 1):
        _killed_import(data, file, after=len(documents) * number // (KILLS + 1))
        halves.append(_rows(data))
    assert 0 < halves[0] < len(documents)
    assert halves == sorted(halves)
    done = run("cloud", "import", "--data", data, "--json", file)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert sum(report["written"].values()) + sum(report["already_there"].values()) == len(documents)
    assert _rows(data) == len(documents)
    out = json.loads(run("cloud", "export", "--data", data).stdout)["docs"]
    assert sorted(one["_id"] for one in out) == sorted(one["_id"] for one in documents)
    again = json.loads(run("cloud", "import", "--data", data, "--json", file).stdout)
    assert set(again["written"].values()) == {0}
    assert _rows(data) == len(documents)


def _answers(cloud: Cloud) -> dict[str, Any]:
    """Ask all that a client of the original's asks; leave out what is never the same twice."""
    told: dict[str, Any] = {}
    for name in (FREE, LISTED, NETWORKED, MAKER, "nobody"):
        for person in ("alice", "bob", "gone", "bare", "carla", "unknown"):
            granted = cloud.token(person, (name, SECRET))
            body = granted.json
            token = body.pop("access_token", "none")
            shown = cloud.settings(person, token, LINUX)
            told[f"{name} {person}"] = (granted.status, body, shown.status, shown.json)
    told["wrong"] = cloud.token("alice", (FREE, "wrong")).body
    return told


def _save(cloud: Cloud, person: str, name: str, document: object) -> int:
    token = cloud.token(person, (name, SECRET)).json["access_token"]
    return cloud.save(person, token, document).status


@pytest.mark.parametrize(
    "where", ["same secrets", "sqlite", pytest.param("postgres", marks=needs_postgres)]
)
def test_p106_an_export_taken_in_elsewhere_gives_the_same_legacy_answers(
    tmp_path: Path, where: str
) -> None:
    """Secrets of clients are in no export; they come from the documents of the original."""
    snapset = [key("carla"), safe("carla", preferences(fontSize=12), prefsSafeType="snapset")]
    originals = [*everything(), *snapset]
    first, second = tmp_path / "first", tmp_path / "second"
    import_documents(first, originals)
    with serving(first) as cloud:
        assert _save(cloud, "alice", FREE, preferences(language="de-DE", fontSize=30)) == 200
        assert _save(cloud, "new-person", MAKER, preferences(fontSize=9)) == 200
        before = _answers(cloud)
        before["new"] = cloud.token("new-person", (FREE, SECRET)).status
        exported = cloud.documents()
    if where == "postgres":
        shared(second)
    if where == "same secrets":
        second.mkdir(mode=0o700)
        copied(first / "secrets", second / "secrets")
    file = tmp_path / "exported.json"
    file.write_text(json.dumps({"docs": exported}))
    assert SECRET not in file.read_text()
    clients = [one for one in originals if one["type"] == "clientCredential"]
    report = import_documents(second, clients, file)
    assert report["refused"] == []
    with serving(second) as cloud:
        after = _answers(cloud)
        after["new"] = cloud.token("new-person", (FREE, SECRET)).status
        assert cloud.documents() == exported
    assert after == before
    assert before[f"{FREE} alice"][3]["preferences"]["contexts"]["gpii-default"]["preferences"]
    assert len({str(answer) for answer in before.values()}) > 5
