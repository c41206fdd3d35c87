"""A computer enrols over a real Chromium; and web pages that would like to have a word with it.

The cloud and the hostile page count as places on the Internet, as they do in life: a page from
there may lead the browser to this computer, and may not fetch from it or embed it.
"""

from __future__ import annotations

import http.server
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from playwright.sync_api import Error

from tests.browser.conftest import launched
from tests.browser.keyboard import Keyboard
from tests.enrolling_world import World, enrolling_world
from tests.new_computer import NewComputer
from tests.properties.requester.bare import Bare, Conversation, new_bare
from tests.properties.requester.place import needs_other_account
from tests.properties.requester.test_door import tcp_listeners

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page, Playwright, Response

pytestmark = [pytest.mark.browser, needs_other_account]
REBOUND = "rebound.example"
MANY = 30
_FETCH = """async (urls) => {
  const tries = urls.map(url => fetch(url, {mode: 'no-cors'}).then(() => 'came', () => 'blocked'));
  return [...new Set(await Promise.all(tries))];
}"""
_EMBED = """async ([tag, urls]) => {
  const tries = urls.map(url => new Promise(done => {
    const one = document.createElement(tag);
    one.onload = () => done('came'); one.onerror = () => done('blocked');
    setTimeout(() => done('nothing'), 3000);
    one.src = url; document.body.append(one);
  }));
  return [...new Set(await Promise.all(tries))];
}"""


class _Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = b"<!doctype html><html lang=en><title>Evil</title><body></body></html>"
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Say nothing."""


@pytest.fixture(scope="module")
def evil() -> Iterator[str]:
    """Serve a page of somebody else."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Page)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with enrolling_world(tmp_path_factory.mktemp("enrolling")) as one:
        yield one


@pytest.fixture(scope="module")
def outside(playwright: Playwright, world: World, evil: str) -> Iterator[Browser]:
    """Give a browser to which cloud and hostile page are places on the Internet."""
    public = ",".join(f"{urlsplit(url).netloc}=public" for url in (world.url, evil))
    one = launched(
        playwright,
        f"--ip-address-space-overrides={public}",
        f"--host-resolver-rules=MAP {REBOUND} 127.0.0.1",
    )
    yield one
    one.close()


@dataclass
class Waiting:
    """A computer whose listener waits."""

    bare: Bare
    said: Conversation
    url: str
    listener: str

    def wrong(self, count: int = MANY) -> list[str]:
        """Return addresses with states that somebody guessed."""
        pairs = [{"code": "c", "state": f"guess{number}", "iss": "x"} for number in range(count)]
        return [f"{self.listener}?{urlencode(one)}" for one in pairs]


@contextmanager
def waiting(world: World, name: str) -> Iterator[Waiting]:
    with new_bare(name=name) as bare, bare.serving(), bare.enrolling("--cloud", world.url) as said:
        url = said.until("begun")["url"]
        (place,) = tcp_listeners(bare.process.process.pid)
        port = int(place.rpartition(":")[2], 16)
        yield Waiting(bare, said, url, f"http://127.0.0.1:{port}/oauth2/callback")


def knocked(page: Page, url: str) -> Response:
    """Go there by the address bar; an empty 404 is a page that did not load."""
    with page.expect_response(url) as answered, pytest.raises(Error, match="CODE_FAILURE"):
        page.goto(url)
    return answered.value


def approve(page: Page, url: str) -> Keyboard:
    desk = Keyboard(page, "en")
    page.goto(url)
    desk.sign_in()
    desk.tab_to(name="decision", value="approve")
    desk.press()
    return desk


def test_p73_the_browser_ends_at_an_address_without_a_code(world: World, outside: Browser) -> None:
    with waiting(world, "Desk one") as one, outside.new_context(locale="en") as context:
        page = context.new_page()
        came: list[str] = []
        page.on("request", lambda request: came.append(request.url))
        desk = approve(page, one.url)
        page.wait_for_url(f"{world.url}/enrolled?ok=1")
        assert [url for url in came if url.startswith(one.listener)], "the navigation passed"
        assert "code" not in page.url
        assert page.evaluate("performance.getEntriesByType('navigation')[0].name") == page.url
        assert "You can close this page" in desk.page.locator("h1").inner_text()
        desk.looks_right()
        page.go_back()
        assert "code=" not in page.url
        assert one.said.until("enrolled")["client_id"] == one.bare.client_id


def test_p71_a_page_from_the_internet_cannot_fetch_from_the_listener(
    world: World, outside: Browser, evil: str
) -> None:
    with waiting(world, "Desk two") as one, outside.new_context(locale="en") as context:
        page = context.new_page()
        page.goto(evil)
        assert page.evaluate(_FETCH, one.wrong()) == ["blocked"]
        assert page.evaluate(_EMBED, ["img", one.wrong()]) == ["blocked"]
        # were one of these sixty heard, the enrolment would be given up now (P72)
        assert knocked(page, one.wrong(1)[0]).status == 404
        approve(context.new_page(), one.url)
        one.said.until("enrolled")


def test_p72_from_a_page_of_the_same_network_guesses_are_heard_counted_and_end_it(
    world: World, playwright: Playwright, evil: str
) -> None:
    """Where the browser does not stand in the way, only the state does."""
    local = f"{urlsplit(evil).netloc}=loopback"
    browser = launched(playwright, f"--ip-address-space-overrides={local}")
    with waiting(world, "Desk three") as one, browser.new_context(locale="en") as context:
        page = context.new_page()
        page.goto(evil)
        page.evaluate(_FETCH, one.wrong(15))
        page.evaluate(_EMBED, ["img", one.wrong(5)])
        assert one.said.until("progress")["stage"] == "waiting"
        page.evaluate(_EMBED, ["iframe", one.wrong(5)])
        code, complaint = one.said.end()
        assert (code, "interfered" in complaint) == (5, True)
        assert one.bare.client_id is None
    browser.close()


def test_p71_a_name_that_was_turned_to_this_computer_gets_nothing(
    world: World, outside: Browser
) -> None:
    with waiting(world, "Desk four") as one, outside.new_context(locale="en") as context:
        page = context.new_page()
        port = urlsplit(one.listener).port
        turned = f"http://{REBOUND}:{port}/oauth2/callback?code=c&state=s&iss=i"
        answer = knocked(page, turned)
        assert answer.status == 404
        headers = answer.all_headers()
        assert not [name for name in headers if name.startswith("access-control")]
        assert headers["content-security-policy"] == "default-src 'none'"
        assert headers["content-length"] == "0"
        approve(context.new_page(), one.url)
        one.said.until("enrolled")


def test_who_takes_the_port_gets_a_code_that_opens_nothing(world: World, outside: Browser) -> None:
    with waiting(world, "Desk five") as one, outside.new_context(locale="en") as context:
        one.bare.process.kill()
        with squatting(urlsplit(one.listener).port or 0) as came:
            approve(context.new_page(), one.url)
            (path,) = [path for path in came if path.startswith("/oauth2/callback")]
        stolen = {name: texts[0] for name, texts in parse_qs(urlsplit(path).query).items()}
        thief = NewComputer(world.place.cloud, world.url, back=one.listener)
        thief.verifier = "v" * 43
        refused = thief.redeem(stolen["code"])
        assert (refused.status, refused.json["error"]) == (400, "invalid_grant")
        with one.bare.serving():
            assert one.bare.client_id is None
            done = one.bare.enrol("--code", "-", stdin=world.code("Desk five") + "\n")
            assert (done.code, bool(one.bare.client_id)) == (0, True)


@contextmanager
def squatting(port: int) -> Iterator[list[str]]:
    """Listen where somebody else did."""
    came: list[str] = []

    class Squatter(_Page):
        def do_GET(self) -> None:
            came.append(self.path)
            super().do_GET()

    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Squatter)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield came
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
