"""Nothing is lost in bad weather, and the server is never bothered more than it allows."""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
from llmock.chaos import ChaosSettings
from llmock.simulation import MockResponseSettings
from llmock.testing import LLMockServer
from llmock.verdict import judge

from tasks.calls.errors import BadRequest, LLMError, Malformed, RateLimited, TryLater, Unreachable
from tasks.calls.prompt import Prompt, Provider, Reply
from tasks.core.settings import Settings
from tasks.llm.chain import open_provider
from tasks.llm.retry import MOST_REFUSALS, retrying
from tests.canary import CANARY
from tests.emulators.gemini import GeminiServer, error, response
from tests.emulators.http import json_answer
from tests.emulators.weather import bad_weather

PROMPT = Prompt("scene", 1, "hash", text="Write scene", shared="A world.")


@pytest.fixture
def llm() -> Iterator[LLMockServer]:
    with LLMockServer(
        chaos=ChaosSettings(latency_ms=20), responses=MockResponseSettings()
    ) as server:
        yield server


async def ask(provider: Provider, prompt: Prompt, settings: Settings) -> Reply:
    async for attempt in retrying(settings):
        with attempt:
            return await provider.generate(prompt)
    raise AssertionError("tenacity ends with an answer or an error")


@pytest.mark.parametrize(("name", "path"), [("gemini", "gemini"), ("claude", "anthropic")])
async def test_300_scenes_in_bad_weather(llm: LLMockServer, name: str, path: str) -> None:
    url = llm.base_url(path)
    settings = Settings(
        gemini_api_key=CANARY, gemini_base_url=url, anthropic_api_key=CANARY, claude_base_url=url
    )
    llm.state.scenarios.add(*bad_weather(scale=0.05))
    provider = open_provider(name, settings)
    scenes = [replace(PROMPT, text=f"Write scene {number}") for number in range(300)]
    replies = await asyncio.gather(*(ask(provider, scene, settings) for scene in scenes))
    await provider.close()
    requests = llm.state.journal.records(wait=2)
    verdict = judge(requests)
    assert len(replies) == len(verdict.calls) == 300
    assert verdict.errors == ()
    assert len(requests) > 400, "there was bad weather"


async def outcome(server: GeminiServer, **changes: float) -> tuple[LLMError | None, int, float]:
    """How asking once ends: the error, the requests it took, the seconds."""
    settings = Settings(gemini_api_key=CANARY, gemini_base_url=server.url).model_copy(
        update=changes
    )
    provider = open_provider("gemini", settings)
    started = time.monotonic()
    raised = None
    try:
        await ask(provider, PROMPT, settings)
    except LLMError as caught:
        raised = caught
    await provider.close()
    return raised, len(server.calls), time.monotonic() - started


async def test_the_servers_delay_is_kept() -> None:
    with GeminiServer() as server:
        server.next(error(429, retry_delay=0.4), error(429, headers={"retry-after-ms": "300"}))
        raised, requests, seconds = await outcome(server)
    assert raised is None
    assert requests == 3
    assert seconds >= 0.7


async def test_what_cannot_succeed_is_not_retried() -> None:
    with GeminiServer(rates={404: 1.0}) as server:
        raised, requests, _ = await outcome(server)
    assert type(raised) is BadRequest
    assert requests == 1


async def test_a_delay_beyond_the_deadline_is_not_waited_for() -> None:
    with GeminiServer(rates={429: 1.0}, retry_delay=3600) as server:
        raised, requests, seconds = await outcome(server, llm_deadline=30.0)
    assert type(raised) is RateLimited
    assert requests == 1
    assert seconds < 5


async def test_refusals_end_after_ten() -> None:
    with GeminiServer(rates={429: 1.0}, retry_delay=0.001) as server:
        raised, requests, _ = await outcome(server)
    assert isinstance(raised, TryLater)
    assert requests == MOST_REFUSALS


async def test_an_answer_that_ended_oddly_is_asked_for_once_more() -> None:
    odd = json_answer(response("x", {"promptTokenCount": 5}, finish="OTHER"))
    for times, expected in ((1, type(None)), (9, Malformed)):
        with GeminiServer() as server:
            server.next(*[odd] * times)
            raised, requests, _ = await outcome(server)
        assert (type(raised), requests) == (expected, 2)


async def test_a_server_that_is_gone_and_comes_back() -> None:
    with GeminiServer() as server:
        server.stop()
        waiting = asyncio.create_task(outcome(server))
        await asyncio.sleep(0.5)
        server.start()
        raised, requests, _ = await waiting
    assert raised is None
    assert requests == 1


async def test_a_server_that_stays_away_is_given_up_at_the_deadline() -> None:
    with GeminiServer() as server:
        server.stop()
        raised, _, seconds = await outcome(server, llm_deadline=1.0)
    assert type(raised) is Unreachable
    assert seconds < 5
