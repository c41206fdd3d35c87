"""An application's own server, as far as a browser comes back to it: remembers the addresses."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator

ANSWER = b'<!doctype html><html lang="en"><title>Planner</title><h1>You are back</h1></html>'


class Returning(ThreadingHTTPServer):
    """Listens on 127.0.0.1; `came` is what browsers asked for, in order."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.came: list[str] = []

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a browser hangs up when it likes."""


class _Handler(BaseHTTPRequestHandler):
    server: Returning

    def do_GET(self) -> None:
        if self.path != "/favicon.ico":
            self.server.came.append(self.path)
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(ANSWER)))
        self.end_headers()
        self.wfile.write(ANSWER)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Say nothing."""


@contextmanager
def returning(tls: ssl.SSLContext | None = None) -> Iterator[Returning]:
    server = Returning()
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
