"""A real page and a second account against the listener of a started flow manager."""

from __future__ import annotations

import http.client
import http.server
import os
import signal
import socket
import struct
import subprocess
import threading
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.started import started
from tests.three_processes import person

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.started import Started

CHROMIUM = Path("/usr/bin/chromium")
ASK = "import sys, urllib.request as u, urllib.error as e\ntry: print(u.urlopen(sys.argv[1]).status)\nexcept e.HTTPError as x: print(x.code)"  # noqa: E501 - a program


@contextmanager
def listening(folder: Path) -> Iterator[Started]:
    """Start a flow manager whose cloud and requester are not there: being heard means a 500."""
    with started(
        "flow-manager", "serve", "--cloud", "http://127.0.0.1:9",
        "--requester", folder / "nobody" / "socket", "--listen", "127.0.0.1:0",
        environment=person(folder), listeners=2,
    ) as process:  # fmt: skip
        yield process


def heard(process: Started) -> list[str]:
    """Return the log lines of requests that were carried out."""
    return [line for line in process.output.splitlines() if '"http_request"' in line]


@contextmanager
def page_server(body: str) -> Iterator[str]:
    """Serve one page on another origin."""

    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://localhost:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.mark.browser
@pytest.mark.skipif(not CHROMIUM.exists(), reason="no Chromium here")
def test_a_web_page_keys_nobody_in(tmp_path: Path) -> None:
    sync_api = pytest.importorskip("playwright.sync_api")
    with listening(tmp_path) as process:
        url = f"{process.url}/user/alice/login"
        tricks = f"""
          <img src="{url}"><script src="{url}"></script><link rel="stylesheet" href="{url}">
          <iframe src="{url}"></iframe><form id="f" action="{url}"></form>
          <a id="link" href="{url}">a prize</a>
          <script>fetch("{url}", {{mode: "no-cors"}}).catch(() => 0);
          fetch("{url}", {{method: "POST", mode: "no-cors", body: "x"}}).catch(() => 0);
          navigator.sendBeacon("{url}");</script>"""
        with page_server(tricks) as page_url, sync_api.sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=str(CHROMIUM), args=["--no-sandbox"]
            )
            try:
                page = browser.new_page()
                page.goto(page_url, wait_until="networkidle")
                page.click("#link")
                assert "not heard" in page.content()
                page.goto(page_url)
                page.evaluate("document.getElementById('f').submit()")
                page.wait_for_url("**/login*")
                assert "not heard" in page.content()
            finally:
                browser.close()
    assert heard(process) == []  # all of its output is there once it has ended
    assert process.output.count('"http_request_refused"') >= 6


def test_a_program_of_the_same_account_is_heard(tmp_path: Path) -> None:
    with listening(tmp_path) as process:
        answer = httpx.get(f"{process.url}/user/alice/login", trust_env=False)
        assert answer.status_code == 500
    assert len(heard(process)) == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="becoming another account needs root")
@pytest.mark.parametrize("family", ["127.0.0.1", "[::1]"])
def test_another_account_is_not_heard(family: str, tmp_path: Path) -> None:
    with started(
        "flow-manager", "serve", "--cloud", "http://127.0.0.1:9",
        "--requester", tmp_path / "nobody" / "socket", "--listen", f"{family}:0",
        environment=person(tmp_path), listeners=2,
    ) as process:  # fmt: skip
        asked = subprocess.run(
            ["/usr/bin/env", "-i", "python3", "-c", ASK, f"{process.url}/user/alice/login"],
            check=False, capture_output=True, text=True, user="nobody", timeout=30, cwd="/",
        )  # fmt: skip
        assert asked.stdout.strip() == "403", asked.stderr
        control = process.listeners[0].removeprefix("unix:")
        knock = f"import socket; socket.socket(socket.AF_UNIX).connect({control!r})"
        refused = subprocess.run(
            ["/usr/bin/env", "-i", "python3", "-c", knock],
            check=False, capture_output=True, text=True, user="nobody", timeout=30, cwd="/",
        )  # fmt: skip
        assert "PermissionError" in refused.stderr
    assert heard(process) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="becoming another account needs root")
def test_another_account_holds_no_place(tmp_path: Path) -> None:
    """It says nothing, and is sent away without being waited for."""
    with listening(tmp_path) as process:
        port = process.url.rpartition(":")[2]
        silent = (
            "import socket, sys\nfor _ in range(40):\n"
            "    s = socket.create_connection(('127.0.0.1', int(sys.argv[1])), 5)\n"
            "    assert b' 403 ' in s.recv(9999)\nprint('ok')"
        )
        done = subprocess.run(
            ["/usr/bin/python3", "-I", "-c", silent, port],
            check=False, capture_output=True, text=True, user="nobody", timeout=60, cwd="/",
        )  # fmt: skip
        assert done.stdout == "ok\n", done.stderr


def test_who_is_gone_at_once_leaves_no_trace(tmp_path: Path) -> None:
    """Nor do they take a place from who asks after them, however late the process looks."""
    with listening(tmp_path) as process:
        host = process.url.removeprefix("http://")
        place = "127.0.0.1", int(host.rpartition(":")[2])
        process.process.send_signal(signal.SIGSTOP)
        try:
            for _ in range(50):
                with socket.create_connection(place) as wire:
                    wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            asking = http.client.HTTPConnection(host, timeout=20)
            asking.request("GET", "/user/alice/login")  # behind them in the same queue
        finally:
            process.process.send_signal(signal.SIGCONT)
        with closing(asking):
            assert asking.getresponse().status == 500
    assert "Traceback" not in process.output
    assert "exception" not in process.output
