"""Two hosts behind nginx, as docs/operations/postgresql.md tells: each in a network of its own."""

from __future__ import annotations

import http.client
import json
import os
import pwd
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest

from keyin.cli.processes import command, spawn
from keyin.stores.host import SystemEntropy
from keyin.wire import dpop_proofs
from keyin.wire.signing_key import new_key
from tests import postgres
from tests.cloud_documents import FREE, SECRET, everything
from tests.cloud_process import TIMEOUT_S, Reply
from tests.house.operations_page import Page, until
from tests.house.test_operations_postgresql import TWO_HOSTS
from tests.net_places import needs_namespaces, network
from tests.oauth_client import Computer, fresh, now
from tests.started import Started, run
from tests.tls_places import Authority

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.net_places import Host, Network

pytestmark = [
    postgres.needs_postgres,
    needs_namespaces,
    pytest.mark.skipif(shutil.which("nginx") is None, reason="nginx (Debian's nginx-light)"),
]
ISSUER = "https://cloud.example"
CLIENT = (FREE, SECRET)
PASSWORD = "an ordinary password of a database"
FRONT, DATABASE, HOSTS = "10.0.0.1", "10.0.0.10", ("10.0.0.21", "10.0.0.22")
_MAIN = """
user {user};
pid {folder}/nginx.pid;
events {{}}
http {{
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/conf.d/*.conf;
}}
"""


@dataclass
class World:
    """Everything that the page tells to set up."""

    net: Network
    page: Page
    authority: Authority
    folder: Path
    inside: str
    """The database by its socket, for preparations."""

    @property
    def secrets(self) -> Path:
        return self.folder / "secrets"

    def send(self, method: str, path: str, form: dict[str, str] | None, **headers: str) -> Reply:
        """Ask nginx, from the network in front of it."""
        return self.net.front.call(self._send, method, path, form, headers)

    def _send(
        self, method: str, path: str, form: dict[str, str] | None, headers: dict[str, str]
    ) -> Reply:
        context = ssl.create_default_context(cafile=self.authority.certificate)
        plain = socket.create_connection((FRONT, 443), timeout=TIMEOUT_S)
        connection = http.client.HTTPSConnection("cloud.example", timeout=TIMEOUT_S)
        connection.sock = context.wrap_socket(plain, server_hostname="cloud.example")
        with connection.sock:
            body = urlencode(form) if form else None
            kind = {"Content-Type": "application/x-www-form-urlencoded"} if form else {}
            connection.request(method, path, body=body, headers={**kind, **headers})
            response = connection.getresponse()
            named = {name.lower(): value for name, value in response.getheaders()}
            return Reply(response.status, named, response.read())

    def token(self, key: str = "alice") -> Reply:
        form = {"grant_type": "password", "username": key, "password": "dummy"}
        named = {"client_id": CLIENT[0], "client_secret": CLIENT[1]}
        return self.send("POST", "/access_token", {**form, **named})

    def verb(self, *words: object, stdin: str = "") -> str:
        done = run(*words, "--database", self.inside, "--secrets", self.secrets, stdin=stdin)
        assert done.returncode == 0, (words, done.stderr)
        return done.stdout


@contextmanager
def _world(folder: Path) -> Iterator[World]:
    """Follow the page as far as the hosts."""
    shared = Path(tempfile.mkdtemp(prefix="keyin-two-hosts-"))  # nobody must get to it
    shared.chmod(0o755)
    authority = Authority(shared)
    places = {
        "/etc/keyin/db": str(shared),
        "/etc/keyin/tls": str(shared),
        "/etc/keyin/secrets": str(folder / "secrets"),
        "PASSWORD": PASSWORD,
        "runuser -u postgres -- ": "",
    }
    with ExitStack() as ending:
        ending.callback(shutil.rmtree, shared)
        net = ending.enter_context(network(FRONT, DATABASE))
        page = Page("postgresql.md", places, section=(TWO_HOSTS, None))
        cluster = net.front.call(_cluster, page, authority)
        ending.callback(cluster.stop)
        page.environment = {
            "PATH": f"{postgres.BIN}:{os.environ['PATH']}",
            "PGHOST": str(cluster.folder),
            "PGUSER": "admin",
            "PGDATABASE": "postgres",
        }
        page.run(stdin=f"{PASSWORD}\n{PASSWORD}\n")
        inside = cluster.database()
        cluster.sql(f"ALTER DATABASE {_name(inside)} RENAME TO keyin")
        inside = cluster.url("keyin")
        yield World(net, page, authority, folder, inside)


def _name(url: str) -> str:
    return url.partition("@/")[2].partition("?")[0]


def _cluster(page: Page, authority: Authority) -> postgres.Cluster:
    """Start the database's server as the page tells, with a certificate for its address."""
    authority.issue("chain.pem", "key.pem", DATABASE, owner="nobody" if os.geteuid() == 0 else None)
    shutil.copy(authority.certificate, authority.certificate.with_name("ca.pem"))
    lines = [line.partition(" = ") for line in page.block("conf").splitlines()]
    settings = tuple(f"{name}={value.strip(chr(39))}" for name, _, value in lines)
    cluster = postgres.make(durable=False, settings=settings)
    access = cluster.folder / "data" / "pg_hba.conf"
    access.write_text(access.read_text() + page.block("conf"))
    cluster.sql("SELECT pg_reload_conf()")
    return cluster


@contextmanager
def _hosts(world: World) -> Iterator[list[Started]]:
    """Start keyin on both hosts."""
    passwords, config = world.page.block("conf"), world.page.block("toml")
    with ExitStack() as ending:
        processes = []
        for number, address in enumerate(HOSTS):
            file = world.folder / f"pgpass-{number}"
            file.write_text(passwords)
            file.chmod(0o600)
            toml = world.folder / f"cloud-{number}.toml"
            toml.write_text(config.replace(HOSTS[0], address))
            host: Host = ending.enter_context(world.net.host(address))
            process = host.call(
                spawn,
                command("cloud", "serve", "--config", toml),
                environment={"PGPASSFILE": str(file)},
            )
            ending.callback(process.end)
            processes.append(process)
        yield processes


@contextmanager
def _nginx(world: World) -> Iterator[None]:
    """Start nginx with the page's file; run the page's commands on it."""
    folder = world.folder / "nginx"
    (folder / "conf.d").mkdir(parents=True)
    world.authority.issue("chain.pem", "key.pem", "cloud.example")
    (folder / "conf.d" / "keyin.conf").write_text(world.page.block("nginx"))
    user = pwd.getpwuid(os.geteuid()).pw_name
    main = folder / "nginx.conf"
    main.write_text(_MAIN.format(folder=folder, user=user))
    where = ["-c", str(main), "-p", str(folder), "-e", str(folder / "error.log")]
    process = world.net.front.call(
        subprocess.Popen, ["nginx", *where, "-g", "daemon off;"], start_new_session=True
    )
    try:
        until((folder / "nginx.pid").exists)
        for words in world.page.commands():
            world.net.front.call(world.page.one, [words[0], *where, *words[1:]])
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=20)


def _computer(world: World) -> Computer:
    key = new_key(SystemEntropy())
    file = world.folder / "computer.json"
    file.write_bytes(key.public.jwk)
    told = world.verb("client", "create", "--public-key", file, "--json")
    return Computer(json.loads(told)["client_id"], key)


def _exchange(world: World, computer: Computer, assertion: str) -> Reply:
    form = replace(computer).form("alice", client_assertion=assertion)
    proof = dpop_proofs.make(
        computer.sender,
        method="POST",
        url=f"{ISSUER}/oauth2/token",
        jti=fresh(),
        now=now(),
        nonce=computer.nonce,
    )
    return world.send("POST", "/oauth2/token", form, DPoP=proof)


def _answered(process: Started) -> int:
    return process.output.count('"route":"/access_token"')


def test_two_hosts_behind_nginx_as_written(tmp_path: Path) -> None:
    with _world(tmp_path) as world:
        documents = tmp_path / "documents.json"
        documents.write_text(json.dumps(everything()))
        world.verb("cloud", "import", "--allow-test-credentials", documents)
        with _hosts(world) as processes, _nginx(world):
            assert world.page.left == 0
            replies = [world.token() for _ in range(20)]
            assert {reply.status for reply in replies} == {200}
            until(lambda: sum(map(_answered, processes)) == len(replies))
            assert all(map(_answered, processes))
            _once_on_both(world)
            _taken_back_on_both(world, replies[0].json["access_token"])
            processes[0].kill()
            assert {world.token("bob").status for _ in range(10)} == {200}


def _once_on_both(world: World) -> None:
    """One assertion is good for one token, whichever host it comes to."""
    computer = _computer(world)
    first: Any = _exchange(world, computer, computer.assertion(aud=ISSUER))
    computer.nonce = first.headers["dpop-nonce"]
    assertion = computer.assertion(aud=ISSUER)
    found = [_exchange(world, computer, assertion).status for _ in range(4)]
    assert sorted(found) == [200, 401, 401, 401], found


def _taken_back_on_both(world: World, token: str) -> None:
    path = "/alice/settings/%7B%22OS%22%3A%7B%22id%22%3A%22linux%22%7D%7D"
    bearer = {"Authorization": f"Bearer {token}"}
    assert {world.send("GET", path, None, **bearer).status for _ in range(4)} == {200}
    world.verb("key", "revoke", "-", "--yes", stdin="alice")
    assert {world.send("GET", path, None, **bearer).status for _ in range(4)} == {401}
    assert {world.token().status for _ in range(4)} == {401}
