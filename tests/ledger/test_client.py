"""Money: no cap is overshot, nothing is paid twice, and every attempt is in the books."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from uuid import uuid4

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import Connection

from tasks.calls.errors import CapReached, LLMError, NoPrice
from tasks.calls.prompt import Usage
from tasks.core.settings import Settings
from tasks.ledger.ledger import Ledger
from tasks.ledger.prices import Prices
from tasks.ledger.tables import metadata
from tasks.llm.chain import providers
from tasks.llm.client import Client, request_key
from tasks.llm.providers.openai_compatible import OpenAICompatible
from tests.emulators.gemini import GeminiServer, error
from tests.ledger.conftest import PRICES, BilledProvider, prompt, purpose


@asynccontextmanager
async def client(
    settings: Settings, *providers: BilledProvider, **more: object
) -> AsyncIterator[Client]:
    async with Ledger.open(settings) as ledger:
        yield Client(settings, "run", ledger, PRICES, list(providers), **more)  # type: ignore[arg-type]


async def test_the_same_request_is_paid_once(settings: Settings) -> None:
    provider = BilledProvider()
    for run in range(2):
        async with client(settings, provider) as asks:
            replies = await asyncio.gather(
                *(asks.ask(prompt("same"), purpose()) for _ in range(50))
            )
            assert len({reply.text for reply in replies}) == 1
            assert sum(not reply.cached for reply in replies) == (1 if run == 0 else 0)
    assert provider.calls == 1


async def test_two_servers_with_a_model_of_one_name_do_not_share_answers() -> None:
    urls = ["", "https://api.openai.com/v1", "http://one/v1", "http://two/v1"]
    settings = [Settings(openai_base_url=url, openai_model="billed") for url in urls]
    servers = [OpenAICompatible(one) for one in settings]
    openai, same, one, two = [request_key(server, prompt("x")) for server in servers]
    assert openai == same == request_key(BilledProvider(), prompt("x"))
    assert len({openai, one, two}) == 3
    for server in servers:
        await server.close()


async def test_fresh_asks_again_but_only_once(settings: Settings) -> None:
    provider = BilledProvider()
    async with client(settings, provider) as asks:
        await asks.ask(prompt("same"), purpose())
    async with client(settings, provider, fresh=True) as asks:
        for _ in range(3):
            await asks.ask(prompt("same"), purpose())
    assert provider.calls == 2


async def test_the_ledger_agrees_with_the_bill_to_the_micro_dollar(settings: Settings) -> None:
    provider = BilledProvider(seed=3, failures=0.3)
    async with client(settings, provider) as asks:
        await asyncio.gather(
            *(asks.ask(prompt(f"call {n}"), purpose()) for n in range(60)), return_exceptions=True
        )
        tallies = await asks.ledger.tally(run_id="run")
    assert tallies.total.cost_usd == provider.billed
    assert tallies.total.calls == provider.calls
    for sums in (tallies.by_step, tallies.by_model, tallies.by_prompt, tallies.by_reason):
        assert sum((tally.cost_usd for tally in sums), Decimal(0)) == provider.billed


async def test_what_does_not_fit_is_not_sent(settings: Settings) -> None:
    provider = BilledProvider()
    tight = settings.model_copy(update={"llm_max_cost": Decimal("0.001")})
    async with client(tight, provider) as asks:
        with pytest.raises(CapReached, match="--max-cost"):
            await asks.ask(prompt("x", room=1000), purpose())
    assert provider.calls == 0


async def test_a_fallback_answer_is_not_kept_as_the_first_provider_s(settings: Settings) -> None:
    down = BilledProvider(failures=1.0, model="billed", name="gemini")
    down_prices = Prices(PRICES.own)
    up = BilledProvider()
    async with Ledger.open(settings) as ledger:
        asks = Client(settings, "run", ledger, down_prices, [down, up])
        await asks.ask(prompt("x"), purpose())
        before = down.calls
        await asks.ask(prompt("x"), purpose())
    assert down.calls > before
    assert up.calls == 1


def test_a_model_without_a_price_is_refused() -> None:
    with pytest.raises(NoPrice, match="LLM_PRICES"):
        Prices({}).cost("gemini", "no-such-model", Usage())


@given(seed=st.integers(0, 10_000), cap=st.sampled_from(["0.1", "0.25", "0.5"]))
@hypothesis_settings(
    max_examples=4,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.differing_executors],
)
async def test_a_cap_is_never_overshot_and_well_used(
    settings: Settings, seed: int, cap: str
) -> None:
    """A hundred calls in flight from two ledgers, of which any would fit alone."""
    limit = Decimal(cap)
    providers = [BilledProvider(seed=seed + n, failures=0.2) for n in range(2)]
    scope = settings.model_copy(update={"llm_max_cost": limit, "llm_deadline": 5.0})
    run = uuid4().hex
    refused = 0

    async def spend(provider: BilledProvider) -> None:
        nonlocal refused
        async with Ledger.open(scope) as ledger:
            asks = Client(scope, run, ledger, PRICES, [provider])
            outcomes = await asyncio.gather(
                *(
                    asks.ask(prompt(f"{run} {provider.seed} {n}", room=1500), purpose(run))
                    for n in range(100)
                ),
                return_exceptions=True,
            )
        refused += sum(isinstance(outcome, CapReached) for outcome in outcomes)
        assert all(isinstance(o, LLMError) for o in outcomes if isinstance(o, BaseException))

    await asyncio.gather(*(spend(provider) for provider in providers))
    billed = sum((provider.billed for provider in providers), Decimal(0))
    async with Ledger.open(scope) as ledger:
        total = (await ledger.tally(run_id=run)).total
    assert total.cost_usd == billed <= limit
    if refused:
        assert billed >= limit * Decimal("0.9") - Decimal("0.016")


async def test_a_refused_prompt_that_was_billed_counts(settings: Settings) -> None:
    provider = BilledProvider(seed=1, failures=1.0)
    async with client(settings, provider) as asks:
        for n in range(10):
            with pytest.raises(LLMError):
                await asks.ask(prompt(f"{n}"), purpose())
        total = (await asks.ledger.tally(run_id="run")).total
    assert total.cost_usd == provider.billed > 0
    assert total.failed == total.calls


async def test_waiting_for_a_turn_takes_nothing_from_the_deadline(tmp_path: Path) -> None:
    with GeminiServer(latency=0.3) as server:
        busy = Settings(
            gemini_api_key="x",
            gemini_base_url=server.url,
            llm_chain="gemini",
            llm_concurrency=1,
            llm_deadline=0.6,
            talewright_home=tmp_path,
        )
        (provider,) = providers(busy)
        async with Ledger.open(busy) as ledger:
            asks = Client(busy, "run", ledger, Prices({}), [provider])
            calls = [asyncio.create_task(asks.ask(prompt(f"{n}"), purpose())) for n in range(4)]
            while sum(call.done() for call in calls) < 2:
                await asyncio.sleep(0.01)
            server.next(error(503, headers={"Retry-After": "0"}))
            await asyncio.gather(*calls)
        await provider.close()
    assert server.counts()["by_status"] == {"200": 4, "503": 1}


async def test_the_tables_are_the_ones_the_migrations_make(settings: Settings) -> None:
    def differences(connection: Connection) -> list[object]:
        found = compare_metadata(MigrationContext.configure(connection), metadata)
        return [change for change in found if "alembic_version" not in str(change)]

    async with Ledger.open(settings) as ledger:
        assert not await ledger.run(differences)


async def test_the_cache_is_bounded_by_age_and_size(settings: Settings) -> None:
    async with client(settings, BilledProvider()) as asks:
        for n in range(10):
            await asks.ask(prompt(f"call {n}"), purpose())
        count, size = await asks.ledger.kept()
        assert count == 10
        assert await asks.ledger.forget(days=1) == 0
        assert await asks.ledger.shrink(size // 2) == 5
        reply = await asks.ask(prompt("call 9"), purpose())
        assert reply.cached
        assert await asks.ledger.forget(days=0) == 5
        assert (await asks.ledger.tally(run_id="run")).total.calls == 10


async def test_half_most_and_all_of_a_cap_are_said_once(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    capped = settings.model_copy(update={"llm_max_cost": Decimal("0.05")})
    async with client(capped, BilledProvider(seed=2)) as asks:
        calls = [asks.ask(prompt(f"call {n}"), purpose()) for n in range(100)]
        outcomes = await asyncio.gather(*calls, return_exceptions=True)
    assert any(isinstance(outcome, CapReached) for outcome in outcomes)
    said = [r.getMessage() for r in caplog.records if "of the cap" in r.getMessage()]
    assert [line.split(" %")[0] for line in said][:2] == ["50", "80"]
    assert len(said) == len(set(said))
