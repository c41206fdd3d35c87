"""One key event at a time, decided when its turn comes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from keyin.domain.errors import HandlerFailed, KeyinError, Refused
from keyin.domain.keyin import NO_USER, Kind
from keyin.domain.secret import GpiiKey, Pin
from keyin.session.queue import KeyEventQueue
from keyin.session.world import Applied, Restored, Stuck
from tests.fakes.session import FakeClock

if TYPE_CHECKING:
    from collections.abc import Coroutine


class Sessions:
    """Writes down what it is asked, and takes a few turns of the loop over it."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.at_work = 0
        self.refuses: set[str] = set()
        self.stuck: list[Stuck] = []

    async def key_in(self, key: GpiiKey, *, pin: Pin | None, request_id: str) -> Applied:  # noqa: ARG002
        await self._work(f"in {key.reveal()}")
        if key.reveal() in self.refuses:
            raise Refused("key_refused", "no")
        return Applied(settings={"one": 1})

    async def key_out(self, key: GpiiKey, *, request_id: str) -> Restored:  # noqa: ARG002
        await self._work(f"out {key.reveal()}")
        return Restored(solutions=["one"], stuck=self.stuck)

    async def _work(self, what: str) -> None:
        assert self.at_work == 0, "two at once"
        self.at_work += 1
        for _ in range(5):
            await asyncio.sleep(0)
        self.told.append(what)
        self.at_work -= 1


def line() -> tuple[Sessions, KeyEventQueue]:
    sessions = Sessions()
    queue = KeyEventQueue(sessions, FakeClock())
    queue.start()
    return sessions, queue


def login(queue: KeyEventQueue, key: str) -> Coroutine[object, object, object]:
    return queue.submit(Kind.LOGIN, GpiiKey(key), request_id="request-1")


async def test_events_at_once_are_carried_out_one_after_the_other() -> None:
    sessions, queue = line()
    await asyncio.gather(*(login(queue, key) for key in "abc"))
    assert sessions.told == ["in a", "out a", "in b", "out b", "in c"]
    assert queue.state.active == GpiiKey("c")
    await queue.close(request_id="request-2")
    assert sessions.told[-1] == "out c"


async def test_two_logins_of_one_key_at_once_both_succeed() -> None:
    sessions, queue = line()
    await asyncio.gather(login(queue, "a"), login(queue, "a"))
    assert sessions.told == ["in a"]
    await queue.close(request_id="request-2")


async def test_a_login_that_fails_leaves_nobody_in() -> None:
    sessions, queue = line()
    await login(queue, "a")
    sessions.refuses = {"b"}
    with pytest.raises(Refused):
        await login(queue, "b")
    assert sessions.told == ["in a", "out a", "in b"]
    assert queue.state.active == NO_USER
    await login(queue, "c")
    await queue.close(request_id="request-2")


async def test_an_asker_that_goes_away_does_not_stop_the_line() -> None:
    sessions, queue = line()
    asker = asyncio.create_task(login(queue, "a"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    asker.cancel()
    await login(queue, "b")
    assert sessions.told == ["in a", "out a", "in b"]
    await queue.close(request_id="request-2")


async def test_nobody_is_never_asked_for_anything() -> None:
    sessions, queue = line()
    await login(queue, "noUser")
    await login(queue, "reset")
    assert sessions.told == []
    await queue.close(request_id="request-2")
    assert sessions.told == []


async def test_what_could_not_be_put_back_is_told() -> None:
    sessions, queue = line()
    await login(queue, "a")
    sessions.stuck = [Stuck(solution="one", step="settings.x")]
    with pytest.raises(HandlerFailed, match="1 settings could not be put back"):
        await queue.submit(Kind.LOGOUT, None, request_id="request-2")
    assert queue.state.active == NO_USER
    await queue.close(request_id="request-3")


async def test_at_the_end_the_line_is_sent_away_and_the_one_at_work_finished() -> None:
    sessions, queue = line()
    askers = [asyncio.ensure_future(login(queue, key)) for key in "abc"]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    await queue.close(request_id="request-2")
    results = await asyncio.gather(*askers, return_exceptions=True)
    assert [isinstance(result, Refused) for result in results] == [False, True, True]
    assert sessions.told == ["in a", "out a"]


async def test_nobody_is_served_after_the_end() -> None:
    _, queue = line()
    await queue.close(request_id="request-2")
    with pytest.raises(KeyinError, match="ending"):
        await login(queue, "a")
