"""Claude's message batches over HTTP, behind the same face as Gemini's jobs."""

import asyncio
from decimal import Decimal
from pathlib import Path

from tasks.core.settings import Settings
from tasks.llm.client import Client
from tests.emulators.claude_batch import ClaudeBatchServer
from tests.llm.batch.test_jobs import ask_all, prompts


def settings(server: ClaudeBatchServer, home: Path) -> Settings:
    return Settings(
        anthropic_api_key="canary-batch",
        claude_base_url=server.url,
        talewright_home=home,
        llm_chain="claude",
        llm_batch_poll=0.05,
    )


async def test_answers_find_their_requests_at_half_the_price(tmp_path: Path) -> None:
    with ClaudeBatchServer(errors=2, expire=2, lose=1) as server:
        async with Client.open(settings(server, tmp_path), run_id="run-1", batched=True) as client:
            replies = await ask_all(client, 9)
            total = (await client.ledger.tally(run_id="run-1")).total
            full = sum(
                (client.prices.cost("claude", r.model, r.usage) for r in replies), Decimal(0)
            )
    assert [reply.text for reply in replies] == [prompt.text for prompt in prompts(9)]
    assert len(server.batches) == 2, "the lost one was found, and four calls were asked again"
    assert server.answered == 9
    assert total.cost_usd == full / 2


async def test_the_next_run_takes_up_a_batch_that_was_left_behind(tmp_path: Path) -> None:
    with ClaudeBatchServer(duration=1.0) as server:
        chosen = settings(server, tmp_path)
        async with Client.open(chosen, run_id="run-1", batched=True) as client:
            asking = asyncio.create_task(ask_all(client, 4))
            while not server.batches:
                await asyncio.sleep(0.02)
            asking.cancel()
        async with Client.open(chosen, run_id="run-2", batched=True) as client:
            assert all(reply.cached for reply in await ask_all(client, 4))
    assert (len(server.batches), server.answered) == (1, 4)
