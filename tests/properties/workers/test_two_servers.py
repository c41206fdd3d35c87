"""Two servers on one database, as on two hosts: what one has said binds the other at once.

Each request goes to the server that the test names, so nothing here depends on who is first.
"""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from tests import postgres
from tests.cloud_documents import everything, preferences
from tests.cloud_process import Cloud, import_documents, serving
from tests.limited_cloud import KEYS, limited, statuses, store_with
from tests.oauth_application import account, application
from tests.oauth_client import ISSUER, Computer, registered
from tests.started import run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.cloud_process import Reply

pytestmark = postgres.needs_postgres
FONT_SIZE = "http://registry.gpii.net/common/fontSize"
Servers = tuple[Cloud, Cloud]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = postgres.shared(tmp_path_factory.mktemp("two") / "data", workers=1)
    import_documents(folder, everything())
    return folder


@pytest.fixture(scope="module")
def servers(data: Path) -> Iterator[Servers]:
    with serving(data, "--issuer", ISSUER) as one, serving(data, "--issuer", ISSUER) as other:
        yield one, other


@pytest.fixture
def desk(data: Path) -> Computer:
    return registered(data, "--site", "Main hall", "--writable", FONT_SIZE)


def at_once(*asking: Callable[[], Reply]) -> list[Reply]:
    with ThreadPoolExecutor(len(asking)) as pool:
        return [one.result() for one in [pool.submit(ask) for ask in asking]]


def test_p03_what_one_server_takes_back_the_other_refuses_at_the_next_use(
    servers: Servers, desk: Computer
) -> None:
    one, other = servers
    for taking in (one, other):
        token = desk.token(one)
        assert [desk.settings(at, "alice", token).status for at in (*servers, *servers)] == [
            200
        ] * 4
        proving = desk.form("x", token=token)
        assert taking.form("/oauth2/revoke", proving).status == 200
        assert [desk.settings(at, "alice", token).status for at in servers] == [401, 401]


def test_p03_a_client_that_a_verb_stops_is_stopped_at_both(
    data: Path, servers: Servers, desk: Computer
) -> None:
    token = desk.token(servers[0])
    assert [desk.settings(at, "alice", token).status for at in servers] == [200, 200]
    assert run("client", "suspend", desk.client_id, "--data", data).returncode == 0
    assert [desk.settings(at, "alice", token).status for at in servers] == [401, 401]
    assert [desk.exchange(at).status for at in servers] == [401, 401]
    assert run("client", "resume", desk.client_id, "--data", data).returncode == 0
    assert [desk.exchange(at).status for at in servers] == [200, 200]


def test_p13_of_one_proof_at_both_at_once_one_is_answered(servers: Servers, desk: Computer) -> None:
    desk.learn_nonce(servers[0])
    for _ in range(8):
        form, proof = desk.form("alice"), desk.proof()
        replies = at_once(
            *[
                lambda at=at: at.form("/oauth2/token", form, {"DPoP": proof})  # noqa: B023 - called within the turn
                for at in servers * 2
            ]
        )
        answered = [reply.status for reply in replies]
        assert answered.count(200) == 1, answered
        assert set(answered) <= {200, 400, 401}


def test_p07_a_code_at_both_at_once_produces_once_and_nothing_is_left(
    data: Path, servers: Servers
) -> None:
    one, other = servers
    web, person = application(data), account(data)
    person.sign_in(one)
    for first in (one, other):
        code, verifier = web.code(first, person)
        replies = at_once(
            *[lambda at=at: web.redeem(at, code, verifier) for at in servers * 2]  # noqa: B023 - called within the turn
        )
        good = [reply for reply in replies if reply.status == 200]
        assert len(good) == 1
        token = str(good[0].json["access_token"])
        for at in servers:
            assert web.get(at, "/api/v1/account", token).status == 401


def test_what_is_saved_at_one_is_read_at_the_other(servers: Servers, desk: Computer) -> None:
    one, other = servers
    token = desk.token(one)
    for size, (writing, reading) in enumerate(((one, other), (other, one)) * 3, 31):
        headers = {
            "Authorization": f"DPoP {token}",
            "DPoP": desk.proof("PUT", f"{ISSUER}/settings", token),
            "Content-Type": "application/json",
        }
        body = json.dumps(preferences(fontSize=size))
        saved = writing.request("PUT", "/settings", body=body, headers=headers)
        assert saved.status == 200, saved.body
        assert f'fontSize":{size}' in desk.settings(reading, "alice", token).body.decode()


def test_p93_the_chains_of_all_writers_are_whole(
    data: Path, servers: Servers, desk: Computer
) -> None:
    for at in servers * 11:
        desk.token(at)
    assert all(at.process.process.poll() is None for at in servers)
    done = run("cloud", "audit", "verify", "--data", data, "--json")
    said = json.loads(done.stdout)
    assert done.returncode == 0, said
    chains = {chain["chain"]: chain["rows"] for chain in said["chains"]}
    assert {"main", "main.2"} <= set(chains)
    assert min(chains["main"], chains["main.2"]) > 10


def test_p42_limits_count_what_comes_to_both(tmp_path: Path) -> None:
    data = postgres.shared(tmp_path / "data", workers=1)
    store_with(data, "a", "b")
    limits = {
        "keys_an_hour": {"public": 6, "other": 6},
        "failed_keys_burst": 4,
        "failed_keys_a_minute": 1,
        "weak_key_cost": 1,
    }
    with limited(data, **limits) as one, limited(data, **limits) as other:
        assert statuses(one, KEYS[:3]) == [200] * 3
        assert statuses(other, KEYS[3:7]) == [200] * 3 + [429]
        assert statuses(one, [KEYS[7]]) == [429]
        assert statuses(other, KEYS[:3]) == [200] * 3, "who was there may come back"
        tried = [statuses(at, [f"g-{n}"], "b")[0] for n, at in enumerate((one, other) * 4)]
        assert tried == [401] * 4 + [429] * 4


def test_p42_at_once_both_let_in_no_more_than_the_limit(tmp_path: Path) -> None:
    data = postgres.shared(tmp_path / "data", workers=1)
    store_with(data, "a")
    limits = {"keys_an_hour": {"public": 10, "other": 10}}
    with (
        limited(data, **limits) as one,
        limited(data, **limits) as other,
        ThreadPoolExecutor(8) as pool,
    ):
        asked = [pool.submit(statuses, (one, other)[n % 2], [KEYS[n]]) for n in range(16)]
        done = [status for one_asked in asked for status in one_asked.result()]
    assert done.count(200) == 10, done
    assert set(done) <= {200, 429}
