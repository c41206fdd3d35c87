"""A small cloud over real HTTP: the token endpoint as cloud-wire §3 has it, and what goes wrong."""

from __future__ import annotations

import json
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator

UNAUTHORIZED = (401, {"error": "server_error", "error_description": "Unauthorized"})


@dataclass
class FakeCloud:
    """What it knows, what it was asked, and how it misbehaves."""

    credentials: dict[str, str] = field(default_factory=lambda: {"library-7": "s" * 43})
    keys: set[str] = field(default_factory=lambda: {"alice-key", "bob-key"})
    requests: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    expires_in: int = 3600
    delay_s: float = 0.0
    clock_ahead_s: float = 0.0
    instead: tuple[int, dict[str, str], bytes] | None = None
    url: str = ""

    @property
    def grants(self) -> int:
        return sum(one.get("grant_type") == "password" for one in self.requests)

    def answer(self, asked: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Decide in the order of cloud-wire §3.2."""
        self.requests.append(asked)
        if self.credentials.get(asked.get("client_id", "")) != asked.get("client_secret"):
            return UNAUTHORIZED
        if asked.get("grant_type") != "password":
            return 501, {"error": "unsupported_grant_type"}
        if asked.get("username") not in self.keys:
            return UNAUTHORIZED
        token = f"token-{len(self.requests)}-{asked['username']}"
        return 200, {"access_token": token, "expiresIn": self.expires_in, "token_type": "Bearer"}


def _handler(cloud: FakeCloud) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            cloud.headers.append({name.lower(): value for name, value in self.headers.items()})
            status, content = cloud.answer(json.loads(body))
            raw = json.dumps(content).encode()
            extra: dict[str, str] = {}
            time.sleep(cloud.delay_s)
            if cloud.instead:
                status, extra, raw = cloud.instead
            self.send_response_only(status)
            self.send_header("Date", formatdate(time.time() + cloud.clock_ahead_s, usegmt=True))
            for name, value in {"Content-Length": str(len(raw)), **extra}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, *_: object) -> None:
        """Say nothing: a client that goes away is part of the tests."""


@contextmanager
def running_cloud(
    cloud: FakeCloud | None = None, *, tls: ssl.SSLContext | None = None
) -> Iterator[FakeCloud]:
    """Serve on a free loopback port until the block ends."""
    cloud = cloud or FakeCloud()
    server = _Server(("127.0.0.1", 0), _handler(cloud))
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    scheme = "https" if tls else "http"
    cloud.url = f"{scheme}://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield cloud
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
