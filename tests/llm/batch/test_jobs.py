"""Gemini's batch jobs over HTTP: sent once, settled call by call, at half the price."""

import asyncio
import socket
import subprocess
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tasks.calls.errors import CapReached
from tasks.calls.prompt import Prompt, Purpose, Reply
from tasks.core.settings import Settings
from tasks.ledger.ledger import Ledger
from tasks.llm.batch.jobs import gathering, open_jobs
from tasks.llm.client import Client
from tests.emulators.gemini_batch import Fate, GeminiBatchServer

KEY = "canary-batch"


def settings(server: GeminiBatchServer, home: Path, **more: object) -> Settings:
    return Settings(
        gemini_api_key=KEY,
        gemini_base_url=server.url,
        talewright_home=home,
        llm_chain="gemini",
        llm_batch_poll=0.05,
        **more,
    )


def prompts(count: int) -> list[Prompt]:
    return [
        Prompt(id="scene", version=1, hash="h", text=f"Number {number}.", max_output_tokens=300)
        for number in range(count)
    ]


async def ask_all(client: Client, count: int) -> Sequence[Reply]:
    purpose = Purpose(client.run_id, "story", "1", "generate")
    return await asyncio.gather(*(client.ask(prompt, purpose) for prompt in prompts(count)))


class Echo(GeminiBatchServer):
    """Answers with what it was asked."""

    def write(self, body: Mapping[str, Any], raw: bytes) -> str:
        return str(body["contents"][0]["parts"][0]["text"])


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


async def leave_a_job(client: Client, server: GeminiBatchServer, calls: int) -> None:
    """Ask, and stop when the job has been sent."""
    asking = asyncio.create_task(ask_all(client, calls))
    while not server.jobs:
        await asyncio.sleep(0.02)
    asking.cancel()


async def test_a_level_is_one_job_at_half_the_price(home: Path) -> None:
    with GeminiBatchServer() as server:
        async with Client.open(settings(server, home), run_id="run-1", batched=True) as client:
            replies = await ask_all(client, 8)
            total = (await client.ledger.tally(run_id="run-1")).total
            each = [client.prices.cost("gemini", r.model, r.usage) for r in replies]
    assert server.counts()["jobs"] == 1
    assert len({reply.usage.tokens_in for reply in replies}) <= 2
    assert total.cost_usd == sum(each, Decimal(0)) / 2 == total.batch_saved_usd
    assert (total.calls, total.batched, total.failed) == (8, 8, 0)


async def test_each_answer_goes_to_its_own_request(home: Path) -> None:
    with Echo() as server:
        async with Client.open(settings(server, home), run_id="run-1", batched=True) as client:
            replies = await ask_all(client, 9)
    assert [reply.text for reply in replies] == [prompt.text for prompt in prompts(9)]


async def test_what_a_job_does_not_answer_goes_with_the_next(home: Path) -> None:
    fates: list[Fate] = ["failed", "expired", "cancelled", "partial", "errors"]
    with GeminiBatchServer(duration=0.1, fates=fates) as server:
        async with Client.open(settings(server, home), run_id="run-1", batched=True) as client:
            await ask_all(client, 12)
            total = (await client.ledger.tally(run_id="run-1")).total
    counts = server.counts()
    assert (counts["jobs"], counts["answered"], counts["requests_answered_twice"]) == (5, 12, 0)
    assert total.failed == 12 + 12 + 12 + 3 + 1
    assert total.batched == 12 * 4 + 3, "the last one alone goes the ordinary way"


async def test_a_job_whose_receipt_was_lost_is_found_and_not_sent_again(home: Path) -> None:
    with GeminiBatchServer(fates=["lost"]) as server:
        async with Client.open(settings(server, home), run_id="run-1", batched=True) as client:
            await ask_all(client, 3)
    assert (server.counts()["jobs"], server.counts()["answered"]) == (1, 3)


async def test_a_level_of_one_call_goes_the_ordinary_way(home: Path) -> None:
    with GeminiBatchServer() as server:
        async with Client.open(settings(server, home), run_id="run-1", batched=True) as client:
            (reply,) = await ask_all(client, 1)
            full = client.prices.cost("gemini", reply.model, reply.usage)
            total = (await client.ledger.tally(run_id="run-1")).total
    assert server.counts()["jobs"] == 0
    assert (total.cost_usd, total.batched) == (full, 0)


async def test_past_its_deadline_a_job_is_left_and_the_cap_holds(home: Path) -> None:
    with GeminiBatchServer(fates=["stuck"]) as server:
        patience = settings(server, home, llm_batch_deadline=0.3, llm_max_cost=Decimal("0.05"))
        async with Client.open(patience, run_id="run-1", batched=True) as client:
            assert client.batches is not None
            replies = await ask_all(client, 4)
            await ask_all(client, 6)
            total = (await client.ledger.tally(run_id="run-1")).total
            notes = client.batches.notes
    assert server.counts()["jobs"] == 1
    assert len(replies) == 4
    assert "the ordinary way" in notes[0]
    assert total.cost_usd <= Decimal("0.05")


async def test_calls_that_do_not_fit_under_the_cap_wait_for_room(home: Path) -> None:
    with GeminiBatchServer(duration=0.1) as server:
        tight = settings(server, home, llm_max_cost=Decimal("0.006"))
        async with Client.open(tight, run_id="run-1", batched=True) as client:
            await ask_all(client, 30)
            total = (await client.ledger.tally(run_id="run-1")).total
    assert server.counts()["jobs"] > 1
    assert total.calls == 30
    assert total.cost_usd <= Decimal("0.006")


async def test_stories_near_the_cap_come_to_an_end(home: Path) -> None:
    """What goes the ordinary way may wait for room that a batch holds."""
    with GeminiBatchServer(duration=0.1) as server:
        async with Client.open(settings(server, home), run_id="probe") as client:
            worst = client.prices.worst("gemini", client.chain[0].model, prompts(1)[0])
        tight = settings(server, home, llm_max_cost=worst * Decimal("0.7"))
        async with Client.open(tight, run_id="run-1", batched=True) as client:

            async def story(prompt: Prompt) -> str:
                with client.level.work():
                    try:
                        return (
                            await client.ask(prompt, Purpose("run-1", "s", "1", "generate"))
                        ).text
                    except CapReached:
                        return "no room"

            async with asyncio.timeout(10):
                told = await asyncio.gather(*map(story, prompts(3)))
            total = (await client.ledger.tally(run_id="run-1")).total
    assert "no room" in told
    assert total.in_flight == 0
    assert total.cost_usd <= worst


async def test_the_next_run_takes_up_a_job_that_was_left_behind(home: Path) -> None:
    with GeminiBatchServer(duration=1.5) as server:
        chosen = settings(server, home)
        async with Client.open(chosen, run_id="run-1", batched=True) as client:
            await leave_a_job(client, server, 5)
        async with Client.open(chosen, run_id="run-2", batched=True) as client:
            replies = await ask_all(client, 5)
            first = (await client.ledger.tally(run_id="run-1")).total
            second = (await client.ledger.tally(run_id="run-2")).total
    assert server.counts()["jobs"] == 1
    assert all(reply.cached for reply in replies)
    assert (first.calls, first.failed) == (5, 0)
    assert (second.cost_usd, second.cached) == (Decimal(0), 5)


async def test_a_job_the_provider_has_forgotten_is_over_and_its_calls_are_asked_again(
    home: Path,
) -> None:
    with GeminiBatchServer(duration=1.5) as server:
        chosen = settings(server, home)
        async with Client.open(chosen, run_id="run-1", batched=True) as client:
            await leave_a_job(client, server, 3)
        server.jobs["batches/of-another"] = server.jobs.pop("batches/b0")
        server.duration = 0.1
        async with Client.open(chosen, run_id="run-2", batched=True) as client:
            replies = await ask_all(client, 3)
            first = (await client.ledger.tally(run_id="run-1")).total
            left = await open_jobs(client.ledger, "gemini", chosen.access("gemini").model)
    assert not any(reply.cached for reply in replies)
    assert (first.in_flight, first.failed, first.cost_usd) == (0, 3, Decimal(0))
    assert left == []


async def test_a_call_that_is_cancelled_before_its_job_costs_nothing(home: Path) -> None:
    with GeminiBatchServer() as server:
        async with Client.open(settings(server, home), run_id="run-1", batched=True) as client:
            asking = asyncio.create_task(ask_all(client, 3))
            await asyncio.sleep(0.3)
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
            total = (await client.ledger.tally(run_id="run-1")).total
    assert (server.counts()["jobs"], total.calls) == (0, 0)


async def test_what_a_dead_process_had_not_sent_is_free_again(home: Path) -> None:
    dead = subprocess.Popen(["true"])
    dead.wait()
    (prompt,) = prompts(1)
    with GeminiBatchServer() as server:
        chosen = settings(server, home)
        async with Ledger.open(chosen) as ledger:
            job = gathering(f"{socket.gethostname()}:{dead.pid}")
            purpose = Purpose("run-1", "story", "1", "generate")
            await ledger.reserve(prompt, purpose, "r", "gemini", "m", Decimal(1), {}, job)
            assert (await ledger.tally()).total.in_flight_usd == Decimal(1)
            async with Client.open(chosen, run_id="run-2", batched=True):
                assert (await ledger.tally()).total.in_flight == 0
