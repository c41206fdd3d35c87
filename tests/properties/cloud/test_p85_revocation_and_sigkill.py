"""P85 for revocations: the cloud killed at any moment of one leaves the old state, or the new."""

from __future__ import annotations

import asyncio
import json
import random
import sqlite3
from typing import TYPE_CHECKING

from keyin.cli.administration import administration
from keyin.domain.errors import StoreUnavailable
from keyin.stores.opening import STORE
from keyin.wire.admin_clients import RegisterClient
from keyin.wire.admin_sites import ResumeSite, SuspendSite
from tests.cloud_process import serving
from tests.unit.cloud.test_administering import a_key

if TYPE_CHECKING:
    from pathlib import Path

    from keyin.wire.admin import Changed, Op
    from tests.cloud_process import Cloud

SITE, CLIENTS, KILLS = "Main hall", 40, 10


async def _registered(data: Path) -> None:
    async with administration(data, make=True) as admin:
        for _ in range(CLIENTS):
            await admin.ask(RegisterClient(public_key=a_key(), site=SITE))


async def _to_and_fro(cloud: Cloud, after_s: float, *, suspended: bool) -> int:
    """Suspend and resume in turn, kill the cloud meanwhile; return how many were answered."""
    answered = 0
    killing = asyncio.get_running_loop().call_later(after_s, cloud.process.process.kill)
    try:
        async with administration(cloud.data) as admin:
            while True:
                op: Op[Changed] = ResumeSite(site=SITE) if suspended else SuspendSite(site=SITE)
                assert (await admin.ask(op)).changed
                suspended, answered = not suspended, answered + 1
    except StoreUnavailable:
        return answered
    finally:
        killing.cancel()


def _state(data: Path) -> tuple[int, bool]:
    """Return how many words there were about the site; see that all that hangs on them agrees."""
    connection = sqlite3.connect(data / STORE)
    rows = connection.execute("SELECT event FROM audit ORDER BY seq").fetchall()
    found = connection.execute("SELECT status FROM sites WHERE name = ?", (SITE,)).fetchone()
    epochs = {row[0] for row in connection.execute("SELECT epoch FROM clients")}
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()
    words = sum(json.loads(row[0])["act"] == "site.changed" for row in rows)
    suspended = found is not None and found[0] == "suspended"
    assert suspended is (words % 2 == 1)
    assert epochs == {(words + 1) // 2}
    return words, suspended


def test_p85_a_revocation_cut_off_by_sigkill_is_whole_or_was_not(tmp_path: Path) -> None:
    data, chance = tmp_path / "data", random.Random(85)  # noqa: S311 - when to kill, not a secret
    asyncio.run(_registered(data))
    words, suspended = _state(data)
    for _ in range(KILLS):
        with serving(data) as cloud:
            after_s = chance.uniform(0.02, 0.15)
            answered = asyncio.run(_to_and_fro(cloud, after_s, suspended=suspended))
            cloud.process.process.wait(10)
        before, (words, suspended) = words, _state(data)
        assert words - before in {answered, answered + 1}
    assert words > KILLS
