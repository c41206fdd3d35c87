"""What has expired goes while the cloud runs, and no grant waits for it."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from contextlib import closing
from statistics import quantiles
from typing import TYPE_CHECKING

from keyin.domain.environment import Millis
from keyin.domain.events import ADMINISTRATOR, Act, Event
from keyin.domain.records import Digest, ProofUse
from keyin.oauth.ports import Enrolment
from keyin.stores.opening import STORE, open_data
from tests.cloud_documents import FREE, SECRET, everything
from tests.cloud_process import Cloud, import_documents, serving
from tests.fakes.records import token
from tests.oauth_client import ISSUER, registered

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

HOUR = 3_600_000
EVENT = Event(act=Act.IMPORTED, actor=ADMINISTRATOR, at=Millis(0))


def stocked(data: Path, count: int, *, proofs: int = 0) -> None:
    """Make a store with everything, and so many tokens and proofs that ended long ago."""
    import_documents(data, everything())
    asyncio.run(_old_rows(data, count, proofs))


async def _old_rows(data: Path, count: int, proofs: int) -> None:
    past = Millis(time.time_ns() // 1_000_000 - 5 * HOUR)
    opened = open_data(data, None, exclusive=True)
    tokens = [token(f"p:{2 * number:016x}", expires=past) for number in range(count)]
    await opened.store.enrol(Enrolment(tokens=tokens), event=EVENT)
    uses = [
        ProofUse(namespace="dpop", digest=Digest(f"{number:064x}"), expires=past)
        for number in range(proofs)
    ]
    if uses:
        await opened.store.remember(uses, now=past)
    opened.close()


def rows(data: Path, table: str) -> int:
    with closing(sqlite3.connect(f"file:{data / STORE}?mode=ro", uri=True)) as connection:
        found: int = connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608 - ours
    return found


def metrics(cloud: Cloud) -> str:
    return cloud.request("GET", "/metrics", ops=True).body.decode()


def latencies(clouds: Sequence[Cloud], count: int) -> list[list[float]]:
    """Ask each in turn for so many tokens; return for each how long they took, in milliseconds.

    In turn, so that whatever else the machine does befalls both alike.
    """
    took: list[list[float]] = [[] for _ in clouds]
    for _ in range(count):
        for cloud, times in zip(clouds, took, strict=True):
            began = time.perf_counter()
            assert cloud.token("alice", (FREE, SECRET)).status == 200
            times.append((time.perf_counter() - began) * 1000)
    return took


def test_tables_are_bounded_while_grants_go_on(tmp_path: Path) -> None:
    data = tmp_path / "data"
    stocked(data, 3000, proofs=3000)
    with serving(data, "--issuer", ISSUER, "--ops-listen", "127.0.0.1:0", listeners=2) as cloud:
        desk, deadline, given = registered(data), time.monotonic() + 30, 0
        while rows(data, "tokens") > given or rows(data, "jti_seen") > 4 * given:
            assert desk.exchange(cloud).status == 200
            given += 1
            assert time.monotonic() < deadline
        for kind in ("tokens", "jti_seen"):  # counted once the commit is there
            while f'keyin_swept_rows_total{{kind="{kind}"}} 3000\n' not in metrics(cloud):
                assert time.monotonic() < deadline
                time.sleep(0.01)
        assert desk.settings(cloud, "alice", desk.token(cloud)).status == 200


def test_no_grant_waits_for_the_sweep_of_200_000_tokens(tmp_path: Path) -> None:
    calm, full = tmp_path / "calm", tmp_path / "full"
    stocked(calm, 0)
    stocked(full, 200_000)
    with serving(calm) as usual, serving(full) as sweeping:
        latencies((usual, sweeping), 50)
        there = rows(full, "tokens")
        before, during = [quantiles(one, n=20) for one in latencies((usual, sweeping), 400)]
        left = rows(full, "tokens")
    assert 0 < left < there, "the sweep was not at work all the time"
    # median and 95th percentile; the bounds are wide, for a machine that does other things too
    assert during[9] < 1.5 * before[9] + 1, (before, during)
    assert during[18] < 2 * before[18] + 10, (before, during)
