"""Places in flight: never more than there are, by priority, and none is lost."""

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from tasks.llm.limits.priority_semaphore import PrioritySemaphore


async def test_who_waits_goes_by_priority_and_then_by_arrival() -> None:
    semaphore, order = PrioritySemaphore(1), []

    async def call(name: str, priority: int) -> None:
        async with semaphore.place(priority):
            order.append(name)
            await asyncio.sleep(0)

    calls = [("held", 9), ("late", 2), ("first", 0), ("later", 2), ("second", 0)]
    await asyncio.gather(*(call(*each) for each in calls))
    assert order == ["held", "first", "second", "late", "later"]


@given(
    places=st.integers(1, 4),
    callers=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 5), st.booleans()), max_size=30),
)
def test_no_place_is_lost_or_made(places: int, callers: list[tuple[int, int, bool]]) -> None:
    async def check() -> None:
        semaphore, now, most = PrioritySemaphore(places), 0, 0

        async def call(priority: int, turns: int) -> None:
            nonlocal now, most
            async with semaphore.place(priority):
                now += 1
                most = max(most, now)
                try:
                    for _ in range(turns):
                        await asyncio.sleep(0)
                finally:
                    now -= 1

        tasks = [asyncio.create_task(call(p, turns)) for p, turns, _ in callers]
        for task, (_, turns, cancelled) in zip(tasks, callers, strict=True):
            for _ in range(turns):
                await asyncio.sleep(0)
            if cancelled:
                task.cancel()
        await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 5)
        assert most <= places
        assert now == 0
        # All of them are free again.
        async with asyncio.timeout(5):
            await asyncio.gather(*(call(0, 3) for _ in range(places)))
        assert most == places

    asyncio.run(check())
