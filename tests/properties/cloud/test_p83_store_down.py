"""P83 at a started cloud: its store is held by another, or its disk takes nothing more.

Every route that writes says 503 in bounded time, gives nothing, and works again by itself as soon
as the store does. What only reads goes on where the disk is full.
"""

from __future__ import annotations

import json
import resource
import sqlite3
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from keyin.stores.opening import STORE
from tests.cloud_documents import FREE, SECRET, everything, preferences
from tests.cloud_process import Cloud, Reply, import_documents, serving
from tests.oauth_application import Application, Person, account, application, pair
from tests.oauth_client import ISSUER, Computer, registered

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

PATIENCE_S = 15
SOME = ("exchange", "revoke")
"""Where each write waits for the lock before it gives up: two seconds."""
CLIENT = (FREE, SECRET)


class Place:
    """Who asks, each with what it needs to ask well."""

    def __init__(self, data: Path) -> None:
        import_documents(data, everything())
        self.desk: Computer = registered(data)
        self.web: Application = application(data)
        self.person: Person = account(data)
        self.job = application(
            data, "client_secret_basic", "--grant", "client-credentials", "--site", "Main hall"
        )


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Place]:
    data = tmp_path_factory.mktemp("down") / "data"
    return data, Place(data)


@pytest.fixture(scope="module")
def cloud(place: tuple[Path, Place]) -> Iterator[Cloud]:
    with serving(place[0], "--issuer", ISSUER) as running:
        yield running


@contextmanager
def held(cloud: Cloud) -> Iterator[None]:
    """Hold the store's lock for writing, as a backup that went wrong may."""
    other = sqlite3.connect(cloud.data / STORE, isolation_level=None, timeout=10)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.execute("ROLLBACK")
        other.close()


@contextmanager
def full(cloud: Cloud) -> Iterator[None]:
    """Let no file of that process grow: what it sees is a disk that takes nothing."""
    pid = cloud.process.process.pid
    before = resource.prlimit(pid, resource.RLIMIT_FSIZE)  # type: ignore[attr-defined,unused-ignore]  # Linux
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, before[1]))  # type: ignore[attr-defined,unused-ignore]  # Linux
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, before)  # type: ignore[attr-defined,unused-ignore]  # Linux


def writing(cloud: Cloud, place: Place, token: str, *, some: bool) -> dict[str, Reply]:
    """Ask at everything, or `some`, that has to write before it may say yes."""
    proving = {"client_id": FREE, "client_secret": SECRET}
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    asked: dict[str, Callable[[], Reply]] = {
        "old grant": lambda: cloud.token("alice", CLIENT),
        "exchange": lambda: place.desk.exchange(cloud),
        "job": lambda: place.job.post(cloud, "/oauth2/token", {"grant_type": "client_credentials"}),
        "push": lambda: place.web.push(cloud, pair()[1]),
        "save": lambda: cloud.request(
            "PUT", "/settings", body=json.dumps(preferences(fontSize=25)), headers=headers
        ),
        "revoke": lambda: cloud.form("/oauth2/revoke", {**proving, "token": token}),
    }
    replies = {}
    for name in SOME if some else asked:
        began = time.monotonic()
        replies[name] = asked[name]()
        assert time.monotonic() - began < PATIENCE_S, name
    return replies


@pytest.mark.parametrize("trouble", [held, full], ids=["held", "full"])
def test_p83_a_store_that_cannot_be_written_gives_nothing_and_recovers(
    cloud: Cloud,
    place: tuple[Path, Place],
    trouble: Callable[[Cloud], AbstractContextManager[None]],
) -> None:
    if trouble is full and sys.platform != "linux":
        pytest.skip("only Linux changes the limits of a process that runs")
    token = str(cloud.token("alice", CLIENT).json["access_token"])
    assert place[1].desk.exchange(cloud).status == 200
    with trouble(cloud):
        down = writing(cloud, place[1], token, some=trouble is held)
        assert cloud.settings("alice", token, {}).status in {200, 503}
        assert cloud.request("GET", "/health").status == 200
    for name, reply in down.items():
        assert reply.status == 503, (name, reply.status, reply.body)
        assert reply.headers["retry-after"].isdecimal(), name
        told: dict[str, Any] = reply.json
        assert "token" not in reply.body.decode().replace("token_", ""), name
        assert told.get("error", "server_error") in {"server_error", "temporarily_unavailable"}
        for inside in ("sqlite", "disk", "locked", str(cloud.data)):
            assert inside not in reply.body.decode().lower(), name
    assert cloud.process.process.poll() is None
    up = writing(cloud, place[1], token, some=False)
    assert {reply.status // 100 for reply in up.values()} == {2}
    assert cloud.settings("alice", token, {}).status == 401, "it was revoked at last"
