"""A real `keyin cloud serve` for tests, and plain HTTP to it: nothing between test and wire."""

from __future__ import annotations

import http.client
import json
import shutil
import time
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode, urlsplit

from keyin.stores.postgres.connection import AGAIN_S
from tests.cloud_documents import FREE, SECRET
from tests.started import Started, run, started

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

TIMEOUT_S = 20


@dataclass(frozen=True)
class Reply:
    status: int
    headers: Mapping[str, str]
    body: bytes
    cookies: tuple[str, ...] = ()
    """Each `Set-Cookie`, whole."""

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Cloud:
    process: Started
    data: Path

    @property
    def url(self) -> str:
        return self.process.url

    def request(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | str | None = None,
        ops: bool = False,
    ) -> Reply:
        return send(
            self.process.listeners[0 if ops else -1], method, path, headers=headers, body=body
        )

    def token(self, key: str, client: tuple[str, str], **more: str) -> Reply:
        form = {
            "grant_type": "password",
            "client_id": client[0],
            "client_secret": client[1],
            "username": key,
            "password": "dummy",
            **more,
        }
        return self.form("/access_token", form)

    def form(
        self, path: str, form: Mapping[str, str], headers: Mapping[str, str] | None = None
    ) -> Reply:
        return self.request(
            "POST",
            path,
            body=urlencode(form),
            headers={"Content-Type": "application/x-www-form-urlencoded", **(headers or {})},
        )

    def settings(self, key: str, token: str, device: object) -> Reply:
        path = f"/{quote(key, safe='')}/settings/{quote(json.dumps(device), safe='')}"
        return self.request("GET", path, headers={"Authorization": f"Bearer {token}"})

    def save(self, key: str, token: str, document: object) -> Reply:
        return self.request(
            "PUT",
            f"/{quote(key, safe='')}/settings",
            body=json.dumps(document),
            headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
        )

    def documents(self) -> list[dict[str, Any]]:
        """Read what the store holds, as the export writes it."""
        exported = run("cloud", "export", "--data", self.data)
        assert exported.returncode == 0, exported.stderr
        docs: list[dict[str, Any]] = json.loads(exported.stdout)["docs"]
        return docs


def send(
    url: str,
    method: str,
    path: str,
    *,
    headers: Mapping[str, str] | None = None,
    body: bytes | str | None = None,
) -> Reply:
    place = urlsplit(url)
    assert place.hostname
    connection = http.client.HTTPConnection(place.hostname, place.port, timeout=TIMEOUT_S)
    try:
        connection.request(
            method,
            path,
            body=body.encode() if isinstance(body, str) else body,
            headers=dict(headers or {}),
        )
        response = connection.getresponse()
        named = {name.lower(): value for name, value in response.getheaders()}
        cookies = tuple(response.headers.get_all("set-cookie") or ())
        return Reply(response.status, named, response.read(), cookies)
    finally:
        connection.close()


def import_documents(
    data: Path, documents: Sequence[Mapping[str, Any]], *more: object
) -> dict[str, Any]:
    """Import with everything allowed that tests need; return the command's own report."""
    file = data.parent / f"{data.name}-documents.json"
    file.write_text(json.dumps(documents), encoding="utf-8")
    done = run("cloud", "import", "--data", data, "--allow-test-credentials", "--json", *more, file)
    assert done.returncode in (0, 1), done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def copied(data: Path, to: Path) -> Path:
    """Copy a data folder, also one that a cloud is serving from."""
    shutil.copytree(data, to, ignore=shutil.ignore_patterns("*.sock"))
    return to


def until_all_answer(cloud: Cloud, most_s: float) -> None:
    """Wait until all is good for so long that the worker which failed last asks anew as well."""
    until, since = time.monotonic() + most_s, time.monotonic()
    while time.monotonic() - since < 2 * AGAIN_S:  # which worker answers, nobody knows
        if cloud.token("alice", (FREE, SECRET)).status != HTTPStatus.OK:
            since = time.monotonic()
        assert time.monotonic() < until


@contextmanager
def serving(
    data: Path,
    *arguments: object,
    listen: str = "127.0.0.1:0",
    listeners: int = 1,
    environment: Mapping[str, str] | None = None,
) -> Iterator[Cloud]:
    words = ("cloud", "serve", "--data", data, "--listen", listen, *arguments)
    with started(*words, listeners=listeners, environment=environment) as process:
        yield Cloud(process, data)
