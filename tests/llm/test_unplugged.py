"""The server goes away in the middle and comes back: nothing is lost, no key is left behind."""

import asyncio
from dataclasses import replace
from pathlib import Path

from tasks.calls.prompt import Prompt, Purpose, Reply
from tasks.core.settings import Settings
from tasks.llm.client import Client
from tasks.story.scene import SceneDraft
from tests.canary import CANARY, find_canary
from tests.emulators.gemini import GeminiServer

SCENES = 30
PROMPT = Prompt("scene", 1, "hash", text="", shared="A world.", schema=SceneDraft)


async def test_every_scene_is_written_though_the_server_was_gone(
    prefect_server: str, tmp_path: Path
) -> None:
    with GeminiServer(latency=0.1) as server:
        settings = Settings.model_validate(
            {
                "gemini_api_key": CANARY,
                "gemini_base_url": server.url,
                "talewright_home": tmp_path,
                "llm_concurrency": 5,
            }
        )
        gate = asyncio.Semaphore(5)

        async def one(client: Client, number: int) -> Reply:
            async with gate:
                prompt = replace(PROMPT, text=f"Write scene {number}")
                return await client.ask(prompt, Purpose("run", "story", f"1.{number}", "generate"))

        async with Client.open(settings, run_id="run") as client:
            writing = asyncio.gather(*(one(client, number + 1) for number in range(SCENES)))
            while not server.calls:
                await asyncio.sleep(0.05)
            server.stop()
            assert 0 < len(server.calls) < SCENES
            await asyncio.sleep(1)
            assert not writing.done()
            server.start()
            replies = await writing
            tallies = await client.ledger.tally(run_id="run")
    assert len({reply.text for reply in replies}) == SCENES
    assert server.counts()["answered"] == SCENES
    # What was under way when the server went may have been billed: it counts as if it was.
    answered = [reply.usage.tokens_out for reply in replies]
    assert tallies.total.tokens_out >= sum(answered)
    assert tallies.total.failed > 0
    assert find_canary([tmp_path]) == []
