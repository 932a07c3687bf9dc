"""500 structured answers of 4 KB, 0.5 s latency, 100 at a time: the provider layer against plain
google-genai with a schema computed once. Whole processes, their start included.

`python -m tests.bench.providers [rounds]` prints seconds, CPU seconds and the ratios.
"""

import asyncio
import json
import resource
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from statistics import median

ANSWERS = 500
AT_A_TIME = 100
LATENCY = 0.5
SIZE = 2700
"""Bytes of prose; an answer is then about 4 KB."""


async def spread(one: Callable[[int], Awaitable[None]]) -> None:
    gate = asyncio.Semaphore(AT_A_TIME)

    async def gated(number: int) -> None:
        async with gate:
            await one(number)

    await asyncio.gather(*map(gated, range(ANSWERS)))


async def plain(url: str) -> None:
    """What a user of the SDK would write who knows that it rebuilds the schema each call."""
    from google import genai
    from google.genai import types

    from tasks.story.scene import SceneDraft

    schema = SceneDraft.model_json_schema()
    options = types.HttpOptions(base_url=url, api_version="v1beta")
    client = genai.Client(api_key="key", http_options=options)
    config = types.GenerateContentConfig(
        response_mime_type="application/json", response_json_schema=schema
    )

    async def one(number: int) -> None:
        response = await client.aio.models.generate_content(
            model="gemini-2.5-flash", contents=f"Scene {number}", config=config
        )
        SceneDraft.model_validate_json(response.text or "")

    await spread(one)


async def ours(url: str) -> None:
    """Through the provider, the retries and the parser."""
    from tasks.answers.json import parse
    from tasks.calls.prompt import Prompt
    from tasks.core.settings import Settings
    from tasks.llm.chain import providers
    from tasks.llm.retry import retrying
    from tasks.story.scene import SceneDraft

    settings = Settings.model_validate({"gemini_api_key": "key", "gemini_base_url": url})
    (provider,) = providers(settings)

    async def one(number: int) -> None:
        prompt = Prompt("scene", 1, "hash", text=f"Scene {number}", schema=SceneDraft)
        async for attempt in retrying(settings):
            with attempt:
                reply = await provider.generate(prompt)
        parse(reply.text, SceneDraft)

    await spread(one)
    await provider.close()


def measure(way: str, url: str) -> tuple[float, float]:
    """Seconds and CPU seconds of one process."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.monotonic()
    subprocess.run([sys.executable, "-m", __spec__.name, way, url], check=True)
    seconds = time.monotonic() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime)
    return seconds, used


def main(rounds: int) -> None:
    command = [sys.executable, "-m", "tests.emulators.gemini"]
    command += ["--latency", str(LATENCY), "--size", str(SIZE)]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        url = server.stdout.readline().strip()
        figures: dict[str, list[tuple[float, float]]] = {"plain": [], "ours": []}
        for _ in range(rounds):
            for way, runs in figures.items():
                runs.append(measure(way, url))
    finally:
        server.kill()
        server.wait()
    middle = {
        way: (median(s for s, _ in runs), median(c for _, c in runs))
        for way, runs in figures.items()
    }
    for way, (seconds, used) in middle.items():
        print(f"{way:8} {seconds:6.2f} s {used:6.2f} s CPU")
    ratios = [mine / theirs for mine, theirs in zip(middle["ours"], middle["plain"], strict=True)]
    print(f"ours/plain: time {ratios[0]:.2f}, CPU {ratios[1]:.2f}")
    print(json.dumps(figures))


if __name__ == "__main__":
    if len(sys.argv) == 3:
        asyncio.run({"plain": plain, "ours": ours}[sys.argv[1]](sys.argv[2]))
    else:
        main(int(sys.argv[1]) if len(sys.argv) == 2 else 3)
