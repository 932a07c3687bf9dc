"""Calls in flight: one limit for all processes, from which nobody starves and nothing is lost."""

import asyncio
import logging
from collections import Counter
from uuid import uuid4

import pytest
from prefect.client.orchestration import get_client

from tasks.core.settings import Settings
from tasks.llm.limits import shared_slots
from tasks.llm.limits.pace import Pace
from tests.ledger.conftest import BilledProvider, prompt

pytestmark = pytest.mark.usefixtures("prefect_server")
SETTINGS = Settings(llm_concurrency=3)


@pytest.fixture
def provider() -> BilledProvider:
    """A model of its own for each test, as limits go by the model."""
    return BilledProvider(model=f"model-{uuid4()}")


async def slots_taken(provider: BilledProvider) -> int:
    async with get_client() as client:
        name = f"openai.{provider.model}.in-flight"
        return (await client.read_global_concurrency_limit_by_name(name)).active_slots


async def hold(pace: Pace, seconds: float) -> None:
    async with pace.slot(prompt("x")):
        await asyncio.sleep(seconds)


async def test_processes_share_the_calls_in_flight_and_give_them_back(
    provider: BilledProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_slots, "TURN", 0.1)
    monkeypatch.setattr(shared_slots, "SHARING", 0.1)
    now = most = 0
    full = asyncio.Event()

    async def call(pace: Pace) -> None:
        nonlocal now, most
        async with pace.slot(prompt("x")):
            now += 1
            most = max(most, now)
            if now == 3:
                full.set()
            await asyncio.wait_for(full.wait(), 10.0)
            await asyncio.sleep(0.03)
            now -= 1

    async with Pace.open(SETTINGS, provider) as one, Pace.open(SETTINGS, provider) as other:
        await asyncio.gather(*(call(pace) for pace in (one, other) for _ in range(8)))
    assert most == 3
    assert await slots_taken(provider) == 0


async def test_nobody_starves(provider: BilledProvider, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_slots, "TURN", 0.3)
    monkeypatch.setattr(shared_slots, "SHARING", 0.3)
    async with Pace.open(SETTINGS, provider) as hog, Pace.open(SETTINGS, provider) as other:
        calls = [asyncio.create_task(hold(hog, 0.05)) for _ in range(1000)]
        while await slots_taken(provider) < 3:
            await asyncio.sleep(0.05)
        await asyncio.wait_for(hold(other, 0.0), 10.0)
        assert not all(call.done() for call in calls)
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)
    assert await slots_taken(provider) == 0


async def test_who_is_alone_keeps_its_slots_and_two_that_wait_have_half_each(
    provider: BilledProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_slots, "TURN", 0.1)
    monkeypatch.setattr(shared_slots, "SHARING", 0.1)
    settings = Settings(llm_concurrency=10)
    in_flight = Counter[str]()

    async def call(name: str, pace: Pace) -> None:
        while True:
            async with pace.slot(prompt("x")):
                in_flight[name] += 1
                await asyncio.sleep(0.05)
                in_flight[name] -= 1

    def many(name: str, pace: Pace) -> list[asyncio.Task[None]]:
        return [asyncio.create_task(call(name, pace)) for _ in range(20)]

    async with Pace.open(settings, provider) as one, Pace.open(settings, provider) as other:
        calls = many("one", one)
        async with asyncio.timeout(60):
            while in_flight["one"] < 10:
                await asyncio.sleep(0.01)
        for _ in range(10):
            await asyncio.sleep(0.1)
            assert await slots_taken(provider) == 10
        calls += many("other", other)
        async with asyncio.timeout(20):
            while min(in_flight["one"], in_flight["other"]) < 4:
                await asyncio.sleep(0.01)
        for task in calls:
            task.cancel()
        await asyncio.gather(*calls, return_exceptions=True)
    assert await slots_taken(provider) == 0


async def test_failed_and_stopped_calls_give_their_slot_back(provider: BilledProvider) -> None:
    async def fail(pace: Pace) -> None:
        async with pace.slot(prompt("x")):
            raise ZeroDivisionError

    async with Pace.open(SETTINGS, provider) as pace:
        await asyncio.gather(*(fail(pace) for _ in range(10)), return_exceptions=True)
        calls = [asyncio.create_task(hold(pace, 60.0)) for _ in range(6)]
        await asyncio.sleep(0.1)
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)
        await asyncio.wait_for(hold(pace, 0.0), 5.0)


async def test_slots_that_are_not_needed_go_back_during_the_run(
    provider: BilledProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_slots, "TURN", 0.1)
    monkeypatch.setattr(shared_slots, "SHARING", 0.1)
    async with Pace.open(SETTINGS, provider) as pace:
        await asyncio.gather(*(hold(pace, 0.01) for _ in range(3)))
        async with asyncio.timeout(5):
            while await slots_taken(provider):
                await asyncio.sleep(0.05)


async def test_a_lease_the_server_forgot_is_taken_anew(
    provider: BilledProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that was started anew knows what is taken, and not by whom."""
    monkeypatch.setattr(shared_slots, "TURN", 0.1)
    monkeypatch.setattr(shared_slots, "SHARING", 0.1)
    monkeypatch.setattr(shared_slots, "RENEWAL", 0.0)
    async with Pace.open(SETTINGS, provider) as pace:
        calls = asyncio.gather(*(hold(pace, 1.0) for _ in range(3)))
        slots = pace._shared.slots if pace._shared else None
        assert slots is not None
        while not slots._leases:
            await asyncio.sleep(0.01)
        async with get_client() as client:
            for lease in slots._leases:
                await client.release_concurrency_slots_with_lease(lease.id)
        await calls
        await asyncio.wait_for(hold(pace, 0.0), 5.0)
    assert await slots_taken(provider) == 0


async def test_a_slot_serves_call_after_call_without_asking(
    provider: BilledProvider, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "httpx"):
        async with Pace.open(Settings(llm_concurrency=20), provider) as pace:
            await asyncio.gather(*(hold(pace, 0.01) for _ in range(500)))
    assert sum(record.name == "httpx" for record in caplog.records) <= 80
