"""Turns: who goes on is through before the next but one begins."""

import asyncio
import time

from tasks.llm.limits.fair_turns import Turns


async def test_a_long_piece_of_work_is_done_before_others_begin() -> None:
    turns, done = Turns(), []

    async def work(name: int) -> None:
        await turns.turn()
        for step in range(3):
            done.append((name, step))
            time.sleep(0.02)
            await asyncio.sleep(0)

    await asyncio.gather(*(work(name) for name in range(5)))
    assert [name for name, step in done if step == 0] == [0, 1, 2, 3, 4]
    for name in range(3):
        assert done.index((name, 2)) < done.index((name + 2, 0))


async def test_a_loop_that_is_never_calm_stops_nobody() -> None:
    async def never_calm() -> None:
        while True:
            time.sleep(0.02)
            await asyncio.sleep(0)

    turns = Turns()
    noise = asyncio.create_task(never_calm())
    await asyncio.wait_for(asyncio.gather(turns.turn(), turns.turn()), 10)
    noise.cancel()
