"""P83 over a failover: the first server dies, its standby may only be read until it is promoted.

The URL names both. Nothing is granted in between, nothing that was answered is missing afterwards,
and nobody starts the cloud anew.
"""

from __future__ import annotations

import json
import signal
import time
from typing import TYPE_CHECKING

import pytest

from tests import postgres
from tests.cloud_documents import FREE, SECRET, everything
from tests.cloud_process import import_documents, serving
from tests.started import ELSEWHERE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.cloud_process import Cloud

pytestmark = postgres.needs_postgres
CLIENT = (FREE, SECRET)


@pytest.fixture
def servers() -> Iterator[tuple[postgres.Cluster, postgres.Cluster]]:
    first = postgres.make(durable=True)
    second = postgres.standby(first)
    yield first, second
    postgres.remove(second)
    postgres.remove(first)


def test_p83_a_failover_grants_nothing_loses_nothing_and_needs_no_restart(
    servers: tuple[postgres.Cluster, postgres.Cluster], tmp_path: Path
) -> None:
    first, second = servers
    data = postgres.shared(tmp_path / "data", on=first)
    import_documents(data, everything())
    first.sql("ALTER SYSTEM SET synchronous_standby_names = '*'", "SELECT pg_reload_conf()")
    time.sleep(0.3)
    name = first.names[-1]
    both = f"postgresql://keyin@/{name}?host={first.folder},{second.folder}"
    (data / ELSEWHERE).write_text(json.dumps({"url": both, "workers": 2}))
    with serving(data) as cloud:
        tokens = [str(cloud.token("alice", CLIENT).json["access_token"]) for _ in range(20)]
        first.stop(signal.SIGKILL)
        for token in tokens[:4]:
            assert cloud.settings("alice", token, {}).status == 503
            assert cloud.token("alice", CLIENT).status == 503
        second.sql("ALTER SYSTEM SET synchronous_standby_names = ''", "SELECT pg_promote()")
        second.sql("SELECT pg_reload_conf()")
        until = time.monotonic() + 20
        while cloud.token("alice", CLIENT).status != 200:
            assert time.monotonic() < until
            time.sleep(0.05)
        found = [_status(cloud, token, until) for token in tokens]
        assert found == [200] * 20, cloud.process.output[-2000:]
        assert "worker_ended" not in cloud.process.output


def _status(cloud: Cloud, token: str, until: float) -> int:
    """Ask until the worker that answers has found the new server."""
    while (status := cloud.settings("alice", token, {}).status) == 503:
        assert time.monotonic() < until
        time.sleep(0.05)
    return status
