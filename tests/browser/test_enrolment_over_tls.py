"""A computer enrols by its browser at a cloud over TLS, by an authority that the computer names."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
import trustme

from tests.browser.conftest import launched
from tests.browser.keyboard import Keyboard
from tests.browser.test_end_to_end import Certificate
from tests.cloud_process import serving
from tests.page_place import free_port, make_account
from tests.properties.requester.bare import Bare, new_bare
from tests.properties.requester.place import needs_other_account

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Playwright

pytestmark = [pytest.mark.browser, needs_other_account]


def trusting(bare: Bare, issuer: str, authority: Path) -> None:
    bare.configure(cloud=f"{issuer}'\nca = '{authority}")


def test_p22_a_computer_enrols_by_its_browser_over_tls_and_trusts_nobody_else(
    tmp_path: Path, playwright: Playwright
) -> None:
    made, data, port = Certificate(tmp_path), tmp_path / "data", free_port()
    issuer, another = f"https://localhost:{port}", tmp_path / "another.pem"
    trustme.CA().cert_pem.write_to_path(another)
    make_account(data)
    words = ("--issuer", issuer, "--tls-cert", made.chain, "--tls-key", made.key)
    browser = launched(
        playwright,
        f"--ignore-certificate-errors-spki-list={made.fingerprint}",
        f"--ip-address-space-overrides=127.0.0.1:{port}=public",
    )
    with serving(data, *words, listen=f"127.0.0.1:{port}") as cloud, new_bare() as bare:
        trusting(bare, issuer, another)
        with bare.serving():
            refused = bare.enrol()
            assert (refused.code, refused.error["error"]) == (4, "cloud_unreachable")
            assert "/oauth2/par" not in cloud.process.output
        trusting(bare, issuer, made.authority)
        with (
            bare.serving(),
            bare.enrolling() as said,
            browser.new_context(base_url=issuer, locale="en") as context,
        ):
            begun = said.until("begun")
            assert begun["url"].startswith(f"{issuer}/oauth2/authorize?")
            desk, came = Keyboard(context.new_page(), "en"), list[str]()
            desk.page.on("request", lambda request: came.append(request.url))
            desk.goto(begun["url"])
            desk.sign_in()
            assert desk.page.locator("p.compare code").inner_text() == begun["fingerprint"]
            desk.tab_to(name="decision", value="approve")
            desk.press()
            desk.page.wait_for_url(f"{issuer}/enrolled?ok=1")
            (back,) = [url for url in came if "/oauth2/callback" in url]
            assert (urlsplit(back).scheme, urlsplit(back).hostname) == ("http", "127.0.0.1")
            assert said.until("enrolled")["client_id"] == bare.client_id
            assert said.end() == (0, "")
            held = bare.files.held()
            assert held
            assert held.registered
            assert held.registered.uri.startswith(f"{issuer}/oauth2/register/")
            assert bare.keyin("rotate").returncode == 0
            assert bare.keyin("leave").returncode == 0
    browser.close()
