"""Every command of docs/operations/postgresql.md is run as it stands, on a cluster of ours."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from keyin.cli.processes import command, spawn
from tests import postgres
from tests.cloud_documents import FREE, LINUX, SECRET, everything
from tests.cloud_process import Cloud, import_documents
from tests.house.operations_page import Page
from tests.started import Started, run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.cloud_process import Reply

pytestmark = postgres.needs_postgres
CLIENT = (FREE, SECRET)
BEHIND = {"Host": "cloud.example", "X-Forwarded-For": "192.0.2.7", "X-Forwarded-Proto": "https"}
TWO_HOSTS = "## Two hosts behind nginx"


class Behind(Cloud):
    """A cloud behind a proxy that ends TLS, which these requests come from."""

    def request(self, method: str, path: str, **more: Any) -> Reply:
        headers = {**BEHIND, **(more.pop("headers", None) or {})}
        return super().request(method, path, headers=headers, **more)


@pytest.fixture
def cluster() -> Iterator[postgres.Cluster]:
    own = postgres.make(durable=False)
    own.sql("DROP ROLE keyin")
    yield own
    own.stop()


def _page(cluster: postgres.Cluster, folder: Path) -> Page:
    places = {
        "/run/postgresql": str(cluster.folder),
        "runuser -u postgres -- ": "",
        "apt-get install": "apt-get -o DPkg::Lock::Timeout=90 --no-upgrade install",
        **{place: str(folder / place[1:]) for place in (
            "/var/lib/keyin", "/etc/keyin", "/var/log/keyin", "/var/backups"
        )},
        "127.0.0.1:8081": "127.0.0.1:0",
    }  # fmt: skip
    for place in ("var/lib/keyin", "etc/keyin", "var/log/keyin", "var/backups"):
        (folder / place).mkdir(parents=True)
    environment = {
        "PATH": f"{postgres.BIN}:{os.environ['PATH']}",
        "PGHOST": str(cluster.folder),
        "PGUSER": "admin",
    }
    return Page("postgresql.md", places, environment, section=(None, TWO_HOSTS))


def _serving(words: list[str]) -> Started:
    return spawn(command(*words[1:]))


def test_every_command_about_postgresql_works_as_written(
    cluster: postgres.Cluster, tmp_path: Path
) -> None:
    page = _page(cluster, tmp_path)
    install, *make = page.commands()
    if os.geteuid() == 0:
        page.one(install)
    for words in make:
        page.one(words)
    page.run()  # migrate
    data = tmp_path / "var/lib/keyin/cloud"
    import_documents(data, everything())
    for _ in ("there", "secrets", "and back"):
        page.run()
    (tmp_path / "etc/keyin/cloud.toml").write_text(page.block("toml"))
    (serve,) = page.commands()
    process = _serving(serve)
    try:
        old = _token(process, "bob")
        listed, verified = page.run()
        assert "Main library" in listed
        assert "all whole" in verified
        page.run()  # dump and secrets
        database = f"postgresql://keyin@/keyin?host={cluster.folder}"
        secrets = tmp_path / "etc/keyin/secrets"
        revoked = run(
            *("key", "revoke", "-", "--yes", "--database", database, "--secrets", secrets),
            stdin="bob",
        )
        assert revoked.returncode == 0, revoked.stderr
        assert Behind(process, data).token("bob", CLIENT).status == 401
        assert _settings(process, "alice", _token(process, "alice")).status == 200
    finally:
        process.end()
    _restored(page, serve, data, old)
    assert page.left == 0


def _restored(page: Page, serve: list[str], data: Path, old: str) -> None:
    """Put the dump back; see that nothing is served before it is put right, and what is then."""
    page.run()
    put_back, put_right = page.commands()
    page.one(put_back)
    assert "keyin cloud restored" in run(*serve[1:]).stderr
    assert "GPII keys revoked again: 1" in page.one(put_right)
    process = _serving(serve)
    try:
        assert Behind(process, data).token("bob", CLIENT).status == 401
        assert _settings(process, "alice", old).status == 401
        assert _settings(process, "alice", _token(process, "alice")).status == 200
    finally:
        process.end()


def _token(process: Started, key: str) -> str:
    reply = Behind(process, data=None).token(key, CLIENT)  # type: ignore[arg-type] # it has none
    assert reply.status == 200, reply.body
    return str(reply.json["access_token"])


def _settings(process: Started, key: str, token: str) -> Reply:
    return Behind(process, data=None).settings(key, token, LINUX)  # type: ignore[arg-type] # as above
