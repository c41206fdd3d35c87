"""After a backup was put back nothing opens that was taken back since (P3, P106)."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from keyin.cli.processes import command
from tests.audit_log import opened, verified
from tests.cloud_documents import FREE, SECRET, everything
from tests.cloud_process import copied, import_documents, serving
from tests.oauth_client import ISSUER, registered
from tests.started import run

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cloud_process import Cloud

CLIENT = (FREE, SECRET)
TAKEN_BACK = {"clients": 1, "sites": 1, "passwords": 1, "client_keys": 1, "keys": 1}
PASSWORD = "correct horse battery staple of the night"


class Disaster:
    """A cloud with a backup, what happened since, and the backup put back."""

    def __init__(self, folder: Path) -> None:
        self.data, self.copy, self.folder = folder / "data", folder / "audit.jsonl", folder
        import_documents(self.data, everything())
        site = ("--site", "Annexe")
        self.lost, self.replaced = registered(self.data), registered(self.data)
        self.found, self.annexe = registered(self.data), registered(self.data, *site)
        self.verb("account", "create", "ada", stdin=PASSWORD)
        with self.serving() as cloud:
            self.old = self.lost.token(cloud)
            self.kept = self.found.token(cloud)
            assert cloud.token("bob", CLIENT).status == 200
        self.backup = copied(self.data, folder / "backup")

    def serving(self) -> Any:
        return serving(self.data, "--issuer", ISSUER, "--audit-copy", self.copy)

    def verb(self, *words: object, stdin: str = "") -> None:
        done = run(*words, "--data", self.data, stdin=stdin)
        assert done.returncode == 0, (words, done.stderr)

    def days_pass(self) -> None:
        """Take things back; let one go on again; register a computer and revoke it."""
        with self.serving() as cloud:
            self.verb("client", "suspend", self.found.client_id)
            self.verb("client", "resume", self.found.client_id)
            self.verb("client", "revoke", self.lost.client_id, "--reason", "lost", "--yes")
            kid = self.replaced.key.public.thumbprint
            self.verb("client", "revoke-key", kid, "--reason", "replaced", "--yes")
            self.verb("site", "suspend", "Annexe", "--reason", "compromised")
            self.verb("key", "revoke", "-", "--yes", stdin="bob")
            self.verb("account", "set-password", "ada", stdin=PASSWORD + " anew")
            later = registered(self.data)
            self.verb("client", "revoke", later.client_id, "--yes")
            assert cloud.token("alice", CLIENT).status == 200

    def put_back(self) -> None:
        (self.data / "keyin.sqlite3").unlink()
        for rest in self.data.glob("keyin.sqlite3-*"):
            rest.unlink()
        shutil.copy(self.backup / "keyin.sqlite3", self.data)

    def restored(self, *more: object) -> dict[str, Any]:
        done = run("cloud", "restored", "--data", self.data, "--json", *more)
        assert done.returncode == 0, done.stderr
        report: dict[str, Any] = json.loads(done.stdout)
        return report


@pytest.fixture
def disaster(tmp_path: Path) -> Disaster:
    return Disaster(tmp_path)


def refused(disaster: Disaster) -> str:
    """Return why the cloud does not start."""
    done = run(
        *("cloud", "serve", "--data", disaster.data, "--listen", "127.0.0.1:0"),
        *("--audit-copy", disaster.copy),
    )
    assert done.returncode == 3, done.stderr
    return done.stderr


def test_p106_what_was_revoked_after_the_backup_is_revoked_again(disaster: Disaster) -> None:
    disaster.days_pass()
    disaster.put_back()
    assert "keyin cloud restored" in refused(disaster)
    report = disaster.restored("--copy", disaster.copy)
    assert report["broken_chains"] == []
    assert report["rows"] == 10
    assert report["applied"] == TAKEN_BACK
    assert report["gone"] == {"client.registered": 1}
    assert {(one["act"], one["why"]) for one in report["left"]} == {
        ("client.revoked", "not_in_backup"),
        ("account.changed", "no_password"),
    }
    with disaster.serving() as cloud:
        _taken_back(disaster, cloud)
    assert verified(disaster.data, "--copy", disaster.copy)[0] == 0


def _taken_back(disaster: Disaster, cloud: Cloud) -> None:
    """See that nothing opens that was taken back, nor any token from before; all else does."""
    for gone in (disaster.lost, disaster.replaced, disaster.annexe):
        assert gone.exchange(cloud).status == 401
    assert cloud.token("bob", CLIENT).status == 401
    assert disaster.lost.settings(cloud, "alice", disaster.old).status == 401
    assert disaster.found.settings(cloud, "alice", disaster.kept).status == 401
    new = disaster.found.token(cloud)
    assert disaster.found.settings(cloud, "alice", new).status == 200
    assert cloud.token("alice", CLIENT).status == 200


def test_p106_to_say_it_twice_changes_nothing_more(disaster: Disaster) -> None:
    disaster.days_pass()
    disaster.put_back()
    first = disaster.restored("--copy", disaster.copy)
    again = disaster.restored("--copy", disaster.copy)
    assert (again["rows"], again["applied"]) == (0, {})
    assert again["epoch"] == first["epoch"] + 1
    assert verified(disaster.data)[0] == 0


def test_p106_a_restore_that_was_cut_short_is_not_served_and_goes_on(disaster: Disaster) -> None:
    """The store remembers where the backup ended, also when the log is whole again already."""
    disaster.days_pass()
    disaster.put_back()
    half = disaster.folder / "half.jsonl"
    lines = disaster.copy.read_bytes().splitlines(keepends=True)
    half.write_bytes(b"".join(lines[:-5]))
    script = (
        "import asyncio, sys; from pathlib import Path;"
        "from keyin.cloud import restoring; from keyin.stores.opening import open_data;"
        "from keyin.cloud.restore_applying import Applier; from keyin.stores.audit_copy import *\n"
        "class Killed(BaseException): pass\n"
        "async def killed(*_): raise Killed\n"
        "Applier.apply = killed\n"
        "opened = open_data(Path(sys.argv[1]), None, exclusive=True)\n"
        "lines = lambda: copied_lines(Path(sys.argv[2]))\n"
        "try: asyncio.run(restoring.restore(opened.store, lines, 1, nobodys='x'))\n"
        "except Killed: pass\n"
        "opened.close()\n"
    )
    _python(script, disaster.data, half)
    assert "keyin cloud restored" in refused(disaster)
    report = disaster.restored("--copy", disaster.copy)
    assert report["applied"] == TAKEN_BACK
    with disaster.serving() as cloud:
        _taken_back(disaster, cloud)
    assert verified(disaster.data, "--copy", disaster.copy)[0] == 0


def _python(script: str, *words: object) -> None:
    """Run a process that ends in the midst of a restore."""
    subprocess.run([sys.executable, "-c", script, *map(str, words)], check=True, timeout=60)


def test_p106_without_a_copy_the_tokens_are_void_and_the_anchor_is_put_aside(
    disaster: Disaster,
) -> None:
    disaster.days_pass()
    disaster.put_back()
    assert run("cloud", "restored", "--data", disaster.data).returncode == 2
    said = run("cloud", "restored", "--data", disaster.data, "--without-copy").stdout
    assert "codes on paper are void" in said
    report = disaster.restored("--without-copy")
    assert (report["rows"], report["applied"]) == (0, {})
    disaster.copy.rename(disaster.folder / "audit.jsonl.before")
    with disaster.serving() as cloud:
        assert disaster.lost.settings(cloud, "alice", disaster.old).status == 401
        assert disaster.lost.exchange(cloud).status == 200
    assert "audit_broken" not in cloud.process.output
    assert verified(disaster.data)[0] == 0


def test_p106_a_store_that_served_on_after_the_backup_keeps_its_own_log(
    disaster: Disaster,
) -> None:
    """The two logs part at the backup: what was revoked is revoked, the log is not mended."""
    disaster.days_pass()
    disaster.put_back()
    with serving(disaster.data, "--issuer", ISSUER) as cloud:
        for _ in range(3):
            cloud.token("alice", CLIENT)
    report = disaster.restored("--copy", disaster.copy)
    assert report["broken_chains"] == ["main"]
    assert report["rows"] == 0
    assert report["applied"] == TAKEN_BACK
    disaster.copy.rename(disaster.folder / "audit.jsonl.before")
    with disaster.serving() as cloud:
        _taken_back(disaster, cloud)
    assert verified(disaster.data)[0] == 0


def _progress(data: Path) -> tuple[int, bool]:
    """Return how many rows the log has, and whether the restore is marked as begun."""
    with opened(data) as store:
        count = store.execute("SELECT count(*) FROM audit").fetchone()[0]
        mark = store.execute("SELECT 1 FROM meta WHERE name = 'restoring_from'").fetchone()
    return count, mark is not None


def _killed_at(disaster: Disaster, rows: int) -> bool:
    """Kill the command once the log has so many rows; say whether it was still at work."""
    words = ("cloud", "restored", "--data", disaster.data, "--copy", disaster.copy)
    process = subprocess.Popen(command(*words), stdout=subprocess.DEVNULL)
    try:
        while process.poll() is None:
            count, begun = _progress(disaster.data)
            if begun and count >= rows:
                break
        return process.poll() is None
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("rows", [0, 12])
def test_p106_killed_at_any_moment_it_is_not_served_until_all_is_done(
    disaster: Disaster, rows: int
) -> None:
    disaster.days_pass()
    disaster.put_back()
    before, _ = _progress(disaster.data)
    killed = _killed_at(disaster, before + rows)
    _, begun = _progress(disaster.data)
    if killed and begun:
        assert "keyin cloud restored" in refused(disaster)
    disaster.restored("--copy", disaster.copy)
    assert _progress(disaster.data)[1] is False
    with opened(disaster.data) as store:
        revoked = "SELECT count(*) FROM clients WHERE status = 'revoked'"
        assert store.execute(revoked).fetchone() == (1,)
        dead = "SELECT count(*) FROM keys WHERE status = 'revoked' AND revoked_reason IS NOT NULL"
        assert store.execute(dead).fetchone() == (1,)
        assert store.execute("SELECT status FROM sites").fetchall() == [("suspended",)]
    assert verified(disaster.data, "--copy", disaster.copy)[0] == 0
