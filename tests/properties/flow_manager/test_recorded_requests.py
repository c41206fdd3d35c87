"""What the local side sends to the cloud, against the original's recorded requests."""

from __future__ import annotations

import http.server
import json
import os
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import pytest

from tests.local_cases import cases
from tests.shared_data import needs_shared
from tests.started import run, started
from tests.three_processes import REGISTRY, SOLUTION, person, serve

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def recording_cloud(expires_in: int) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Answer as the original's cloud, and keep what was asked."""
    asked: list[dict[str, Any]] = []

    class Cloud(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            self._keep(body)
            token = f"token-{len(asked)}"
            self._answer({"access_token": token, "expiresIn": expires_in, "token_type": "Bearer"})

        def do_GET(self) -> None:
            self._keep(None)
            self._answer(
                {
                    "gpiiKey": "",
                    "preferences": {},
                    "solutionsRegistryEntries": REGISTRY,
                    "matchMakerOutput": {"inferredConfiguration": {}},
                }
            )

        def _keep(self, body: Any) -> None:
            asked.append(
                {
                    "method": self.command,
                    "path": self.path,
                    "contentType": self.headers["content-type"],
                    "json": body,
                    "authorization": self.headers["authorization"],
                }
            )

        def _answer(self, document: dict[str, Any]) -> None:
            body = json.dumps(document).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Cloud)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@needs_shared
@pytest.mark.parametrize("case", cases("access-request"))
def test_recorded_requests(case: dict[str, Any], tmp_path: Path) -> None:
    environment = person(tmp_path)
    place = tmp_path / "requester"
    place.mkdir(mode=0o700)
    (place / "credential.json").write_text(json.dumps(case["clientCredentials"]))
    (place / "credential.json").chmod(0o600)
    (tmp_path / "linux.json5").write_text(json.dumps(REGISTRY))
    with recording_cloud(expires_in=3600) as (cloud, asked):
        (place / "requester.toml").write_text(
            f'cloud = "{cloud}"\ncredential = "credential.json"\nsocket = "socket"\n'
            f"allow = [{os.geteuid()}]\n"
        )
        with (
            started("requester", "serve", "--config", place / "requester.toml"),
            started(*serve(tmp_path, cloud, place / "socket"), environment=environment),
        ):
            login = run("login", "-", environment=environment, stdin=case["key"])
            assert login.returncode == 0, login.stderr
            post, get = list(asked)
    wanted_post, wanted_get = case["expectRequests"]
    assert {name: post[name] for name in wanted_post} == wanted_post
    prefix, _ = wanted_get["path"].split("{")
    assert (get["method"], get["path"].startswith(prefix)) == (wanted_get["method"], True)
    device = json.loads(unquote(get["path"].removeprefix(prefix)))
    assert device["OS"]["id"] == "linux"
    assert device["solutions"] == [{"id": SOLUTION}]
    assert get["authorization"] == wanted_get["authorization"].format(access_token="token-1")
