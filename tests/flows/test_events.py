"""Events for automations: what ended a story, and the example that acts on one of them."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from prefect.client.orchestration import PrefectClient, get_client
from prefect.flow_engine import run_flow_async

from flows.orders.stories import StoryOrder
from flows.write_story import write_story
from tests.emulators.gemini import GeminiServer, error
from tests.emulators.http import Answer, Request
from tests.ports import free_port

EXAMPLE = Path(__file__).parents[2] / "examples" / "automations" / "provider-lost.yaml"


class Ghosts(GeminiServer):
    """Lets a dead man take part in every scene."""

    def write(self, body: Mapping[str, Any], raw: bytes) -> str:
        return json.dumps(json.loads(super().write(body, raw)) | {"present": ["anselm"]})


@pytest.fixture
def gemini(
    prefect_server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> pytest.MonkeyPatch:
    monkeypatch.setenv("GEMINI_API_KEY", "none")
    monkeypatch.setenv("TALEWRIGHT_HOME", str(tmp_path / "home"))
    return monkeypatch


async def event(client: PrefectClient, name: str, resource: str) -> dict[str, Any]:
    """The event of this name about a story or a run, once the server has it."""
    wanted = {"event": {"name": [name]}, "resource": {"id": [f"talewright.{resource}"]}}
    for _ in range(200):
        answer = await client.request("POST", "/events/filter", json={"filter": wanted})
        if events := answer.json()["events"]:
            assert len(events) == 1
            return dict(events[0])
        await asyncio.sleep(0.1)
    raise AssertionError(f"no event {name}")


class Revoked(GeminiServer):
    """Takes the key back after the first call."""

    async def answer(self, request: Request) -> Answer:
        return error(403, "revoked") if self.calls else await super().answer(request)


@pytest.mark.parametrize(
    ("server", "cap", "name", "reason"),
    [
        (GeminiServer(), "0.0001", "cap-reached", "cap"),
        (Ghosts(), "1", "story-refused", "Anselm Calder is dead"),
        (Revoked(), "1", "provider-lost", "revoked"),
    ],
)
async def test_the_end_of_a_story_is_an_event_with_its_reason(
    server: GeminiServer,
    cap: str,
    name: str,
    reason: str,
    gemini: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    order = StoryOrder(depth=1, seed=71, max_cost_usd=Decimal(cap), out=str(tmp_path))
    with server:
        gemini.setenv("GEMINI_BASE_URL", server.url)
        await write_story(order, return_state=True)
    async with get_client() as client:
        seen = await event(client, f"talewright.{name}", "story.last-ferry-71")
    assert reason in seen["payload"]["reason"]
    assert seen["resource"]["prefect.resource.name"] == "The Last Ferry"


async def test_a_provider_that_another_stands_in_for_is_an_event_once_a_run(
    gemini: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    gemini.setenv("GEMINI_BASE_URL", f"http://127.0.0.1:{free_port()}")
    gemini.setenv("LLM_CHAIN", "gemini,offline")
    gemini.setenv("LLM_DEADLINE", "0.5")
    order = StoryOrder(depth=1, seed=73, out=str(tmp_path))
    state = await write_story(order, return_state=True)
    assert state.name == "Completed"
    async with get_client() as client:
        seen = await event(
            client, "talewright.provider-replaced", f"run.{state.state_details.flow_run_id}"
        )
    assert (seen["payload"]["provider"], seen["payload"]["by"]) == ("gemini", "offline")


async def test_the_example_pauses_the_deployment_whose_provider_is_lost(
    gemini: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    gemini.setenv("GEMINI_BASE_URL", f"http://127.0.0.1:{free_port()}")
    gemini.setenv("LLM_DEADLINE", "0.5")
    order = StoryOrder(depth=0, seed=72, out=str(tmp_path))
    parameters = {"order": order}
    async with get_client() as client, installed(client):
        flow_id = await client.create_flow(write_story)
        deployment_id = await client.create_deployment(flow_id, "lost")
        run = await client.create_flow_run_from_deployment(deployment_id)
        await run_flow_async(write_story, run, parameters, return_type="state")
        seen = await event(client, "talewright.provider-lost", "story.last-ferry-72")
        assert seen["payload"]["provider"] == "gemini"
        for _ in range(200):
            if (await client.read_deployment(deployment_id)).paused:
                return
            await asyncio.sleep(0.1)
    raise AssertionError("the deployment was not paused")


@asynccontextmanager
async def installed(client: PrefectClient) -> AsyncIterator[None]:
    """The automation of the example, by the command it names."""
    create = [sys.executable, "-m", "prefect", "automation", "create", "--from-file", str(EXAMPLE)]
    done = subprocess.run(create, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    try:
        yield
    finally:
        for automation in await client.read_automations():
            await client.delete_automation(automation.id)
