"""What a person sees while they wait: each text as it grows, over a real stream."""

import asyncio
import logging
from io import StringIO
from pathlib import Path
from uuid import UUID

import pytest
from prefect import flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterFlowRunId
from prefect.runtime import flow_run
from rich.console import Console

from flows.cli.progress import progress_lines
from flows.orders.stories import StoryOrder
from flows.runs.progress import EVERY, progress
from tasks.llm.client import Client
from tests.canary import CANARY
from tests.emulators.gemini import GeminiServer
from tests.flows.conftest import run_story


@pytest.mark.usefixtures("prefect_server")
@pytest.mark.parametrize("terminal", [True, False])
async def test_a_terminal_shows_a_scene_grow(
    terminal: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    console = Console(file=StringIO(), force_terminal=terminal, width=120)
    with GeminiServer(pause=0.15) as server:
        monkeypatch.setenv("GEMINI_API_KEY", CANARY)
        monkeypatch.setenv("GEMINI_BASE_URL", server.url)
        with progress_lines(console, 1):
            order = StoryOrder(depth=0, seed=90 + terminal, sandbox="none", out=str(tmp_path))
            run = await run_story(order)
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    assert run.told.receipt.outcome == "complete"
    assert ("scene 1:" in shown and "characters" in shown) is terminal
    assert server.streamed == terminal


async def forget_artifacts(run_id: str) -> None:
    ours = ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[UUID(run_id)]))
    async with get_client() as client:
        for artifact in await client.read_artifacts(artifact_filter=ours):
            await client.delete_artifact(artifact.id)


@flow
async def watched(order: StoryOrder) -> str:
    """A run whose progress the server does not take."""
    run_id = str(flow_run.id)
    async with (
        Client.open(order.settings(), run_id=run_id) as client,
        progress(client, 2) as scene_done,
    ):
        await forget_artifacts(run_id)
        for _ in range(2):
            scene_done()
            await asyncio.sleep(EVERY + 0.2)
    return "told"


@pytest.mark.usefixtures("prefect_server")
async def test_a_run_goes_on_when_its_progress_cannot_be_shown(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.WARNING, logger="prefect.flow_runs"):
        state = await watched(StoryOrder(model="offline"), return_state=True)
    assert state.name == "Completed", state.message
    assert caplog.text.count("The progress could not be shown") == 3
