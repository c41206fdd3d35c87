"""Every command of docs/operations/audit.md is run as it stands there, in folders of the test."""

from __future__ import annotations

import re
import shlex
import shutil
from typing import TYPE_CHECKING

from tests.cloud_documents import FREE, SECRET, everything
from tests.cloud_process import copied, import_documents, serving
from tests.house.sources import ROOT
from tests.started import run

if TYPE_CHECKING:
    from pathlib import Path

    from tests.started import Started

DOCUMENT = (ROOT / "docs" / "operations" / "audit.md").read_text(encoding="utf-8")
COMMANDS = [
    line
    for block in re.findall(r"```sh\n(.*?)```", DOCUMENT, re.DOTALL)
    for line in block.split("\n")
]
CLIENT = (FREE, SECRET)


def _commands(word: str, places: dict[str, str]) -> list[list[str]]:
    """Return the commands that hold a word, at the places of this test."""
    found = []
    for line in COMMANDS:
        if word in line:
            text = line
            for old, new in places.items():
                text = text.replace(old, new)
            found.append(shlex.split(text))
    assert found, word
    return found


def _grants(data: Path, copy: Path) -> None:
    with serving(data, "--audit-copy", copy) as cloud:
        for _ in range(2):
            assert cloud.token("alice", CLIENT).status == 200


def test_every_command_about_the_audit_log_works_as_written(tmp_path: Path) -> None:
    data, copy = tmp_path / "data", tmp_path / "audit.jsonl"
    places = {"/var/lib/keyin/cloud": str(data), "/var/log/keyin/audit.jsonl": str(copy)}
    import_documents(data, everything())
    backup = copied(data, tmp_path / "backup")
    _grants(data, copy)
    copy.rename(tmp_path / "audit.jsonl.1")
    _grants(data, copy)
    ran = 0
    for words in _commands("keyin cloud audit", places):
        done = run(*words[1:])
        assert (done.returncode, done.stderr) == (0, ""), words
        ran += 1
    shutil.rmtree(data)
    shutil.copytree(backup, data)
    _restored_with_its_copies(data, places)
    _put_back_an_older_store(data, places)
    assert ran + 2 == len([line for line in COMMANDS if line])


def _restored_with_its_copies(data: Path, places: dict[str, str]) -> None:
    """See that the cloud does not serve an older store beside its copy; the log becomes whole."""
    copy = places["/var/log/keyin/audit.jsonl"]
    serve = ("cloud", "serve", "--data", data, "--listen", "127.0.0.1:0", "--audit-copy", copy)
    assert "keyin cloud restored" in run(*serve).stderr
    ((_, *words),) = _commands("restored --data /var/lib/keyin/cloud --copy", places)
    done = run(*words)
    assert (done.returncode, done.stderr) == (0, "")
    done = run("cloud", "audit", "verify", "--data", data, "--copy", f"{copy}.1", "--copy", copy)
    assert done.returncode == 0, done.stdout


def _put_back_an_older_store(data: Path, places: dict[str, str]) -> None:
    """See the alarm after a restored backup, and end it by the document's last command."""
    with serving(data) as cloud:
        for _ in range(3):
            cloud.token("alice", CLIENT)
    backup = copied(data, data.parent / "before")
    with serving(data) as cloud:
        cloud.token("alice", CLIENT)
    anchor = (data / "secrets" / "audit-anchor").read_bytes()
    (data / "keyin.sqlite3").unlink()
    shutil.copy(backup / "keyin.sqlite3", data)
    assert "audit_broken" in _served(data)
    assert run("cloud", "audit", "verify", "--data", data).returncode == 1
    assert (data / "secrets" / "audit-anchor").read_bytes() == anchor
    ((_, *words),) = _commands("--without-copy", places)
    assert run(*words).returncode == 0
    (aside,) = (data / "secrets").glob("audit-anchor.before-restore-*")
    assert aside.read_bytes() == anchor
    assert "audit_broken" not in _served(data)
    assert run("cloud", "audit", "verify", "--data", data).returncode == 0


def _served(data: Path) -> str:
    with serving(data) as cloud:
        cloud.token("alice", CLIENT)
        process: Started = cloud.process
    return process.output
