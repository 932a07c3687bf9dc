"""300 scenes in bad weather: 20 % 429 (Retry-After 1 to 3 s), 10 % 503, 5 % 500, and delays.

`python -m tests.bench.weather`: llmock's verdict on the provider layer, for Gemini and Claude.
"""

import asyncio
import time
from dataclasses import replace

from llmock.chaos import ChaosSettings
from llmock.testing import LLMockServer
from llmock.verdict import judge

from tasks.calls.prompt import Prompt, Provider, Reply
from tasks.core.settings import Settings
from tasks.llm.chain import open_provider
from tasks.llm.retry import retrying
from tests.emulators.weather import bad_weather

SCENES = 300
AT_A_TIME = 100


async def ask(provider: Provider, prompt: Prompt, settings: Settings) -> Reply:
    async for attempt in retrying(settings):
        with attempt:
            return await provider.generate(prompt)
    raise AssertionError


async def batch(name: str, path: str) -> None:
    with LLMockServer(chaos=ChaosSettings(latency_ms=500)) as server:
        server.state.scenarios.add(*bad_weather())
        url = server.base_url(path)
        settings = Settings(
            gemini_api_key="k", gemini_base_url=url, anthropic_api_key="k", claude_base_url=url
        )
        provider = open_provider(name, settings)
        prompt = Prompt("scene", 1, "hash", text="", shared="A world.")
        gate = asyncio.Semaphore(AT_A_TIME)

        async def one(number: int) -> Reply:
            async with gate:
                return await ask(provider, replace(prompt, text=f"Scene {number}"), settings)

        started = time.monotonic()
        replies = await asyncio.gather(*map(one, range(SCENES)), return_exceptions=True)
        seconds = time.monotonic() - started
        await provider.close()
        requests = server.state.journal.records(wait=2)
        lost = sum(not isinstance(reply, Reply) for reply in replies)
        found = [f"{f.severity} {f.code}" for f in judge(requests).findings]
        print(
            f"{name:8} {len(requests):5} requests {lost:3} lost {seconds:6.1f} s  {found or 'PASS'}"
        )


if __name__ == "__main__":
    asyncio.run(batch("gemini", "gemini"))
    asyncio.run(batch("claude", "anthropic"))
