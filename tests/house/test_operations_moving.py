"""Every command of docs/operations/moving.md is run as it stands there, in folders of the test."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest

from tests.cloud_documents import LINUX, SECRET, client, credential, key, preferences, safe
from tests.cloud_process import Cloud
from tests.house.sources import PACKAGE, ROOT
from tests.started import run, started

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PAGE = (ROOT / "docs" / "operations" / "moving.md").read_text(encoding="utf-8")
LINES = "".join(re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)).splitlines()
LIMITS = {"allowedIPBlocks": ["127.0.0.1/32"], "allowedPrefsToWrite": []}
CREDENTIALS = [credential("main-hall", **LIMITS)]
SITE = [client(), *CREDENTIALS, key("ada"), safe("ada", preferences(fontSize=31))]


class _Database(BaseHTTPRequestHandler):
    """Answers as CouchDB does at `_all_docs`."""

    def do_GET(self) -> None:
        found = self.path == "/gpii/_all_docs?include_docs=true"
        rows = [{"id": one["_id"], "value": {"rev": "1-a"}, "doc": one} for one in SITE]
        body = json.dumps({"total_rows": len(rows), "offset": 0, "rows": rows}).encode()
        self.send_response(200 if found else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Give a folder with what the page takes for granted, and a database to take data out of."""
    (tmp_path / "lib").mkdir()
    (tmp_path / "clientCredentials.json").write_text(json.dumps(CREDENTIALS))
    shutil.copytree(PACKAGE / "data" / "solutions", tmp_path / "solutions")
    database = ThreadingHTTPServer(("127.0.0.1", 0), _Database)
    Thread(target=database.serve_forever, daemon=True).start()
    (tmp_path / "database").write_text(f"127.0.0.1:{database.server_port}")
    yield tmp_path
    database.shutdown()
    database.server_close()


def _words(line: str, folder: Path) -> list[str]:
    """Return the line's words at the places of this test."""
    text = line.replace("/var/lib/keyin", str(folder / "lib"))
    text = text.replace("127.0.0.1:5984", (folder / "database").read_text())
    files = ("gpii.json", "everything.json", "clientCredentials.json", "solutions")
    return [str(folder / word) if word in files else word for word in shlex.split(text)]


@contextmanager
def _served(words: list[str]) -> Iterator[Cloud]:
    """Serve as the line says, but for the port."""
    words[words.index("--listen") + 1] = "127.0.0.1:0"
    with started(*words) as process:
        yield Cloud(process, ROOT)


def _as_before(cloud: Cloud) -> None:
    """Key in as a client of the original's."""
    granted = cloud.token("ada", ("main-hall", SECRET))
    assert (granted.status, granted.json["expiresIn"]) == (200, 3600)
    told = cloud.settings("ada", granted.json["access_token"], LINUX).json
    sizes = told["preferences"]["contexts"]["gpii-default"]["preferences"]
    assert list(sizes.values()) == [31]


@pytest.mark.skipif(not (shutil.which("curl") and shutil.which("shred")), reason="no curl or shred")
def test_every_command_of_the_moving_page_does_what_it_says(folder: Path) -> None:
    served = 0
    for line in LINES:
        words = _words(line, folder)
        if words[:3] == ["keyin", "cloud", "serve"]:
            with _served(words[1:]) as cloud:
                _as_before(cloud)
            served += 1
        elif words[0] == "keyin":
            done = run(*words[1:], environment={"LANGUAGE": "en"})
            assert done.stderr == ""
            assert done.returncode == (1 if "rehearsal" in line and "check" in line else 0), line
            assert "refused" not in done.stdout
        elif words[0] != "umask":
            subprocess.run(words, check=True, timeout=20)
    assert served == 2
    assert not (folder / "gpii.json").exists()
    assert (folder / "everything.json").stat().st_mode & 0o077 == 0
    second = ["cloud", "serve", "--data", str(folder / "lib" / "second"), "--listen", ""]
    with _served(second) as cloud:
        _as_before(cloud)
