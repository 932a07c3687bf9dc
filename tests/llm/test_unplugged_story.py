"""A whole story over HTTP, with the server gone in the middle of it."""

import asyncio
from pathlib import Path

import pytest

from tests.canary import CANARY, find_canary
from tests.conftest import HOME
from tests.emulators.gemini import GeminiServer

pytest.importorskip("tasks.score", reason="the flow needs every step")


@pytest.mark.usefixtures("prefect_server")
async def test_a_story_ends_with_every_scene(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from flows.orders.stories import StoryOrder
    from flows.write_story import write_story

    with GeminiServer(latency=0.2) as server:
        monkeypatch.setenv("GEMINI_API_KEY", CANARY)
        monkeypatch.setenv("GEMINI_BASE_URL", server.url)
        monkeypatch.setenv("TALEWRIGHT_HOME", str(tmp_path / "home"))
        order = StoryOrder(depth=1, breadth=2, sandbox="none", out=str(tmp_path))
        writing = asyncio.create_task(write_story(order))
        for _ in range(300):
            if len(server.calls) > 2:
                break
            await asyncio.sleep(0.1)
        server.stop()
        await asyncio.sleep(1)
        server.start()
        told = await writing
    counts = server.counts()
    assert told.receipt.outcome == "complete"
    assert told.scenes == order.scenes == 3
    assert told.receipt.total.failed > 0, "the server was gone"
    assert told.receipt.total.tokens_in >= counts["tokens_in"]
    assert counts["requests_answered_twice"] == 0
    assert find_canary([HOME, tmp_path]) == []
