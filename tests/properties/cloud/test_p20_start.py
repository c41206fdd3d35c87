"""P20, P21, P29: a server that would run open does not start, and says why."""

from __future__ import annotations

import http.client
import json
import shutil
import socket
import ssl
from typing import TYPE_CHECKING

import pytest
import trustme

from tests.cloud_documents import client, credential, everything
from tests.cloud_process import import_documents, send, serving
from tests.started import run

if TYPE_CHECKING:
    from pathlib import Path

ANYWHERE = "0.0.0.0:0"
REFUSED: list[tuple[str, list[str], str]] = [
    ("plain HTTP for other computers", ["--listen", ANYWHERE], "plain HTTP"),
    ("plain HTTP for other computers, IPv6", ["--listen", "[::]:0"], "plain HTTP"),
    ("a name in place of an address", ["--listen", "localhost:0"], "no place to listen"),
    ("no port", ["--listen", "127.0.0.1"], "no place to listen"),
    ("a port that is none", ["--listen", "127.0.0.1:70000"], "no place to listen"),
    ("a plain issuer", ["--issuer", "http://cloud.example"], "issuer"),
    ("an issuer with a path", ["--issuer", "https://cloud.example/base"], "issuer"),
    ("an issuer with a query", ["--issuer", "https://cloud.example/?a"], "issuer"),
    ("an issuer that is no URL", ["--issuer", "cloud.example"], "issuer"),
    ("a certificate without its key", ["--tls-cert", "/dev/null"], "needs its key"),
    ("a key without its certificate", ["--tls-key", "/dev/null"], "needs its key"),
    ("the whole internet as proxy", ["--trusted-proxy", "0.0.0.0/0"], "no network of proxies"),
    ("a proxy that is no network", ["--trusted-proxy", "proxy"], "no network of proxies"),
    ("operators from elsewhere", ["--ops-listen", ANYWHERE], "operators' listener"),
    ("two workers on SQLite", ["--workers", "2"], "one server process"),
]


@pytest.mark.parametrize(("what", "flags", "said"), REFUSED)
def test_p29_it_refuses_to_start(what: str, flags: list[str], said: str, tmp_path: Path) -> None:
    outcome = run("cloud", "serve", "--data", tmp_path / "data", *flags)
    assert outcome.returncode == 3, what
    assert said in outcome.stderr
    assert "Next step:" in outcome.stderr
    assert "listening" not in outcome.stdout
    assert not (tmp_path / "data").exists()


def test_p29_a_configuration_that_does_not_say_where_the_data_are() -> None:
    outcome = run("cloud", "serve", "--json")
    assert outcome.returncode == 3
    assert json.loads(outcome.stderr)["error"] == "configuration_error"


def test_p29_published_credentials_stay_on_loopback(tmp_path: Path) -> None:
    data = tmp_path / "data"
    published = credential("pilot-computer")
    published["oauth2ClientSecret"] = "pilot-computer-secret"
    import_documents(data, [client(), published])
    proxied = ["--listen", ANYWHERE, "--trusted-proxy", "192.0.2.1"]
    outcome = run("cloud", "serve", "--data", data, *proxied)
    assert outcome.returncode == 3
    assert "test credentials" in outcome.stderr
    with serving(data) as cloud:
        assert cloud.request("GET", "/health").status == 200


def test_p29_a_store_without_its_secrets(tmp_path: Path) -> None:
    data = tmp_path / "data"
    import_documents(data, everything())
    shutil.rmtree(data / "secrets")
    outcome = run("cloud", "serve", "--data", data, "--listen", "127.0.0.1:0")
    assert outcome.returncode == 3, outcome.stderr


def test_p29_keys_that_others_can_read(tmp_path: Path) -> None:
    data = tmp_path / "data"
    import_documents(data, everything())
    (data / "secrets").chmod(0o755)
    outcome = run("cloud", "serve", "--data", data, "--listen", "127.0.0.1:0")
    assert outcome.returncode == 3, outcome.stderr


def test_p29_an_unknown_key_of_the_configuration(tmp_path: Path) -> None:
    file = tmp_path / "cloud.toml"
    file.write_text(f'data = "{tmp_path}/data"\ndebug = true\n')
    outcome = run("cloud", "serve", "--config", file)
    assert outcome.returncode == 3
    assert "debug" in outcome.stderr


def certificate(folder: Path) -> tuple[trustme.CA, Path, Path]:
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1")
    chain, key = folder / "chain.pem", folder / "key.pem"
    chain.write_bytes(b"".join(part.bytes() for part in issued.cert_chain_pems))
    key.write_bytes(issued.private_key_pem.bytes())
    key.chmod(0o600)
    return authority, chain, key


def test_p29_a_private_key_that_others_can_read(tmp_path: Path) -> None:
    _, chain, key = certificate(tmp_path)
    key.chmod(0o644)
    flags = ["--tls-cert", chain, "--tls-key", key]
    outcome = run("cloud", "serve", "--data", tmp_path / "data", *flags)
    assert outcome.returncode == 3
    assert "can be read by other accounts" in outcome.stderr


def test_p20_with_a_certificate_it_serves_tls_and_nothing_else(tmp_path: Path) -> None:
    authority, chain, key = certificate(tmp_path)
    with serving(tmp_path / "data", "--tls-cert", chain, "--tls-key", key) as cloud:
        assert cloud.url.startswith("https://127.0.0.1:")
        port = int(cloud.url.rpartition(":")[2])
        trusting = ssl.create_default_context()
        authority.configure_trust(trusting)
        connection = http.client.HTTPSConnection("127.0.0.1", port, context=trusting, timeout=10)
        connection.request("GET", "/health")
        assert connection.getresponse().status == 200
        connection.close()
        with pytest.raises((http.client.HTTPException, OSError)):
            send(f"http://127.0.0.1:{port}", "GET", "/health")


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_p21_tls_before_1_2_is_refused(tmp_path: Path) -> None:
    authority, chain, key = certificate(tmp_path)
    with serving(tmp_path / "data", "--tls-cert", chain, "--tls-key", key) as cloud:
        for newest, spoken in ((ssl.TLSVersion.TLSv1_2, "TLSv1.2"), (ssl.TLSVersion.TLSv1_1, "")):
            old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            authority.configure_trust(old)
            old.set_ciphers("ALL:@SECLEVEL=0")
            old.minimum_version, old.maximum_version = ssl.TLSVersion.TLSv1, newest
            assert _version(old, int(cloud.url.rpartition(":")[2])) == spoken


def _version(context: ssl.SSLContext, port: int) -> str:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as plain:
        try:
            with context.wrap_socket(plain, server_hostname="127.0.0.1") as secure:
                return secure.version() or ""
        except OSError:
            return ""


def test_p20_plain_http_beyond_loopback_answers_declared_proxies_only(tmp_path: Path) -> None:
    for proxy, status in (("127.0.0.0/8", 200), ("192.0.2.1", 404)):
        flags = ["--trusted-proxy", proxy]
        with serving(tmp_path / "data", *flags, listen=ANYWHERE) as cloud:
            assert send(_loopback(cloud.url), "GET", "/health").status == status


def test_p20_what_a_proxy_got_in_plain_http_gets_no_answer(tmp_path: Path) -> None:
    flags = ["--trusted-proxy", "127.0.0.0/8", "--issuer", "https://cloud.example"]
    with serving(tmp_path / "data", *flags) as cloud:
        for proto, status in (("https", 200), ("http", 421), ("https, http", 421)):
            headers = {"X-Forwarded-Proto": proto}
            assert cloud.request("GET", "/health", headers=headers).status == status


def test_p20_a_unix_socket_is_plain_http_on_this_computer(tmp_path: Path) -> None:
    path = tmp_path / "c.sock"
    with serving(tmp_path / "data", listen=f"unix:{path}") as cloud:
        assert cloud.url == f"unix:{path}"
        assert path.stat().st_mode & 0o007 == 0
        with socket.socket(socket.AF_UNIX) as client_:
            client_.settimeout(10)
            client_.connect(str(path))
            client_.sendall(b"GET /health HTTP/1.0\r\n\r\n")
            answered = b""
            while more := client_.recv(4096):
                answered += more
    assert answered.startswith(b"HTTP/1.1 200")
    assert answered.endswith(b'{"isHealthy":true}')
    with serving(tmp_path / "data", listen=f"unix:{path}"):
        """A socket file that nobody answers on is replaced."""


def test_a_second_server_for_the_same_data_is_refused(tmp_path: Path) -> None:
    with serving(tmp_path / "data"):
        outcome = run("cloud", "serve", "--data", tmp_path / "data", "--listen", "127.0.0.1:0")
        assert outcome.returncode == 3
        assert "another keyin process" in outcome.stderr


def test_sigterm_ends_it_cleanly(tmp_path: Path) -> None:
    with serving(tmp_path / "data") as cloud:
        assert cloud.request("GET", "/health").status == 200
        assert cloud.process.end() == 0
    assert "Traceback" not in cloud.process.output


def test_the_pilot_profile_until_its_last_day(tmp_path: Path) -> None:
    file = tmp_path / "cloud.toml"
    for until, networks, status in (
        ("2999-01-01", "192.0.2.0/24", 404),
        ("2999-01-01", "127.0.0.0/8", 200),
        ("2026-01-01", "192.0.2.0/24", 200),
    ):
        file.write_text(f'[pilot]\nuntil = {until}\nnetworks = ["{networks}"]\n')
        with serving(tmp_path / "data", "--config", file) as cloud:
            reply = cloud.request("GET", "/health")
            assert reply.status == status
            if status == 404:
                assert reply.body == b'{"isError":true,"message":"Not found"}'
    file.write_text("[pilot]\nuntil = 2999-01-01\nnetworks = []\n")
    assert run("cloud", "serve", "--data", tmp_path / "data", "--config", file).returncode == 3


def _loopback(url: str) -> str:
    return url.replace("0.0.0.0", "127.0.0.1")  # noqa: S104 - the address it was told
