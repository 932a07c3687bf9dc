"""Pace: no window holds more than the rate and the burst, and one refusal stops everybody.

How much of the rate is used: tests.bench.pace.
"""

import asyncio
import logging
import re
import time
from contextlib import AsyncExitStack
from pathlib import Path
from uuid import uuid4

import pytest
from prefect import flow
from prefect.client.orchestration import get_client
from prefect.settings import PREFECT_API_URL, temporary_settings

from tasks.calls.errors import QuotaGone, RateLimited
from tasks.calls.prompt import Usage
from tasks.core.errors import UserError
from tasks.core.settings import Settings
from tasks.llm.client import Client
from tasks.llm.limits.pace import Pace
from tasks.llm.limits.shared_rate import THOUSANDTHS
from tests.emulators.gemini import GeminiServer, error
from tests.ledger.conftest import BilledProvider, prompt, purpose

pytestmark = pytest.mark.usefixtures("prefect_server")
NOWHERE = "http://127.0.0.1:9/api"


@pytest.fixture
def model() -> str:
    """A model of its own for each test, as limits go by the model."""
    return f"model-{uuid4()}"


async def passages(pace: Pace, calls: int, tokens: int = 0) -> list[float]:
    """When each of `calls` callers may leave, all asking at once."""
    left: list[float] = []

    async def call(n: int) -> None:
        async with pace.slot(prompt("x" * 4 * tokens)) as slot:
            left.append(time.monotonic())
            slot.note(Usage(tokens_in=tokens))

    await asyncio.gather(*(call(n) for n in range(calls)))
    return left


def most_over(left: list[float], per_second: float) -> float:
    """The most that any window holds beyond its rate."""
    left = sorted(left)
    return max(
        j - i + 1 - (later - first) * per_second
        for i, first in enumerate(left)
        for j, later in enumerate(left[i:], i)
    )


async def test_two_processes_share_a_rate_and_its_burst(model: str) -> None:
    settings = Settings(llm_rate_limit=1200, llm_burst=20)
    async with AsyncExitStack() as stack:
        paces = [
            await stack.enter_async_context(Pace.open(settings, BilledProvider(model=model)))
            for _ in range(2)
        ]
        left = [t for some in await asyncio.gather(*(passages(p, 25) for p in paces)) for t in some]
    assert len(left) == 50
    # A busy machine hands a lease out late, which brings its calls nearer to those of the next.
    assert most_over(left, 20) <= 20 + 2


async def test_callers_pass_in_the_order_they_came(model: str) -> None:
    settings = Settings(llm_rate_limit=1200, llm_burst=4)
    order: list[int] = []
    async with Pace.open(settings, BilledProvider(model=model)) as pace:

        async def call(n: int) -> None:
            async with pace.slot(prompt("x")):
                order.append(n)

        await asyncio.gather(*(call(n) for n in range(12)))
    assert order == list(range(12))


async def test_tokens_are_limited_by_what_calls_really_take(model: str) -> None:
    settings = Settings(llm_tokens_per_minute=120_000)
    async with Pace.open(settings, BilledProvider(model=model, name="gemini")) as pace:
        left = await passages(pace, 75, tokens=200)
    assert len(left) == 75
    assert most_over(left, 2000 / 200) <= 12_000 / 200 + 2


async def test_a_call_larger_than_the_burst_is_owed_as_soon_as_it_leaves(model: str) -> None:
    settings = Settings(llm_tokens_per_minute=60_000)
    async with Pace.open(settings, BilledProvider(model=model, name="gemini")) as pace:
        limits = pace._shared
        assert limits is not None
        async with pace.slot(prompt("x" * 4 * 20_000)):
            grant = await limits.take([1.0])
            assert (grant.count, round(grant.clear or 0)) == (0, 20 - 6)
        grant = await limits.take([1.0])
        assert grant.count == 1, "it failed, so it took nothing"


async def test_a_refusal_stops_every_process(model: str) -> None:
    settings = Settings(llm_rate_limit=6000, llm_burst=100)
    async with AsyncExitStack() as stack:
        one, other = [
            await stack.enter_async_context(Pace.open(settings, BilledProvider(model=model)))
            for _ in range(2)
        ]
        with pytest.raises(RateLimited):
            async with one.slot(prompt("x")):
                raise RateLimited("slow down", delay=1.0)
        refused = time.monotonic()
        async with get_client() as client:
            name = f"openai.{model}.requests"
            burst = 100 * THOUSANDTHS
            while (await client.read_global_concurrency_limit_by_name(name)).active_slots <= burst:
                await asyncio.sleep(0.01)
        for pace in (one, other):
            assert min(await passages(pace, 3)) - refused >= 0.9


@pytest.mark.parametrize("limit", [None, 6000])
async def test_a_pause_longer_than_a_call_may_take_is_waited_for_by_nobody(
    limit: int | None, model: str
) -> None:
    settings = Settings(llm_rate_limit=limit, llm_deadline=60.0, llm_concurrency=1)
    async with Pace.open(settings, BilledProvider(model=model)) as pace:

        async def refused() -> None:
            async with pace.slot(prompt("x")):
                raise RateLimited("come back tomorrow", delay=86_400.0)

        async with asyncio.timeout(5):
            told = await asyncio.gather(
                refused(), passages(pace, 1), passages(pace, 1), return_exceptions=True
            )
        assert [type(one) for one in told] == [RateLimited] * 3
        assert "asked for a pause of 86400 s" in str(told[1])
        if limit:
            async with get_client() as client:
                name = f"openai.{model}.requests"
                while (held := await client.read_global_concurrency_limit_by_name(name)) and (
                    held.active_slots <= limit / 10 * THOUSANDTHS
                ):
                    await asyncio.sleep(0.01)
            assert held.active_slots <= (limit / 10 + limit) * THOUSANDTHS, "others wait a minute"


async def test_who_waits_already_is_refused_when_a_pause_gets_too_long(model: str) -> None:
    async with Pace.open(Settings(llm_deadline=60.0), BilledProvider(model=model)) as pace:

        async def refused(after: float, delay: float) -> None:
            async with pace.slot(prompt("x")):
                await asyncio.sleep(after)
                raise RateLimited("slow down", delay=delay)

        async def late() -> None:
            await asyncio.sleep(0.05)
            await passages(pace, 1)

        async with asyncio.timeout(5):
            told = await asyncio.gather(
                refused(0.0, 30.0), refused(0.1, 86_400.0), late(), return_exceptions=True
            )
    assert [type(one) for one in told] == [RateLimited] * 3


@pytest.mark.parametrize("limit", [None, 6000])
async def test_a_refusal_costs_one_call_not_a_hundred(limit: int | None, tmp_path: Path) -> None:
    """The calls in flight may be refused too, but nobody else leaves until the delay is over."""
    with GeminiServer(latency=0.05) as server:
        server.next(error(429, retry_delay=0.6, quota_id="RequestsPerMinute"))
        settings = Settings(
            gemini_base_url=server.url,
            gemini_api_key="x",
            llm_chain="gemini",
            llm_rate_limit=limit,
            llm_concurrency=20,
            talewright_home=tmp_path,
        )
        async with Client.open(settings, run_id="run") as client:
            await asyncio.gather(*(client.ask(prompt(f"{n}"), purpose()) for n in range(24)))
        refused = next(call.at for call in server.calls if call.status == 429)
        counts = server.counts()
    assert counts["by_status"] == {"429": 1, "200": 24}
    early = [call for call in server.calls if call.status == 200 and call.at < refused + 0.55]
    assert len(early) <= 20


async def test_the_judge_s_model_has_the_limits_of_the_settings(tmp_path: Path) -> None:
    settings = Settings(
        gemini_api_key="x",
        llm_chain="gemini",
        judge_model="gemini-2.5-pro",
        llm_rate_limit=60,
        talewright_home=tmp_path,
    )
    async with Client.open(settings, run_id="run") as client:
        (writer,), judge = client.chain, client.judge
        assert judge is not None
        gates = [client._pace(provider) for provider in (writer, judge)]
        assert len(set(map(id, gates))) == len(client.paces) == 2
        assert all(gate._shared is not None for gate in gates)


async def test_an_unknown_limit_is_found(tmp_path: Path) -> None:
    with GeminiServer(latency=0.01, rpm=1200, burst=20) as server:
        settings = Settings(
            gemini_base_url=server.url,
            gemini_api_key="x",
            llm_chain="gemini",
            llm_concurrency=10,
            talewright_home=tmp_path,
        )
        async with Client.open(settings, run_id="run") as client:
            await asyncio.gather(*(client.ask(prompt(f"{n}"), purpose()) for n in range(50)))
        counts = server.counts()["by_status"]
    assert counts["200"] == 50
    assert 0 < counts["429"] <= 15


@pytest.mark.parametrize(("name", "midnight"), [("gemini", "Pacific time"), ("openai", "UTC")])
async def test_a_day_s_requests_are_a_quota(model: str, name: str, midnight: str) -> None:
    settings = Settings(llm_requests_per_day=2)
    async with Pace.open(settings, BilledProvider(model=model, name=name)) as pace:
        await passages(pace, 2)
        with pytest.raises(QuotaGone, match=f"LLM_REQUESTS_PER_DAY.*midnight {midnight}"):
            await passages(pace, 1)


async def test_who_loses_the_day_s_last_request_gives_the_rest_back(model: str) -> None:
    settings = Settings(llm_requests_per_day=1, llm_rate_limit=60, llm_tokens_per_minute=60_000)
    async with Pace.open(settings, BilledProvider(model=model)) as pace:
        limits = pace._shared
        assert limits is not None
        assert limits.requests is not None
        assert (await limits.take([1.0])).count == 1
        free = await limits.requests.free()
        assert not await limits._taken(1, 100.0)
        assert await limits.requests.free() > free - 0.5
        assert limits._owed == -100


async def test_a_limit_that_is_gone_is_an_error(model: str) -> None:
    provider = BilledProvider(model=model)
    async with Pace.open(Settings(llm_rate_limit=600), provider) as pace, get_client() as client:
        await client.delete_global_concurrency_limit_by_name(f"openai.{model}.requests")
        with pytest.raises(UserError, match="is gone"):
            await passages(pace, 1)


async def test_a_limit_needs_a_server_to_keep_it(model: str) -> None:
    pace = Pace.open(Settings(llm_rate_limit=600), BilledProvider(model=model))
    with (
        temporary_settings({PREFECT_API_URL: NOWHERE}),
        pytest.raises(UserError, match="does not answer"),
    ):
        await pace.__aenter__()


async def test_without_a_limit_nobody_waits_and_no_server_is_asked(model: str) -> None:
    with temporary_settings({PREFECT_API_URL: NOWHERE}):
        async with Pace.open(Settings(), BilledProvider(model=model)) as pace:
            left = await passages(pace, 100)
    assert len(left) == 100


async def test_waiting_is_said_once_in_the_log_of_the_flow_run(
    model: str, caplog: pytest.LogCaptureFixture
) -> None:
    def said() -> list[str]:
        return [record.getMessage() for record in caplog.records if model in record.getMessage()]

    @flow
    async def night() -> None:
        settings = Settings(llm_rate_limit=60, llm_burst=1)
        async with Pace.open(settings, BilledProvider(model=model)) as pace:
            waiting = asyncio.create_task(passages(pace, 41))
            async with asyncio.timeout(20):
                while not said():
                    await asyncio.sleep(0.02)
            await asyncio.sleep(0.5)
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)

    with caplog.at_level(logging.INFO, "prefect.flow_runs"):
        await night()
    (line,) = said()
    assert re.fullmatch(
        rf"openai {model}: \d\d calls wait for the limit of 60 requests a minute; about \d\d s",
        line,
    )


async def test_who_stops_waiting_leaves_the_line(model: str) -> None:
    settings = Settings(llm_rate_limit=60, llm_burst=1)
    async with Pace.open(settings, BilledProvider(model=model)) as pace:
        tasks = [asyncio.create_task(passages(pace, 1)) for _ in range(3)]
        await asyncio.sleep(0.05)
        tasks[1].cancel()
        done = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(one) for one in done] == [list, asyncio.CancelledError, list]
