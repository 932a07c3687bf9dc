"""The step as the flows run it: the real client, its ledger, and a model over HTTP."""

import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from tasks.calls.prompt import Purpose
from tasks.check_branches import check_branch
from tasks.consistency.examination import of_branch
from tasks.core.settings import Settings
from tasks.judge_texts import judge_texts
from tasks.llm.client import Client
from tasks.story.brief import Brief
from tasks.story.scene import BranchDraft
from tasks.story.verdict import Verdict
from tests.consistency.worlds import WORLD, branch, scene, state
from tests.emulators.gemini import GeminiServer, response
from tests.emulators.http import Answer, json_answer

PURPOSE = Purpose("run", "story", "1", "generate")
BRIEF = Brief(id="b", title="B", ask="Find out who lit the fire.", protagonist="mira")
CLEAN = branch("You pull the boat up and look for footprints.")
BROKEN = branch("Corin hands you a rope.", "uses corin lamp")


@pytest.fixture
def server() -> Iterator[GeminiServer]:
    with GeminiServer() as server:
        yield server


@pytest.fixture
def settings(server: GeminiServer, tmp_path: Path) -> Settings:
    return Settings(
        _env_file=None,
        talewright_home=tmp_path,
        gemini_api_key=SecretStr("k"),
        gemini_base_url=server.url,
        llm_deadline=1,
    )


@pytest.fixture
async def client(settings: Settings) -> AsyncIterator[Client]:
    async with Client.open(settings, run_id="run") as client:
        yield client


async def check(client: Client, proposed: BranchDraft) -> Verdict:
    before, there = state("dies corin"), scene()
    cases = [of_branch(WORLD, BRIEF, before, there, proposed)]
    (opinion,) = await judge_texts.fn(client, cases, "", PURPOSE, label="test")
    return await check_branch.fn(WORLD, BRIEF, [before], there, proposed, [], opinion, label="test")


def content() -> Answer:
    """The judge finds nothing wrong."""
    answer: dict[str, object] = {"contradictions": []}
    usage = {"promptTokenCount": 900, "candidatesTokenCount": 90}
    return json_answer(response(json.dumps(answer), usage))


async def test_the_judge_is_asked_and_paid(server: GeminiServer, client: Client) -> None:
    server.next(content())
    verdict = await check(client, CLEAN)
    assert (verdict.judge, verdict.decision) == ("asked", "accept")
    tallies = await client.ledger.tally(run_id="run")
    assert [(t.name, t.calls) for t in tallies.by_step] == [("check_branches", 1)]
    assert tallies.total.cost_usd > 0


async def test_what_the_rules_refuse_costs_nothing(server: GeminiServer, client: Client) -> None:
    verdict = await check(client, BROKEN)
    assert (verdict.judge, verdict.decision) == ("not asked", "reject")
    assert server.calls == []


async def test_a_second_model_judges(settings: Settings, server: GeminiServer) -> None:
    server.next(content())
    other = settings.model_copy(update={"judge_model": "gemini-2.5-pro"})
    async with Client.open(other, run_id="run") as client:
        await check(client, CLEAN)
        assert set(client.paces) == {
            ("gemini", settings.access("gemini").model),
            ("gemini", other.judge_model),
        }
    assert [call.model for call in server.calls] == ["gemini-2.5-pro"]


async def test_the_offline_writer_never_judges(settings: Settings, server: GeminiServer) -> None:
    server.rates = {500: 1.0}
    chain = settings.model_copy(update={"llm_chain": "gemini,offline"})
    async with Client.open(chain, run_id="run") as client:
        verdict = await check(client, CLEAN)
    assert (verdict.judge, verdict.decision) == ("unavailable", "review")
    offline = settings.model_copy(update={"llm_chain": "offline"})
    async with Client.open(offline, run_id="run") as client:
        assert (await check(client, CLEAN)).judge == "not asked"
