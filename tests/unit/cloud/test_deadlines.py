"""What is too slow is ended in time, and nothing else is."""

from __future__ import annotations

import asyncio

import pytest

from keyin.cloud.deadlines import Deadlines
from keyin.domain.errors import StoreUnavailable

MOST_S = 0.2


async def quick() -> int:
    await asyncio.sleep(0)
    return 7


async def slow() -> int:
    await asyncio.sleep(60)
    return 7


async def test_p83_what_is_too_slow_is_ended_and_what_is_not_goes_on() -> None:
    deadlines, loop = Deadlines(MOST_S), asyncio.get_running_loop()
    began = loop.time()
    found = await asyncio.gather(
        *[deadlines.within(slow()) for _ in range(3)],
        *[deadlines.within(quick()) for _ in range(3)],
        return_exceptions=True,
    )
    assert [type(one) for one in found] == [StoreUnavailable] * 3 + [int] * 3
    assert MOST_S <= loop.time() - began < 3 * MOST_S
    assert await deadlines.within(quick()) == 7
    with pytest.raises(StoreUnavailable):
        await deadlines.within(slow())


async def test_the_task_of_what_was_too_slow_is_not_cancelled_itself() -> None:
    deadlines = Deadlines(MOST_S)
    with pytest.raises(StoreUnavailable):
        await deadlines.within(slow())
    task = asyncio.current_task()
    assert task is not None
    assert not task.cancelling()
    async with asyncio.timeout(10):
        assert await deadlines.within(quick()) == 7


async def test_who_is_cancelled_by_others_is_cancelled() -> None:
    deadlines = Deadlines(MOST_S)
    task = asyncio.create_task(deadlines.within(slow()))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(MOST_S / 20):
            await deadlines.within(slow())


async def test_who_is_ended_by_both_at_once_is_cancelled() -> None:
    deadlines = Deadlines(MOST_S)

    async def cleaning_up() -> None:
        try:
            await slow()
        finally:
            task.cancel()

    task = asyncio.create_task(deadlines.within(cleaning_up()))
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_what_answers_all_the_same_has_answered() -> None:
    deadlines = Deadlines(MOST_S)

    async def stubborn() -> int:
        try:
            return await slow()
        except asyncio.CancelledError:
            return 8

    assert await deadlines.within(stubborn()) == 8
    task = asyncio.current_task()
    assert task is not None
    assert not task.cancelling()
