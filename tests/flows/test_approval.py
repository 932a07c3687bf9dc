"""approve=True: a run waits for a person's word and goes on where it was."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from prefect import tags
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterTags
from prefect.client.schemas.objects import FlowRun, State

from flows.orders.stories import BatchOrder, StoryOrder
from flows.results import BatchResult, StoryResult
from flows.write_stories import write_stories
from flows.write_story import write_story
from tasks.core.markdown import escape
from tests.emulators.gemini import GeminiServer


class Person:
    """Answers the forms of one run, as the UI does."""

    def __init__(self, tag: str) -> None:
        self.wanted = FlowRunFilter(tags=FlowRunFilterTags(all_=[tag]))
        self.asked = ""

    async def answer(self, answer: Mapping[str, Any]) -> str:
        """Wait for the next question, give the answer; what was asked."""
        async with get_client() as client:
            run = await self._paused()
            assert run.state is not None
            keyset = run.state.state_details.run_input_keyset
            assert keyset is not None
            question = await client.read_flow_run_input(run.id, keyset["description"])
            done = await client.resume_flow_run(run.id, run_input=dict(answer))
            assert done.status.value == "ACCEPT", done.details
        return str(question)

    async def _paused(self) -> FlowRun:
        async with get_client() as client:
            for _ in range(200):
                for run in await client.read_flow_runs(flow_run_filter=self.wanted):
                    key = run.state and run.state.state_details.pause_key
                    if run.state and run.state.is_paused() and key != self.asked:
                        # The form is saved just after the run is paused.
                        await asyncio.sleep(0.2)
                        self.asked = str(key)
                        return run
                await asyncio.sleep(0.1)
        raise AssertionError("nobody was asked")


@asynccontextmanager
async def running(flow: Any, order: Any) -> AsyncIterator[tuple[Person, asyncio.Task[State[Any]]]]:
    tag = f"approval-{uuid4().hex[:8]}"
    with tags(tag):
        run = asyncio.ensure_future(flow(order, return_state=True))
        try:
            yield Person(tag), run
        finally:
            run.cancel()


async def test_each_story_of_a_batch_is_published_only_if_a_person_agrees(
    prefect_server: str, tmp_path: Path
) -> None:
    site = tmp_path / "site"
    order = BatchOrder(
        depth=0, out=str(tmp_path), publish_to=str(site), approve=True, sandbox="none"
    )
    async with running(write_stories, order) as (person, run):
        refused = await person.answer({"publish": False})
        agreed = await person.answer({"publish": True})
        batch = await (await run).aresult()
    assert isinstance(batch, BatchResult)
    assert len(batch.complete) == 2
    (published,) = json.loads((site / "stories.json").read_text()).values()
    assert escape(published["title"]) in agreed
    assert escape(published["title"]) not in refused


@pytest.mark.parametrize("raised", [True, False])
async def test_a_run_at_its_cap_asks_for_more_and_goes_on(
    raised: bool, prefect_server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with GeminiServer() as server:
        monkeypatch.setenv("GEMINI_API_KEY", "none")
        monkeypatch.setenv("GEMINI_BASE_URL", server.url)
        monkeypatch.setenv("TALEWRIGHT_HOME", str(tmp_path / "home"))
        cap = Decimal("0.0335")
        order = StoryOrder(
            depth=1, out=str(tmp_path), approve=True, max_cost_usd=cap, sandbox="none"
        )
        async with running(write_story, order) as (person, run):
            question = await person.answer({"max_cost_usd": 1 if raised else str(cap)})
            told = await (await run).aresult(raise_on_failure=False)
        twice = server.counts()["requests_answered_twice"]
    assert f"${cap}" in question
    assert isinstance(told, StoryResult)
    assert told.receipt.outcome == ("complete" if raised else "cap reached")
    assert told.scenes == (3 if raised else 1)
    assert twice == 0


async def test_nobody_is_asked_for_more_than_the_day_may_cost(
    prefect_server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with GeminiServer() as server:
        monkeypatch.setenv("GEMINI_API_KEY", "none")
        monkeypatch.setenv("GEMINI_BASE_URL", server.url)
        monkeypatch.setenv("TALEWRIGHT_HOME", str(tmp_path / "home"))
        monkeypatch.setenv("LLM_MAX_COST_PER_DAY", "0.0335")
        order = StoryOrder(
            depth=1, out=str(tmp_path), approve=True, max_cost_usd=Decimal(1), sandbox="none"
        )
        async with running(write_story, order) as (_, run), asyncio.timeout(60):
            told = await (await run).aresult(raise_on_failure=False)
    assert isinstance(told, StoryResult)
    assert told.receipt.outcome == "cap reached"
