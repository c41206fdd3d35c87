"""A small authorization server over real HTTP: RFC 8414, 8693, 7009 as far as a computer asks.

Client assertions are checked for real, proofs only for whose they are; and it can misbehave.
"""

from __future__ import annotations

import json
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from keyin.domain.environment import Millis
from keyin.remote.cloud_token import EXCHANGE
from keyin.stores.host import SystemEntropy
from keyin.wire import client_assertions, dpop_proofs
from keyin.wire.jose import InvalidSignature, parse
from keyin.wire.signing_key import new_key

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator

    from keyin.wire.jose import PublicKey

CLIENT_ID = "library-7"
INSTALLATION = new_key(SystemEntropy())
PRIVATE_JWK = INSTALLATION.private_jwk()
PRIVATE = PRIVATE_JWK["d"]
CREDENTIAL: dict[str, Any] = {"client_id": CLIENT_ID, "private_key": PRIVATE_JWK}

METADATA, TOKEN, REVOKE = (
    "/.well-known/oauth-authorization-server",
    "/oauth2/token",
    "/oauth2/revoke",
)
Answer = tuple[int, dict[str, str], dict[str, Any]]


@dataclass
class FakeCloud:
    """What it knows, what it was asked, and how it misbehaves."""

    clients: dict[str, PublicKey] = field(default_factory=lambda: {CLIENT_ID: INSTALLATION.public})
    keys: set[str] = field(default_factory=lambda: {"alice-key", "bob-key"})
    paths: list[str] = field(default_factory=list)
    """Of every request, in order."""
    requests: list[dict[str, str]] = field(default_factory=list)
    """The forms that the token endpoint got."""
    revoked: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    """Of the token endpoint's requests."""
    expires_in: int = 900
    delay_s: float = 0.0
    clock_ahead_s: float = 0.0
    nonce: str | None = None
    """What proofs must hold."""
    metadata: dict[str, Any] = field(default_factory=dict)
    """What it says of itself besides, or otherwise."""
    instead: tuple[int, dict[str, str], bytes] | None = None
    """The token endpoint's answer, whatever is asked."""
    revocation_down: bool = False
    url: str = ""
    time: Callable[[], float] = time.time

    @property
    def grants(self) -> int:
        return sum(one.get("grant_type") == EXCHANGE for one in self.requests)

    def now(self) -> Millis:
        return Millis(int((self.time() + self.clock_ahead_s) * 1000))

    def described(self) -> dict[str, Any]:
        return {
            "issuer": self.url,
            "token_endpoint": self.url + TOKEN,
            "revocation_endpoint": self.url + REVOKE,
            **self.metadata,
        }

    def handle(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        """Answer one request."""
        self.paths.append(path)
        form = dict(parse_qsl(body.decode()))
        if (method, path) == ("GET", METADATA):
            return 200, {}, self.described()
        if (method, path) == ("POST", TOKEN):
            self.requests.append(form)
            self.headers.append(headers)
            return self.exchange(form, headers)
        if (method, path) == ("POST", REVOKE) and not self.revocation_down:
            if not self._proven(form):
                return 401, {}, {"error": "invalid_client"}
            self.revoked.append(form["token"])
            return 200, {}, {}
        return 503 if path == REVOKE else 404, {}, {}

    def exchange(self, form: dict[str, str], headers: dict[str, str]) -> Answer:
        """Decide in the order of the real one."""
        if not self._proven(form):
            return 401, {}, {"error": "invalid_client"}
        try:
            proof = headers.get("dpop", "")
            jkt = dpop_proofs.sender(proof)
            claims = parse(proof, parameters=frozenset({"alg", "typ", "jwk"})).claims
        except InvalidSignature:
            return 400, {}, {"error": "invalid_dpop_proof"}
        if self.nonce is not None and claims.get("nonce") != self.nonce:
            return 400, {"DPoP-Nonce": self.nonce}, {"error": "use_dpop_nonce"}
        if form.get("resource") != self.url or form.get("subject_token") not in self.keys:
            return 400, {}, {"error": "invalid_request"}
        token = f"token-{len(self.requests)}-{jkt[:8]}"
        answer = {"access_token": token, "expires_in": self.expires_in, "token_type": "DPoP"}
        return 200, {}, answer

    def _proven(self, form: dict[str, str]) -> bool:
        try:
            claimed = client_assertions.read(form.get("client_assertion", ""))
            key = self.clients[claimed.client_id]
            client_assertions.check(claimed, key, issuer=self.url, now=self.now())
        except (InvalidSignature, KeyError):
            return False
        return form.get("client_assertion_type") == client_assertions.ASSERTION_TYPE


def _handler(cloud: FakeCloud) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer(b"")

        def do_DELETE(self) -> None:
            self._answer(b"")

        def do_POST(self) -> None:
            self._answer(self.rfile.read(int(self.headers["content-length"])))

        def do_PUT(self) -> None:
            self.do_POST()

        def _answer(self, body: bytes) -> None:
            named = {name.lower(): value for name, value in self.headers.items()}
            status, extra, content = cloud.handle(self.command, self.path, named, body)
            raw = json.dumps(content).encode()
            if self.path == TOKEN:
                time.sleep(cloud.delay_s)
                if cloud.instead:
                    status, extra, raw = cloud.instead
            self.send_response_only(status)
            self.send_header("Date", formatdate(cloud.now() / 1000, usegmt=True))
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
