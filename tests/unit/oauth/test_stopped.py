"""A client that its site or its release stops: refused as any other, for its own reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from keyin.domain.records import Digest, Status
from keyin.oauth.bearer import Denial
from keyin.oauth.errors import Reason, Refusal
from keyin.oauth.ports import Enrolment
from keyin.stores.sqlite import open_store
from tests.conformance.test_administration import EVENT, word
from tests.fakes.records import client, client_key, credential, key, token
from tests.unit.oauth.cloud_side import CLIENT_ID, CloudSide

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path


async def _client(side: CloudSide) -> None:
    await side.store.set_client_status(
        CLIENT_ID, word(Status.SUSPENDED), only_from=frozenset({Status.ACTIVE})
    )


async def _site(side: CloudSide) -> None:
    await side.store.set_site("main hall", word(Status.SUSPENDED), ending=True)


async def _software(side: CloudSide) -> None:
    await side.store.set_software("s", "1", word(Status.SUSPENDED), ending=True)


STOPS: list[tuple[Callable[[CloudSide], Awaitable[None]], Reason]] = [
    (_client, Reason.CLIENT_NOT_ACTIVE),
    (_site, Reason.SITE_NOT_ACTIVE),
    (_software, Reason.SOFTWARE_NOT_ACTIVE),
]


@pytest.mark.parametrize(("stop", "reason"), STOPS)
async def test_p57_all_stops_sound_and_cost_alike_and_the_log_tells_them_apart(
    stop: Callable[[CloudSide], Awaitable[None]], reason: Reason
) -> None:
    side, usual = CloudSide(), CloudSide()
    await side.enrol()
    await usual.enrol()
    held = await side.token()
    await usual.token()
    await stop(side)
    await _client(usual)
    side.calls, usual.calls = [], []
    refused, as_usual = await side.ask(), await usual.ask()
    assert isinstance(refused, Refusal)
    assert isinstance(as_usual, Refusal)
    assert (refused.status, refused.code, refused.description, refused.reason) == (
        as_usual.status,
        as_usual.code,
        as_usual.description,
        reason,
    )
    assert side.calls == usual.calls != []
    assert await side.use(f"Bearer {held}") == Denial(reason)


async def test_p03_a_token_of_before_stays_dead_after_a_site_is_resumed() -> None:
    side = CloudSide()
    await side.enrol()
    held = await side.token()
    await _site(side)
    await side.store.set_site("main hall", word(Status.ACTIVE), ending=False)
    assert await side.use(f"Bearer {held}") == Denial(Reason.EPOCH)
    assert not isinstance(await side.use(f"Bearer {await side.token()}"), Denial)


async def test_p41_a_stop_adds_no_statement_to_a_lookup(tmp_path: Path) -> None:
    """Neither while there is none, nor while there is one; and all that was found is remembered."""
    store = open_store(tmp_path / "s")
    made = Enrolment(
        clients=[client()],
        credentials=[credential()],
        keys=[key()],
        tokens=[token()],
        client_keys=[client_key()],
    )
    await store.enrol(made, event=EVENT)
    await store.store_epoch()  # read once
    statements: list[str] = []
    for connection in (store._reading, store._lookups):
        connection.set_trace_callback(statements.append)
    counts = []
    for status in (Status.ACTIVE, Status.SUSPENDED):
        await store.set_site("main hall", word(status), ending=True)
        for _ in range(2):
            statements.clear()
            await store.find_grant((Digest("p:t1"),))
            await store.find_credential("main-hall")
            await store.find_credential("nobody")
            counts.append(len(statements))
    store.close()
    assert counts[0::2] == [counts[0]] * 2
    assert counts[1::2] == [0, 0]
