"""P95: a cloud asks nobody anything: no address that a client names is ever called up.

A listener waits at the address that is named everywhere where some standard or some habit has an
address in it; whoever knocks there is counted. That the cloud has nothing to knock with is looked
at besides.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest

from keyin.wire import client_assertions
from keyin.wire.jose import wrapped
from tests.cloud_documents import FREE, SECRET, everything
from tests.cloud_process import Cloud, import_documents, serving
from tests.oauth_application import Application, account, application, pair
from tests.oauth_client import ISSUER, Computer, registered

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NAMING_ADDRESSES = (
    "redirect_uri", "request_uri", "jwks_uri", "logo_uri", "client_uri", "policy_uri", "tos_uri",
    "sector_identifier_uri", "initiate_login_uri", "post_logout_redirect_uri", "software_statement",
    "backchannel_logout_uri", "backchannel_client_notification_endpoint", "resource", "audience",
    "target_link_uri", "registration_client_uri", "authorization_details", "login_hint", "iss",
    "subject_token", "subject_issuer", "client_metadata_uri", "state", "nonce", "scope", "request",
)  # fmt: skip
HEADERS = ("Referer", "Origin", "X-Forwarded-Host", "X-Original-URL", "Link", "Forwarded", "Via")


class Trap:
    """Listens on TCP and counts who comes; TLS or not does not matter to it."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.knocks = 0
        self._thread = threading.Thread(target=self._count, daemon=True)
        self._thread.start()

    @property
    def place(self) -> str:
        return f"127.0.0.1:{self._listener.getsockname()[1]}"

    def _count(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.knocks += 1
            connection.close()

    def is_knocked_at(self) -> None:
        """Show that a knock would have been heard."""
        before, ends = self.knocks, time.monotonic() + 10
        socket.create_connection(self._listener.getsockname()).close()
        while self.knocks == before:
            assert time.monotonic() < ends
            time.sleep(0.01)

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(10)


@pytest.fixture
def trap() -> Iterator[Trap]:
    one = Trap()
    yield one
    one.close()


class Place:
    def __init__(self, data: Path) -> None:
        import_documents(data, everything())
        self.data = data
        self.desk = registered(data)
        self.person = account(data)
        self.keyed = application(data, "private_key_jwt", "--without-par")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    return Place(tmp_path_factory.mktemp("out") / "data")


@pytest.fixture(scope="module")
def cloud(place: Place) -> Iterator[Cloud]:
    with serving(place.data, "--issuer", ISSUER) as running:
        place.person.sign_in(running)
        yield running


def addresses(trap: Trap) -> list[str]:
    return [f"{scheme}://{trap.place}/x.json" for scheme in ("http", "https")]


def test_p95_no_parameter_makes_the_cloud_ask_anybody(
    cloud: Cloud, place: Place, trap: Trap
) -> None:
    for address in addresses(trap):
        for name in NAMING_ADDRESSES:
            place.desk.exchange(cloud, **{name: address})
            _, challenge = pair()
            place.keyed.post(cloud, "/oauth2/par", {**place.keyed.wish(challenge), name: address})
            place.person.get(cloud, place.keyed.direct_path(challenge, **{name: address}))
        for path in ("/oauth2/token", "/oauth2/par", "/oauth2/revoke", "/oauth2/introspect"):
            named = dict.fromkeys(NAMING_ADDRESSES, address)
            cloud.form(path, {**named, "client_id": address, "client_secret": "x"})
            cloud.form(path, {**named, "client_id": FREE, "client_secret": SECRET, "token": "x"})
        for path in ("/oauth2/register", "/oauth2/authorize", "/login", "/device"):
            cloud.form(path, dict.fromkeys(NAMING_ADDRESSES, address))
            metadata = json.dumps(dict.fromkeys(NAMING_ADDRESSES, address))
            cloud.request("POST", path, body=metadata, headers={"Content-Type": "application/json"})
    assert trap.knocks == 0
    trap.is_knocked_at()


def test_p95_no_signed_text_names_a_place_to_fetch_keys_from(
    cloud: Cloud, place: Place, trap: Trap
) -> None:
    for address in addresses(trap):
        for client in (place.desk, place.keyed):
            key = client.key
            assert key
            for more in ("jku", "x5u", "kid", "jwks_uri", "iss"):
                header = {"typ": client_assertions.TYPE, "kid": key.public.thumbprint}
                made = key.sign({**header, more: address}, claims_of(client, address))
                refused(cloud, place.desk, made)
            others: tuple[dict[str, Any], ...] = (
                {"iss": address, "sub": address},
                {"aud": address},
                {"jti": address},
            )
            for claims in others:
                refused(cloud, place.desk, client.assertion(**claims), maybe="jti" in claims)
        body = {"keys": f"{address}", "cnf": {"jku": address}}
        unsigned = ".".join(wrapped(json.dumps(part).encode()) for part in ({"jku": address}, body))
        refused(cloud, place.desk, f"{unsigned}.{wrapped(b'A' * 64)}")
    assert trap.knocks == 0


def claims_of(client: Computer | Application, address: str) -> dict[str, Any]:
    return {"iss": client.client_id, "sub": client.client_id, "aud": ISSUER, "jku": address}


def refused(cloud: Cloud, desk: Computer, assertion: str, *, maybe: bool = False) -> None:
    reply = desk.exchange(cloud, client_assertion=assertion)
    assert reply.status == 401 or maybe, reply.body


def test_p95_no_header_and_no_document_makes_the_cloud_ask_anybody(
    cloud: Cloud, trap: Trap
) -> None:
    token = cloud.token("alice", (FREE, SECRET)).json["access_token"]
    for address in addresses(trap):
        for header in HEADERS:
            cloud.request("GET", "/health", headers={header: address})
            cloud.request(
                "GET", "/.well-known/oauth-authorization-server", headers={header: address}
            )
        cloud.request("GET", address)
        cloud.request("GET", f"/login?{urlencode({'next': address, 'return_to': address})}")
        term = {"$ref": address, "$schema": address, "@context": address, "uri": address}
        document = {"contexts": {"gpii-default": {"name": address, "preferences": term}}}
        assert cloud.save("alice", token, document).status == 200
        device = {"OS": {"id": address}, "solutions": [{"id": address, **term}], **term}
        cloud.settings("alice", token, device)
    assert trap.knocks == 0


def test_p95_the_serving_process_has_nothing_to_ask_with() -> None:
    """No library that sends requests is loaded by what serves."""
    code = (
        "import sys, keyin.cli.cloud_serve, keyin.cloud.wiring, keyin.cloud.serving, "
        "keyin.pages.site, keyin.stores.opening\n"
        "print([m for m in ('httpx', 'requests', 'urllib.request', 'http.client', 'aiohttp', "
        "'keyin.remote.cloud_http') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == "[]\n"
