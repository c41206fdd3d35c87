"""P22: no cloud is believed whose certificate is not right, and nothing switches that off."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import click
import pytest
import trustme

from keyin.access_requester.config import (
    Config,
    EnrolmentSection,
    FlowManagerSection,
    LimitsSection,
    UnsafeLoopbackHttpSection,
)
from keyin.cli.requester_serve import serve
from keyin.remote import tls
from tests.fakes.cloud import running_cloud
from tests.properties.requester.place import Place, new_place
from tests.started import run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_SOFTENING = ("insecure", "verify", "skip", "trust", "ignore", "check", "allow_http", "no_", "tls")


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def ca_file(authority: trustme.CA, tmp_path: Path) -> Path:
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return path


def certificate_fault(
    authority: trustme.CA, fault: str
) -> tuple[ssl.SSLContext, str]:  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    now = datetime.now(UTC)
    match fault:
        case "chain":
            made, words = trustme.CA().issue_cert("127.0.0.1"), "does not trust"
        case "name":
            made, words = authority.issue_cert("cloud.example"), "for another"
        case "expired":
            past = now - timedelta(days=1)
            made, words = authority.issue_cert("127.0.0.1", not_after=past), "has expired"
        case _:
            later = now + timedelta(days=1)
            made = authority.issue_cert("127.0.0.1", not_before=later)
            words = "not valid yet"
    made.configure_cert(context)
    return context, words


@pytest.fixture
def place() -> Iterator[Place]:
    with new_place("https://cloud.example") as one:
        yield one


def test_p22_a_good_certificate_from_the_named_authority_is_accepted(
    place: Place, authority: trustme.CA, ca_file: Path
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with running_cloud(tls=context) as cloud:
        place.cloud = cloud.url
        with place.serving("--ca", ca_file):
            assert place.ask("token", gpii_key="alice-key")["ok"]


@pytest.mark.parametrize("fault", ["chain", "name", "expired", "early"])
def test_p22_a_bad_certificate_gets_no_credential(
    place: Place, authority: trustme.CA, ca_file: Path, fault: str
) -> None:
    context, words = certificate_fault(authority, fault)
    with running_cloud(tls=context) as cloud:
        place.cloud = cloud.url
        with place.serving("--ca", ca_file):
            answer = place.ask("token", gpii_key="alice-key")
        assert answer["error"] == "cloud_unreachable"
        assert words in answer["fields"]["reason"]
        assert cloud.paths == []


def test_p22_without_ca_the_systems_authorities_decide(place: Place, authority: trustme.CA) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with running_cloud(tls=context) as cloud:
        place.cloud = cloud.url
        with place.serving():
            assert place.ask("token", gpii_key="alice-key")["error"] == "cloud_unreachable"
        assert cloud.paths == []


def test_p22_no_variable_names_another_authority_or_another_way(
    place: Place, authority: trustme.CA, ca_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with running_cloud(tls=context) as cloud, running_cloud() as elsewhere:
        for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
            monkeypatch.setenv(name, str(ca_file))
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy"):
            monkeypatch.setenv(name, elsewhere.url)
        place.cloud = cloud.url
        with place.serving():
            assert place.ask("token", gpii_key="alice-key")["error"] == "cloud_unreachable"
        place.cloud = cloud.url
        with place.serving("--ca", ca_file):
            assert place.ask("token", gpii_key="alice-key")["ok"] is True
        assert elsewhere.paths == []
        assert len(cloud.requests) == 1


def test_p22_no_key_flag_or_variable_turns_the_check_off(
    ca_file: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    sections = (
        *(Config, LimitsSection, EnrolmentSection, FlowManagerSection),
        UnsafeLoopbackHttpSection,
    )
    keys = {name for section in sections for name in section.__struct_fields__}
    assert isinstance(serve, click.Command)
    flags = {text.lstrip("-") for one in serve.params for text in one.opts}
    assert keys == {
        "cloud", "credential", "ca", "transport", "socket", "allow", "limits", "flow_manager",
        "unsafe_loopback_http", "requests_per_minute", "burst", "cloud_requests", "connections",
        "connections_per_caller", "idle_seconds", "command", "user", "listen", "token_file",
        "admin_socket", "enrolment", "file", "name", "computer_type", "machine_id", "boot_id",
        "software_statement",
    }  # fmt: skip
    assert flags == {"config", "ca", "inherit-fd", "unsafe-loopback-http", "json"}
    assert not [name for name in keys | flags for word in _SOFTENING if word in name]
    monkeypatch.setenv("PYTHONHTTPSVERIFY", "0")
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keylog"))
    for ca in (None, ca_file):
        context = tls.tls_context(ca)
        assert context.check_hostname
        assert context.verify_mode is ssl.CERT_REQUIRED
        assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
        assert context.keylog_filename is None


@pytest.mark.parametrize(
    "address",
    [
        "http://cloud.example", "http://localhost:1", "http://10.0.0.1", "ftp://127.0.0.1", "", "x",
        "https://user:pw@cloud.example", "https://cloud.example/?a=b", "https://", "http://[::2]",
    ],
)  # fmt: skip
def test_p22_an_address_without_tls_is_refused_at_start(place: Place, address: str) -> None:
    place.cloud = address
    outcome = run("requester", "serve", "--config", place.config(), "--json")
    assert outcome.returncode == 3
    assert "https" in outcome.stderr


def test_p22_a_missing_or_foolish_ca_file_is_refused_at_start(place: Place, tmp_path: Path) -> None:
    foolish = tmp_path / "foolish.pem"
    foolish.write_text("no certificate")
    for path in (foolish, tmp_path / "missing"):
        outcome = run("requester", "serve", "--config", place.config(), "--ca", path)
        assert outcome.returncode == 3
        assert str(path) in outcome.stderr


def test_p22_a_redirect_to_plain_http_takes_no_credential_along(
    place: Place, authority: trustme.CA, ca_file: Path
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with running_cloud() as plain, running_cloud(tls=context) as cloud:
        cloud.instead = (307, {"Location": plain.url + "/access_token"}, b"")
        place.cloud = cloud.url
        with place.serving("--ca", ca_file):
            assert place.ask("token", gpii_key="alice-key")["error"] == "cloud_unreachable"
        assert plain.paths == []
