"""Generate and parse as Prefect tasks: what they leave behind, and that no key is in it."""

import asyncio
from typing import Any

import httpx2
import pytest
from prefect import flow
from prefect.client.schemas.objects import State

from tasks.answers.ladder import Answer
from tasks.calls.errors import Malformed
from tasks.calls.prompt import Prompt, Purpose, Reply
from tasks.core.settings import Settings
from tasks.generate import generate
from tasks.llm.chain import open_provider
from tasks.parse import parse_answer
from tasks.story.scene import SceneDraft
from tests.answers.test_ladder import Asker
from tests.canary import CANARY, exception_texts, find_canary
from tests.conftest import HOME
from tests.emulators.gemini import GeminiServer, error, response
from tests.emulators.http import json_answer

PROMPT = Prompt("scene", 1, "hash", text="Write.", shared="A world.", schema=SceneDraft)


@flow(name="steps-of-a-test")
async def steps(url: str) -> Answer[Any]:
    # As in write-story, the key comes from settings inside the run, never as a parameter.
    settings = Settings.model_validate({"gemini_api_key": CANARY, "gemini_base_url": url})
    provider = open_provider("gemini", settings)
    client = Asker(settings, provider, [])
    purpose = Purpose("run-of-a-test", "story", "1", "generate")
    reply = await generate(client, PROMPT, purpose, label="a story: scene 1")
    try:
        return await parse_answer(client, PROMPT, purpose, reply, label="a story: scene 1")
    finally:
        await provider.close()


async def ended(url: str) -> State[Any]:
    state: State[Any] = await steps(url, return_state=True)
    return state


@pytest.mark.usefixtures("prefect_server")
async def test_a_scene_comes_of_it() -> None:
    with GeminiServer() as server:
        state = await ended(server.url)
        answer: Answer[SceneDraft] = await state.result()
    assert answer.rung == "as is"
    assert isinstance(answer.reply, Reply)
    assert len(server.calls) == 1
    # Names of task runs reach the server's database as events; there a key would be found too.
    for _ in range(100):
        if find_canary([HOME], "a story: scene 1"):
            break
        await asyncio.sleep(0.1)
    assert find_canary([HOME], "a story: scene 1")
    assert find_canary([HOME]) == []


async def test_an_unusable_answer_is_kept_in_a_file_and_an_artifact(prefect_server: str) -> None:
    with GeminiServer() as server:
        for text in ("No.", "No, no.", "# No,\n```\nnever."):
            server.next(json_answer(response(text, None)))
        state = await ended(server.url)
    with pytest.raises(Malformed, match="The raw answer is in") as caught:
        await state.result()
    (raw,) = (HOME / "talewright" / "raw" / "run-of-a-test").glob("1-*.txt")
    assert raw.read_text() == "# No,\n```\nnever."
    assert str(raw) in str(caught.value)
    wanted = {"artifacts": {"key": {"any_": ["raw-answer"]}}}
    (artifact,) = httpx2.post(f"{prefect_server}/artifacts/filter", json=wanted).json()
    assert "    never." in artifact["data"]


@pytest.mark.usefixtures("prefect_server")
async def test_a_refused_key_is_shown_nowhere() -> None:
    with GeminiServer() as server:
        server.next(error(400, f"API key {CANARY} not valid.", reason="API_KEY_INVALID"))
        state = await ended(server.url)
    with pytest.raises(Exception, match="Check the key") as caught:
        await state.result()
    assert find_canary([*exception_texts(caught.value), repr(state)]) == []
    assert find_canary([HOME]) == []
