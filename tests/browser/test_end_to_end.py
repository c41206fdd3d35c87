"""An application, a person and the cloud, over TLS, from the wish to the account's name."""

from __future__ import annotations

import ssl
from base64 import b64encode
from hashlib import sha256
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.browser.application import returning
from tests.browser.conftest import launched
from tests.browser.keyboard import Keyboard
from tests.cloud_process import serving
from tests.oauth_application import application, pair
from tests.page_place import NAME, free_port, make_account

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Playwright

pytestmark = pytest.mark.browser


class Certificate:
    """One of an authority of our own, for localhost."""

    def __init__(self, folder: Path) -> None:
        authority = trustme.CA()
        issued = authority.issue_cert("localhost")
        self.chain, self.key = folder / "chain.pem", folder / "key.pem"
        issued.private_key_pem.write_to_path(self.key)
        self.key.chmod(0o600)
        self.authority = folder / "authority.pem"
        authority.cert_pem.write_to_path(self.authority)
        self.chain.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
        self.serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        issued.configure_cert(self.serving)
        self.trusting = ssl.create_default_context()
        authority.configure_trust(self.trusting)
        leaf = x509.load_pem_x509_certificate(issued.cert_chain_pems[0].bytes())
        public = leaf.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        self.fingerprint = b64encode(sha256(public).digest()).decode()


def test_a_wish_becomes_a_token_in_a_browser_over_tls(
    tmp_path: Path, playwright: Playwright
) -> None:
    made = Certificate(tmp_path)
    data, port = tmp_path / "data", free_port()
    issuer = f"https://localhost:{port}"
    make_account(data)
    tls = ("--tls-cert", made.chain, "--tls-key", made.key)
    trusting = f"--ignore-certificate-errors-spki-list={made.fingerprint}"
    with returning(made.serving) as back:
        there = f"https://localhost:{back.port}/callback"
        planner = application(data, back=there)
        listen = f"127.0.0.1:{port}"
        with (
            serving(data, "--issuer", issuer, *tls, listen=listen),
            httpx.Client(base_url=issuer, verify=made.trusting, trust_env=False) as wire,
        ):
            verifier, challenge = pair()
            wish = {name: text for name, text in planner.wish(challenge).items() if text}
            proven = httpx.BasicAuth(planner.client_id, planner.secret or "")
            pushed = wire.post("/oauth2/par", data=wish, auth=proven).json()
            browser = launched(playwright, trusting)
            with browser.new_context(base_url=issuer, locale="en") as context:
                desk = Keyboard(context.new_page(), "en")
                desk.goto(planner.authorize_path(pushed["request_uri"]))
                headers = _headers(desk)
                desk.sign_in()
                desk.tab_to(name="decision", value="approve")
                desk.press()
                assert desk.page.locator("h1").inner_text() == "You are back"
                cookies = {cookie["name"]: cookie for cookie in context.cookies()}
            browser.close()
            assert headers["strict-transport-security"] == "max-age=31536000"
            (session,) = cookies.values()
            assert session["name"].startswith("__Host-")
            assert (session["secure"], session["httpOnly"]) == (True, True)
            (came,) = back.came
            told = {name: texts[0] for name, texts in parse_qs(urlsplit(came).query).items()}
            assert (told["state"], told["iss"]) == ("state-of-mine", issuer)
            form = {
                "grant_type": "authorization_code",
                "code": told["code"],
                "redirect_uri": there,
                "code_verifier": verifier,
            }
            token = wire.post("/oauth2/token", data=form, auth=proven).json()
            asked = {"Authorization": f"Bearer {token['access_token']}"}
            account: dict[str, Any] = wire.get("/api/v1/account", headers=asked).json()
            assert account["name"] == NAME


def test_computers_are_looked_after_over_tls(tmp_path: Path, playwright: Playwright) -> None:
    made = Certificate(tmp_path)
    data, port = tmp_path / "data", free_port()
    issuer = f"https://localhost:{port}"
    make_account(data)
    tls = ("--tls-cert", made.chain, "--tls-key", made.key)
    browser = launched(playwright, f"--ignore-certificate-errors-spki-list={made.fingerprint}")
    with serving(data, "--issuer", issuer, *tls, listen=f"127.0.0.1:{port}"):
        with browser.new_context(base_url=issuer, locale="en") as context:
            desk = Keyboard(context.new_page(), "en")
            desk.goto("/manage/installations/new")
            desk.sign_in()
            assert _headers(desk)["strict-transport-security"] == "max-age=31536000"
            assert issuer in desk.page.locator("main").inner_text()
            desk.tab_to(href="/manage/enrolment-codes/new")
            desk.press()
            desk.type("name", "Desk 3")
            desk.tab_to(name="type", value="public")
            desk.page.keyboard.press("Space")
            desk.tab_to(tag="BUTTON")
            desk.press()
            assert desk.page.locator("#code").input_value().startswith("keyin-1.")
        browser.close()


def _headers(desk: Keyboard) -> dict[str, str]:
    response = desk.page.reload()
    assert response
    return response.all_headers()
