"""What is set aside for a call is freed again, once, where it was taken from."""

import asyncio
from decimal import Decimal
from uuid import uuid4

import pytest
from sqlalchemy import Connection, select, update

from tasks.calls.errors import CapReached, QuotaGone
from tasks.calls.prompt import Usage
from tasks.core.settings import Settings
from tasks.ledger.ledger import Ledger
from tasks.ledger.prices import Price, Prices
from tasks.ledger.receipt import in_flight
from tasks.ledger.tables import attempts, spend
from tasks.llm.client import Client
from tasks.llm.limits.pace import Pace
from tests.ledger.conftest import PRICES, BilledProvider, prompt, purpose


async def sums(ledger: Ledger) -> dict[str, int]:
    """Nano-dollars spent or set aside, by scope."""
    rows = await ledger.run(lambda connection: connection.execute(select(spend)).all())
    return {row.scope: row.nano for row in rows}


async def test_a_call_over_midnight_counts_for_the_day_it_began(settings: Settings) -> None:
    worst, cost = Decimal("0.01"), Decimal("0.002")
    async with Ledger.open(settings) as ledger:
        row = await ledger.reserve(prompt("x"), purpose(), "", "openai", "billed", worst, {})
        assert isinstance(row, int)

        def a_night_passes(connection: Connection) -> None:
            today = spend.c.scope.startswith("day:")
            connection.execute(update(attempts).values(day="2001-01-01"))
            connection.execute(update(spend).where(today).values(scope="day:2001-01-01"))

        await ledger.run(a_night_passes)
        await ledger.settle(row, "ok", Usage(), cost, 1.0)
        spent = await sums(ledger)
    assert spent == {"run:run": 2_000_000, "day:2001-01-01": 2_000_000, "total": 2_000_000}


async def test_what_waits_at_the_gate_when_cancelled_was_no_attempt(settings: Settings) -> None:
    provider = BilledProvider(seconds=10.0)
    narrow = settings.model_copy(update={"llm_concurrency": 1})
    async with Ledger.open(narrow) as ledger:
        asks = Client(narrow, "run", ledger, PRICES, [provider])
        calls = [asyncio.create_task(asks.ask(prompt(f"{n}"), purpose())) for n in range(5)]
        while not provider.calls:
            await asyncio.sleep(0.01)
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)
        total = (await ledger.tally(run_id="run")).total
        aside = total.in_flight_usd  # what was sent may have been billed
        assert total.in_flight == total.calls == provider.calls == 1
        assert total.failed == 0
        assert aside == PRICES.worst("openai", "billed", prompt("0"))
        assert set((await sums(ledger)).values()) == {int(aside * 10**9)}


async def test_who_is_cancelled_twice_while_it_sets_aside_leaves_nothing(
    settings: Settings,
) -> None:
    """A flow's timeout cancels again and again."""
    async with Ledger.open(settings) as ledger:
        for moment in range(20):
            reserving = asyncio.create_task(
                ledger.reserve(prompt("x"), purpose(), "", "openai", "billed", Decimal("0.01"), {})
            )
            for _ in range(moment):
                await asyncio.sleep(0)
            for _ in range(2):
                reserving.cancel()
                await asyncio.sleep(0)
            await asyncio.gather(reserving, return_exceptions=True)
        async with asyncio.timeout(5):
            while (await ledger.tally(run_id="run")).total.in_flight:
                await asyncio.sleep(0.01)


async def test_a_cap_filled_by_what_is_set_aside_says_so(settings: Settings) -> None:
    capped = settings.model_copy(update={"llm_max_cost_per_day": Decimal("0.01")})
    aside = Decimal("0.009")
    async with Ledger.open(capped) as ledger:
        await ledger.reserve(prompt("x"), purpose("dead"), "", "openai", "billed", aside, {})
        asks = Client(capped, "run", ledger, PRICES, [BilledProvider()], _patience=0.0)
        with pytest.raises(CapReached, match=r"\$0.000000 is spent, \$0.009000 is set aside"):
            await asks.ask(prompt("y"), purpose())


async def test_a_call_the_gate_refused_was_no_attempt(
    settings: Settings, prefect_server: str
) -> None:
    daily = settings.model_copy(update={"llm_requests_per_day": 1})
    provider = BilledProvider(model=uuid4().hex[:12])
    prices = Prices({provider.model: PRICES.own["billed"]})
    async with Ledger.open(daily) as ledger, Pace.open(daily, provider) as pace:
        asks = Client(
            daily, "run", ledger, prices, [provider], paces={(provider.name, provider.model): pace}
        )
        first = await asks.ask(prompt("1"), purpose())
        with pytest.raises(QuotaGone):
            await asks.ask(prompt("2"), purpose())
        assert (await ledger.tally(run_id="run")).total.calls == provider.calls == 1
        assert set((await sums(ledger)).values()) == {int(first.cost_usd * 10**9)}


async def test_the_worst_case_covers_what_claude_writes_to_its_cache() -> None:
    prices, asked = Prices({}), prompt("x" * 100_000)
    written = Usage(tokens_in=100_000, tokens_cache_written=100_000, tokens_out=500)
    worst = prices.worst("claude", "claude-haiku-4-5", asked)
    assert prices.cost("claude", "claude-haiku-4-5", written) <= worst


async def test_own_prices_count_what_claude_writes_to_its_cache() -> None:
    listed = Prices({})
    own = Prices(
        {"claude-haiku-4-5": Price.model_validate({"in": "1", "cached": ".1", "out": "5"})}
    )
    usage = Usage(
        tokens_in=100_000, tokens_cached=20_000, tokens_cache_written=70_000, tokens_out=9
    )
    costs = {prices.cost("claude", "claude-haiku-4-5", usage) for prices in (own, listed)}
    assert len(costs) == 1


async def test_calls_whose_process_died_are_named_on_the_receipt(settings: Settings) -> None:
    async with Ledger.open(settings) as ledger:
        for _ in range(2):
            await ledger.reserve(
                prompt("x"), purpose(), "", "openai", "billed", Decimal("0.01"), {}
            )
        tallies = await ledger.tally(run_id="run")
    assert (tallies.total.in_flight, tallies.total.in_flight_usd) == (2, Decimal("0.02"))
    assert "2 calls. They may have been billed, $0.020000 at most" in in_flight(tallies.total)
