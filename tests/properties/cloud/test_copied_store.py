"""A store goes from SQLite to PostgreSQL and back; the clients do not notice."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests import postgres
from tests.cloud_documents import FREE, LINUX, SECRET, everything
from tests.cloud_process import Cloud, import_documents
from tests.oauth_client import ISSUER, registered
from tests.started import run, started

if TYPE_CHECKING:
    from pathlib import Path

    from tests.oauth_client import Computer

CLIENT = (FREE, SECRET)
pytestmark = postgres.needs_postgres


class Journey:
    """A legacy client and a registered computer, and what they hold."""

    def __init__(self, folder: Path) -> None:
        self.secrets, self.folder = folder / "secrets", folder
        self.first, self.last = folder / "first", folder / "last"
        self.url = postgres.cluster().database()
        import_documents(self.first, everything(), "--secrets", self.secrets)
        self.computer: Computer = registered(self.first, "--secrets", self.secrets)
        self.legacy = self.own = ""

    def serving(self, *where: object) -> Any:
        return started(
            *("cloud", "serve", *where, "--secrets", self.secrets),
            *("--listen", "127.0.0.1:0", "--issuer", ISSUER),
        )

    def copy(self, source: object, target: object) -> dict[str, int]:
        done = run("cloud", "copy", "--from", source, "--to", target, "--json")
        assert done.returncode == 0, done.stderr
        copied: dict[str, int] = json.loads(done.stdout)["copied"]
        return copied

    def key_in(self, cloud: Cloud, expected: int) -> None:
        """Use the tokens from before, if any; get new ones by both ways; see the settings."""
        if self.legacy:
            self.settings(cloud, expected)
        reply = cloud.token("alice", CLIENT)
        assert reply.status == 200, reply.body
        self.legacy = reply.json["access_token"]
        self.own = self.computer.token(cloud)
        self.settings(cloud, expected)

    def settings(self, cloud: Cloud, expected: int) -> None:
        old = cloud.settings("alice", self.legacy, LINUX)
        new = self.computer.settings(cloud, "alice", self.own)
        assert (old.status, new.status) == (200, 200)
        for reply in (old, new):
            assert str(expected) in reply.body.decode()


def _save(cloud: Cloud, token: str, size: int) -> None:
    common = "http://registry.gpii.net/common/fontSize"
    preferences = {"contexts": {"gpii-default": {"preferences": {common: size}}}}
    assert cloud.save("alice", token, preferences).status == 200


def _verified(*where: object) -> None:
    done = run("cloud", "audit", "verify", *where)
    assert done.returncode == 0, (done.stdout, done.stderr)


def test_the_same_legacy_client_keys_in_before_and_after_both_ways(tmp_path: Path) -> None:
    journey = Journey(tmp_path)
    with journey.serving("--data", journey.first) as process:
        cloud = Cloud(process, journey.first)
        journey.key_in(cloud, 24)
        _save(cloud, journey.legacy, 31)
    copied = journey.copy(journey.first, journey.url)
    assert copied["tokens"] >= 2
    assert copied["audit"] > 2
    with journey.serving("--database", journey.url) as process:
        cloud = Cloud(process, journey.first)
        journey.key_in(cloud, 31)
        _save(cloud, journey.legacy, 42)
    _verified("--database", journey.url, "--secrets", journey.secrets)
    journey.copy(journey.url, f"sqlite:{journey.last}")
    with journey.serving("--data", journey.last) as process:
        journey.key_in(Cloud(process, journey.last), 42)
    _verified("--data", journey.last, "--secrets", journey.secrets)


def test_a_store_that_is_served_or_used_is_not_touched(tmp_path: Path) -> None:
    journey = Journey(tmp_path)
    with journey.serving("--data", journey.first):
        done = run("cloud", "copy", "--from", journey.first, "--to", journey.url)
        assert (done.returncode, done.stdout) == (3, "")
    journey.copy(journey.first, journey.url)
    again = run("cloud", "copy", "--from", journey.first, "--to", journey.url)
    assert again.returncode == 3
    assert "something in it" in again.stderr
    with journey.serving("--database", journey.url) as process:
        assert Cloud(process, journey.first).token("alice", CLIENT).status == 200
        for words in (
            ("copy", "--from", journey.url, "--to", journey.last),
            ("restored", "--database", journey.url, "--secrets", journey.secrets, "--without-copy"),
        ):
            served = run("cloud", *words)
            assert served.returncode == 3
            assert "serving" in served.stderr


def test_with_other_secrets_a_copy_is_not_served(tmp_path: Path) -> None:
    journey = Journey(tmp_path)
    journey.copy(journey.first, journey.url)
    other = tmp_path / "other"
    import_documents(tmp_path / "elsewhere", [], "--secrets", other)
    done = run(
        *("cloud", "serve", "--database", journey.url, "--secrets", other),
        *("--listen", "127.0.0.1:0"),
    )
    assert done.returncode == 3
    assert "other secrets" in done.stderr
