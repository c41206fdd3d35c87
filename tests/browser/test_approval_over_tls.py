"""A computer is let in over TLS, by an authority of our own: from https to loopback and back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tests.browser.application import returning
from tests.browser.conftest import launched
from tests.browser.keyboard import Keyboard
from tests.browser.test_end_to_end import Certificate
from tests.cloud_process import Cloud, Reply, serving
from tests.new_computer import NewComputer
from tests.page_place import free_port, make_account

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from playwright.sync_api import Playwright

pytestmark = pytest.mark.browser


@dataclass
class OverTls:
    """A cloud as far as a computer sees it, behind TLS."""

    wire: httpx.Client

    def form(self, path: str, form: Mapping[str, str], headers: Mapping[str, str]) -> Reply:
        return self._reply(self.wire.post(path, data=dict(form), headers=dict(headers)))

    def request(self, method: str, path: str, *, headers: Mapping[str, str], body: str) -> Reply:
        return self._reply(self.wire.request(method, path, headers=dict(headers), content=body))

    def _reply(self, answer: httpx.Response) -> Reply:
        return Reply(answer.status_code, dict(answer.headers), answer.content)


def test_a_computer_is_let_in_over_tls(tmp_path: Path, playwright: Playwright) -> None:
    made = Certificate(tmp_path)
    data, port = tmp_path / "data", free_port()
    issuer = f"https://localhost:{port}"
    make_account(data)
    tls = ("--tls-cert", made.chain, "--tls-key", made.key)
    with (
        returning() as listener,
        serving(data, "--issuer", issuer, *tls, listen=f"127.0.0.1:{port}"),
        httpx.Client(base_url=issuer, verify=made.trusting, trust_env=False) as wire,
    ):
        back = f"http://127.0.0.1:{listener.port}/oauth2/callback"
        computer = NewComputer(cast("Cloud", OverTls(wire)), issuer, back=back)
        browser = launched(playwright, f"--ignore-certificate-errors-spki-list={made.fingerprint}")
        with browser.new_context(base_url=issuer, locale="en") as context:
            desk = Keyboard(context.new_page(), "en")
            desk.goto(computer.address())
            desk.sign_in()
            again = desk.page.reload()  # the question has an address of its own
            assert again
            headers = again.all_headers()
            assert desk.page.locator("p.compare code").inner_text() == computer.fingerprint
            desk.tab_to(name="decision", value="approve")
            desk.press()
            assert desk.page.locator("h1").inner_text() == "You are back"
            said = {
                name: texts[0] for name, texts in parse_qs(urlsplit(desk.page.url).query).items()
            }
            (session,) = context.cookies()
        browser.close()
        assert headers["strict-transport-security"] == "max-age=31536000"
        assert f"form-action 'self' {back}" in headers["content-security-policy"]
        assert session["name"].startswith("__Host-")
        assert (session["secure"], session["httpOnly"]) == (True, True)
        assert (said["iss"], said["state"]) == (issuer, "state-of-mine")
        token = computer.redeem(said["code"]).json["access_token"]
        registered = computer.register(token)
        assert registered.status == 201, registered.body
        assert registered.json["registration_client_uri"].startswith(f"{issuer}/oauth2/register/")
