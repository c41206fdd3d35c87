"""P85 on PostgreSQL: kill -9 of it and of workers under load, at moments left to chance.

Every save and every revocation that was answered is there afterwards, no later one is undone, and
the cloud goes on by itself. What was not answered may be there or not.
"""

from __future__ import annotations

import http.client
import json
import os
import random
import re
import signal
import threading
import time
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests import postgres
from tests.cloud_documents import FREE, LINUX, SECRET, everything, key, preferences, safe
from tests.cloud_process import Cloud, import_documents, serving
from tests.properties.cloud.refusals import GENEROUS
from tests.started import run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cloud_process import Reply

pytestmark = postgres.needs_postgres
CLIENT: Final = (FREE, SECRET)
PEOPLE: Final = ("ada", "ben", "cleo")
RECOVERY_S: Final = 30
DOWN: Final = (OSError, http.client.HTTPException)


@dataclass
class Person:
    """Saves one number after the other; knows which was answered, and which was asked for."""

    name: str
    token: str
    answered: int = 0
    asked: int = 0
    saved: int = 0
    """How many were answered."""

    def step(self, cloud: Cloud) -> None:
        self.asked += 1
        if cloud.save(self.name, self.token, preferences(fontSize=self.asked)).status == 200:
            self.answered = self.asked
            self.saved += 1

    def look(self, cloud: Cloud) -> None:
        reply = _when_up(lambda: cloud.settings(self.name, self.token, LINUX))
        assert reply.status == 200, (self.name, reply.status, reply.body)
        (found,) = set(re.findall(rb'fontSize":(\d+)', reply.body))
        assert self.answered <= int(found) <= self.asked, (self.name, found, self)


@dataclass
class Revoker:
    """Gets a token and takes it back, again and again."""

    granted: list[str] = field(default_factory=list)
    revoked: list[str] = field(default_factory=list)

    def step(self, cloud: Cloud) -> None:
        reply = cloud.token("alice", CLIENT)
        if reply.status != 200:
            return
        token = str(reply.json["access_token"])
        form = {"client_id": FREE, "client_secret": SECRET, "token": token}
        try:
            done = cloud.form("/oauth2/revoke", form).status == 200
        except DOWN:
            return
        (self.revoked if done else self.granted).append(token)

    def look(self, cloud: Cloud, chance: random.Random) -> None:
        last = self.revoked[-5:] + chance.sample(self.revoked, min(5, len(self.revoked)))
        for token in last:
            assert _when_up(partial(cloud.settings, "alice", token, LINUX)).status == 401


def _when_up(ask: Callable[[], Reply]) -> Reply:
    """Ask until the worker that answers has found PostgreSQL again."""
    until = time.monotonic() + RECOVERY_S
    while (reply := ask()).status == 503:
        assert time.monotonic() < until
        time.sleep(0.05)
    return reply


def _under_load(
    cloud: Cloud, steps: list[Callable[[Cloud], None]], kill: Callable[[], None]
) -> None:
    """Let all of them go on while something is killed, and a little longer."""
    over = threading.Event()
    failures: list[BaseException] = []

    def go_on(step: Callable[[Cloud], None]) -> None:
        try:
            while not over.is_set():
                try:
                    step(cloud)
                except DOWN:
                    time.sleep(0.005)
        except BaseException as error:  # noqa: BLE001 - raised below, in the test's own thread
            failures.append(error)

    threads = [threading.Thread(target=go_on, args=(step,)) for step in steps]
    for thread in threads:
        thread.start()
    try:
        kill()
    finally:
        over.set()
        for thread in threads:
            thread.join(60)
    assert not failures, failures


def _until_ready(cloud: Cloud) -> None:
    until, good = time.monotonic() + RECOVERY_S, 0
    while good < 4:
        assert time.monotonic() < until, cloud.process.output[-2000:]
        try:
            good = good + 1 if cloud.request("GET", "/ready").status == 200 else 0
        except DOWN:
            good = 0
        time.sleep(0.01)


def _kill_often(folder: Path, kills: int, seed: int) -> dict[str, int]:
    chance = random.Random(seed)  # noqa: S311 - when to kill, not a secret
    cluster = postgres.make(durable=True)
    data = postgres.shared(folder / "data", on=cluster)
    import_documents(data, [*everything(), *(one(name) for name in PEOPLE for one in (key, safe))])
    config = folder / "cloud.toml"
    config.write_text(GENEROUS)
    issuer = "http://127.0.0.1:8081"
    counts = {"postgres": 0, "worker": 0}
    with serving(data, "--issuer", issuer, "--config", config) as cloud:
        people = [Person(name, cloud.token(name, CLIENT).json["access_token"]) for name in PEOPLE]
        revoker = Revoker()
        steps = [*(person.step for person in people), revoker.step, revoker.step]

        def kill() -> None:
            time.sleep(chance.uniform(0.02, 0.3))
            what = chance.choice(sorted(counts))
            counts[what] += 1
            if what == "postgres":
                cluster.stop(signal.SIGKILL)
                time.sleep(chance.uniform(0, 0.1))
                cluster.start()
            else:
                workers = sorted(postgres.children(cloud.process.process.pid))
                os.kill(chance.choice(workers), signal.SIGKILL)
            time.sleep(chance.uniform(0, 0.1))

        while sum(counts.values()) < kills:
            _under_load(cloud, list(steps), kill)
            _until_ready(cloud)
            for person in people:
                person.look(cloud)
            revoker.look(cloud, chance)
        for token in revoker.revoked:
            assert cloud.settings("alice", token, LINUX).status == 401
        assert cloud.process.process.poll() is None
    verified = run("cloud", "audit", "verify", "--data", data, "--json")
    assert verified.returncode == 0, verified.stderr + verified.stdout
    said: dict[str, Any] = json.loads(verified.stdout)
    assert said["ok"], said
    postgres.remove(cluster)
    assert all(person.saved > kills for person in people), people
    return {
        **counts,
        "saves": sum(person.saved for person in people),
        "revocations": len(revoker.revoked),
    }


@pytest.mark.timeout(300)  # PostgreSQL is started six times
def test_p85_what_was_answered_survives_kill_9_of_postgresql_and_workers(tmp_path: Path) -> None:
    done = _kill_often(tmp_path, 6, 85)
    assert done["revocations"] > 6, done


@pytest.mark.campaign
@pytest.mark.timeout(3600)
def test_campaign_kill_9_of_postgresql_and_workers(tmp_path: Path) -> None:
    seed = random.SystemRandom().randrange(1 << 32)
    print(f"kill -9 of PostgreSQL and workers: seed {seed}")  # noqa: T201 - a campaign prints its seed
    print(_kill_often(tmp_path, 200, seed))  # noqa: T201 - and its figures
