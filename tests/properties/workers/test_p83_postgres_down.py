"""P83 on PostgreSQL: away, slow, restarting, out of connections, only to be read.

Two workers answer each request in bounded time: what must write or look says 503 with Retry-After
and gives nothing; each works again by itself as soon as PostgreSQL does.
"""

from __future__ import annotations

import signal
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from tests import postgres
from tests.cloud_documents import FREE, SECRET
from tests.cloud_process import Cloud, serving, until_all_answer
from tests.oauth_client import ISSUER
from tests.properties.cloud.test_p83_store_down import Place, writing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

pytestmark = postgres.needs_postgres
CLIENT = (FREE, SECRET)
PATIENCE_S = 15
RECOVERY_S = 10
ENDING = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
    "WHERE application_name = 'keyin' AND pid <> pg_backend_pid()"
)


@pytest.fixture(scope="module")
def cluster() -> Iterator[postgres.Cluster]:
    made = postgres.make(durable=True)
    yield made
    postgres.remove(made)


@pytest.fixture(scope="module")
def place(
    cluster: postgres.Cluster, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Place]:
    data = postgres.shared(tmp_path_factory.mktemp("down") / "data", on=cluster)
    return data, Place(data)


@pytest.fixture(scope="module")
def cloud(place: tuple[Path, Place]) -> Iterator[Cloud]:
    with serving(place[0], "--issuer", ISSUER) as running:
        yield running


@contextmanager
def away(cluster: postgres.Cluster) -> Iterator[None]:
    cluster.stop()
    yield
    cluster.start()


@contextmanager
def crashed(cluster: postgres.Cluster) -> Iterator[None]:
    cluster.stop(signal.SIGKILL)
    yield
    cluster.start()


@contextmanager
def stopped(cluster: postgres.Cluster) -> Iterator[None]:
    """Let it answer nothing, with its connections open: as behind a network that drops all."""
    cluster.signal(signal.SIGSTOP)
    yield
    cluster.signal(signal.SIGCONT)


@contextmanager
def locked(cluster: postgres.Cluster) -> Iterator[None]:
    """Let every statement wait: as on a disk that is overloaded."""
    with cluster.holding("LOCK TABLE tokens, audit, credentials, meta IN ACCESS EXCLUSIVE MODE"):
        yield


@contextmanager
def crowded(cluster: postgres.Cluster) -> Iterator[None]:
    """Let it have no connection left for us."""
    cluster.sql("ALTER ROLE keyin CONNECTION LIMIT 0", ENDING)
    yield
    cluster.sql("ALTER ROLE keyin CONNECTION LIMIT -1")


@contextmanager
def read_only(cluster: postgres.Cluster) -> Iterator[None]:
    """Let nobody write any more, on connections that are open and on new ones."""
    cluster.sql("ALTER SYSTEM SET default_transaction_read_only = on", "SELECT pg_reload_conf()")
    time.sleep(0.2)
    yield
    cluster.sql(
        "SET default_transaction_read_only = off",
        "ALTER SYSTEM RESET default_transaction_read_only",
        "SELECT pg_reload_conf()",
    )


@contextmanager
def failed_over(cluster: postgres.Cluster) -> Iterator[None]:
    """As before, where the old connections ended as well: what is there now is a standby."""
    with read_only(cluster):
        cluster.sql(ENDING)
        yield


@pytest.mark.parametrize(
    "trouble", [away, crashed, stopped, locked, crowded, read_only, failed_over]
)
def test_p83_a_database_that_does_not_answer_gives_nothing_and_recovers(
    cluster: postgres.Cluster,
    cloud: Cloud,
    place: tuple[Path, Place],
    trouble: Callable[[postgres.Cluster], AbstractContextManager[None]],
) -> None:
    token = _token(cloud)
    assert place[1].desk.exchange(cloud).status == 200
    with trouble(cluster):
        down = writing(cloud, place[1], token, some=trouble in {stopped, locked})
        began = time.monotonic()
        assert cloud.settings("alice", token, {}).status in (
            {200, 503} if trouble is read_only else {503}
        )
        ready = cloud.request("GET", "/ready")
        assert ready.status == (200 if trouble is read_only else 503)
        assert time.monotonic() - began < PATIENCE_S
        assert cloud.request("GET", "/health").status == 200
    for name, reply in down.items():
        assert reply.status == 503, (name, reply.status, reply.body)
        assert reply.headers["retry-after"].isdecimal(), name
        told: dict[str, Any] = reply.json
        assert "token" not in reply.body.decode().replace("token_", ""), name
        assert told.get("error", "server_error") in {"server_error", "temporarily_unavailable"}
        for inside in ("postgres", "asyncpg", "sql", str(cluster.folder), "connect"):
            assert inside not in reply.body.decode().lower(), name
    assert cloud.process.process.poll() is None
    until_all_answer(cloud, RECOVERY_S)
    up = writing(cloud, place[1], token, some=False)
    assert {reply.status // 100 for reply in up.values()} == {2}, up
    assert cloud.settings("alice", token, {}).status == 401, "it was revoked at last"
    assert '"event":"worker_ended"' not in cloud.process.output


def _token(cloud: Cloud) -> str:
    return str(cloud.token("alice", CLIENT).json["access_token"])
