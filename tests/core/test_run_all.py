"""Work side by side: nothing goes on after its end."""

import asyncio

import pytest

from tasks.core.run_all import run_all


async def test_results_come_in_the_order_of_the_works() -> None:
    async def after(turns: int) -> int:
        for _ in range(turns):
            await asyncio.sleep(0)
        return turns

    assert await run_all(after(3), after(1), after(2)) == (3, 1, 2)
    assert await run_all() == ()


async def test_the_first_error_is_raised_when_all_have_ended() -> None:
    kept = []

    async def fail(message: str) -> None:
        raise ValueError(message)

    async def finish() -> None:
        await asyncio.sleep(0.01)
        kept.append("paid for")

    with pytest.raises(ValueError, match="first"):
        await run_all(finish(), fail("first"), fail("second"))
    assert kept == ["paid for"]


async def test_cancelled_all_are_stopped_and_waited_for() -> None:
    left = []

    async def leave() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0.01)
            left.append("receipt")

    working = asyncio.create_task(run_all(leave(), leave()))
    await asyncio.sleep(0.01)
    working.cancel()
    await asyncio.sleep(0)
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working
    assert left == ["receipt", "receipt"]
